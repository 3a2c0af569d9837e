"""The page to hear first plays every piece, and says what plays it."""

from pathlib import Path

import numpy as np
import pytest
from page_reading import make_page, read_page

from descant.audio.clips import flac_bytes
from descant.errors import SamplingError

RATE = 16000
HOSTILE = "<i>Étude</i> {{ 7*7 }}"


def given(folder: Path) -> dict[str, object]:
    pieces = []
    for number, title in enumerate(("A sonata", HOSTILE)):
        audio = 0.1 * np.sin(2 * np.pi * 220 * (number + 1) * np.arange(RATE) / RATE)
        (folder / f"{number}.flac").write_bytes(flac_bytes(audio, RATE))
        pieces.append({"title": title, "played_by": "harp, then tuba", "audio": folder / f"{number}.flac"})
    return {"pieces": pieces}


def test_every_piece_has_a_player(tmp_path: Path) -> None:
    html = make_page("music", tmp_path / "page.html", **given(tmp_path))
    page = read_page(html, str(tmp_path))
    assert len(page.all("audio")) == 2
    assert "played on harp, then tuba" in page.text and HOSTILE in page.text
    assert "card.md" in page.text


def test_a_piece_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    made = given(tmp_path)
    (tmp_path / "1.flac").write_bytes(b"torn")
    with pytest.raises(SamplingError, match=r"1\.flac cannot be read"):
        make_page("music", tmp_path / "page.html", **made)
