"""The page of mixes and stems, from the tables and folders of two shards."""

import base64
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from page_reading import make_page, read_page

from descant.errors import DescantError
from descant.separation.shard import StemRow, write_stem_table

HOSTILE = "<img src=http://example.org/x onerror=alert(1)> \"&' {{ 7*7 }}"
ROW = StemRow("", "", "spleeter:2stems (torch)", "accompaniment", 4.0, -9.5, -90.0, -10.25, 11025.0, "", "")


def write_shards(folder: Path, tracks: int, failures: int = 0, rate: int = 48000) -> None:
    """Deal tracks of 4 s to two shards: a mix that rises sample by sample; its stem falls, at half the rate."""
    for shard in range(2):
        rows = []
        for name in ("mixes", "stems"):
            (folder / name / str(shard)).mkdir(parents=True)
        for number in range(shard, tracks + failures, 2):
            track, failure = f"{number:016x}", "the stem is the mix" if number >= tracks else ""
            source = f"{HOSTILE} {number:03}"
            rows.append(dataclasses.replace(ROW, track=track, source=source, failure=failure))
            ramp = np.arange(4 * rate) / (8 * rate)
            soundfile.write(folder / "mixes" / str(shard) / f"{track}.wav", ramp, rate, subtype="FLOAT")
            if not failure:
                stem = -np.stack([ramp[::2], ramp[::2] / 2], axis=1)
                soundfile.write(folder / "stems" / str(shard) / f"{track}.flac", stem, rate // 2, subtype="PCM_24")
        write_stem_table(rows, folder / f"{shard}.parquet")


def page_of(folder: Path, **options: float) -> str:
    mixes, stems = ([str(folder / name / str(shard)) for shard in range(2)] for name in ("mixes", "stems"))
    tables = [folder / "0.parquet", folder / "1.parquet"]
    return make_page("separation", folder / "page.html", stems=tables, mixes=mixes, separated=stems, **options)


def heard(html: str) -> list[tuple[np.ndarray, int]]:
    sources = [attributes["src"] for attributes in read_page(html).all("audio")]
    return [soundfile.read(io.BytesIO(base64.b64decode(source.partition("base64,")[2]))) for source in sources]


def test_mix_and_stem_are_the_same_stretch_of_time(tmp_path: Path) -> None:
    write_shards(tmp_path, 1)
    html = page_of(tmp_path, seconds=1.0)
    (mix, mix_rate), (stem, stem_rate) = heard(html)
    assert (mix_rate, stem_rate) == (48000, 24000)
    assert mix.shape == (48000,) and stem.shape == (24000, 2)
    # the middle second of four, of a ramp that rises by 1/8 a second
    np.testing.assert_allclose(mix, (1.5 + np.arange(48000) / 48000) / 8, atol=2**-15)
    np.testing.assert_allclose(stem[:, 0], -mix[::2], atol=2**-14)
    np.testing.assert_allclose(stem[:, 1], -mix[::2] / 2, atol=2**-14)


def test_what_was_measured_is_reported_and_names_are_data(tmp_path: Path) -> None:
    write_shards(tmp_path, 2, failures=1)
    html = page_of(tmp_path)
    text = read_page(html, str(tmp_path), "alert(1)>").text
    assert "Accompaniment of 2 tracks, separated by spleeter:2stems (torch); 1 track set aside." in text
    assert "The vocals in them: −10.2 dB of the mix (median)." in text
    assert "vocals at −10.2 dB, what was taken away at −9.5 dB, stem up to 11.0 kHz" in text
    assert f"{HOSTILE} 002: the stem is the mix" in text and "All tracks, 10 s" in text
    assert page_of(tmp_path) == html


def test_a_rate_that_flac_does_not_know_is_shown_at_another(tmp_path: Path) -> None:
    write_shards(tmp_path, 1, rate=96001)
    assert [rate for _, rate in heard(page_of(tmp_path))] == [48000, 48000]


def test_a_few_tracks_of_many_are_spread_over_the_corpus(tmp_path: Path) -> None:
    write_shards(tmp_path, 9, failures=30, rate=8000)
    page = read_page(page_of(tmp_path, show=3))
    assert len(page.all("audio")) == 6 and "3 tracks of 9" in page.text
    assert all(f"{HOSTILE} {number:03}\n" in page.text for number in (0, 3, 6))
    assert "and 10 more tracks, all in tracks.csv" in page.text


def test_no_stem_at_all_is_a_page_too(tmp_path: Path) -> None:
    write_shards(tmp_path, 0, failures=2)
    page = read_page(page_of(tmp_path))
    assert not page.all("audio") and "2 tracks set aside" in page.text
    empty = tmp_path / "empty"
    write_shards(empty, 0)
    assert "No track was separated." in read_page(page_of(empty)).text


def test_mistakes_are_reported(tmp_path: Path) -> None:
    write_shards(tmp_path, 2)
    with pytest.raises(DescantError, match="differ in number"):
        make_page("separation", tmp_path / "page.html", stems=[tmp_path / "0.parquet"], mixes=[], separated=[])
    (tmp_path / "stems" / "0" / f"{0:016x}.flac").unlink()
    with pytest.raises(DescantError, match="no audio of track"):
        page_of(tmp_path)
    (tmp_path / "1.parquet").write_bytes(b"torn")
    with pytest.raises(DescantError, match="cannot be read"):
        page_of(tmp_path)
    assert not (tmp_path / "page.html").exists()
