"""The page to hear first plays every piece, and says what plays it and after how many steps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from page_reading import make_page, read_page
from small_models import model_file

from descant.audio.clips import flac_bytes
from descant.config.mel2mel import Mel2Mel
from descant.errors import SamplingError
from descant.modelfile import write_model

RATE = 16000
HOSTILE = "<i>Étude</i> {{ 7*7 }}"


def given(folder: Path) -> dict[str, object]:
    settings = Mel2Mel.model_validate({"training": {"steps": 9, "batch": 1, "window": 64}}).model_dump(mode="json")
    facts = {"name": "mel", "classes": 0, "hop": 128, "sample_rate": RATE, "fingerprint": "mel"}
    write_model(folder / "m.safetensors", model_file("mel2mel", settings, {"x": torch.zeros(1)}, steps=9, **facts))
    pieces = []
    for number, title in enumerate(("A sonata", HOSTILE)):
        audio = 0.1 * np.sin(2 * np.pi * 220 * (number + 1) * np.arange(RATE) / RATE)
        (folder / f"{number}.flac").write_bytes(flac_bytes(audio, RATE))
        pieces.append({"title": title, "played_by": "harp, then tuba", "audio": folder / f"{number}.flac"})
    return {"pieces": pieces, "models": [folder / "m.safetensors"]}


def test_every_piece_has_a_player(tmp_path: Path) -> None:
    html = make_page("music", tmp_path / "page.html", **given(tmp_path))
    page = read_page(html, str(tmp_path))
    assert len(page.all("audio")) == 2
    assert "played on harp, then tuba" in page.text and HOSTILE in page.text
    assert "mel2mel 9" in page.text


def test_a_piece_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    made = given(tmp_path)
    (tmp_path / "1.flac").write_bytes(b"torn")
    with pytest.raises(SamplingError, match=r"1\.flac cannot be read"):
        make_page("music", tmp_path / "page.html", **made)
