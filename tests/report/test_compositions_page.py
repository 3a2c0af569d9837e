"""What was composed can be read, heard, and judged by the rules; names are shown as text."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from grids import chorale
from page_reading import make_page, read_page

from descant.audio.clips import flac_bytes
from descant.errors import SamplingError
from descant.evaluation.composed import LIST, Composed, Written
from descant.results import write_json
from descant.scores.part_writing import musicxml_of
from descant.scores.voice_leading import CHORALE_RANGES, count_voice_leading

# a chord, and the same a tone higher: a fifth and an octave in parallel
PARALLEL = chorale()
PARALLEL[4] = PARALLEL[0] + 2
HOSTILE = "<b>Fuge</b> {{ 7*7 }}"


def composed(folder: Path) -> Path:
    folder.mkdir()
    counted = count_voice_leading(PARALLEL, CHORALE_RANGES)
    pieces = [Written(f"Answer {name}", name, 2, ("alto",), counted) for name in ("1", "2", "3")]
    for name in ("1", "2", "3"):
        (folder / f"{name}.flac").write_bytes(flac_bytes(0.1 * np.sin(np.arange(4000) / 9), 8000))
        (folder / f"{name}.musicxml").write_bytes(musicxml_of(PARALLEL, HOSTILE))
    write_json(folder / LIST, Composed(HOSTILE, "fill", "autoregressive_parts", 12, ("pickup of 1 quarters",), pieces))
    return folder


def test_every_piece_is_engraved_and_played(tmp_path: Path) -> None:
    html = make_page("compositions", tmp_path / "page.html", folders=[composed(tmp_path / "x")])
    page = read_page(html, str(tmp_path / "nothing"))
    assert len(page.all("audio")) == 3 and HOSTILE in page.text
    scores = [image["src"] for image in page.all("img") if image["src"].startswith("data:image/svg+xml")]
    assert len(scores) == 3
    drawn = base64.b64decode(scores[0].partition(",")[2]).decode()
    assert re.match(r'<svg [^>]*><rect width="100%" height="100%" fill="#fff"/>', drawn)
    # two measures of four chords in four voices
    assert drawn.count('class="note"') == 32 and drawn.count('class="measure"') == 2
    assert "1 parallel fifths, 1 parallel octaves" in page.text
    assert "pickup of 1 quarters" in page.text and "written by the network: alto" in page.text


def test_a_piece_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = composed(tmp_path / "x")
    (folder / "2.flac").write_bytes(b"torn")
    with pytest.raises(SamplingError, match="x cannot be read"):
        make_page("compositions", tmp_path / "page.html", folders=[folder])
