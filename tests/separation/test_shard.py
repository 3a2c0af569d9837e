import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from signals import sdr, tones

from descant.audio.files import Block
from descant.config.corpus import Audio, Separation
from descant.corpus.encode import encode_shard
from descant.corpus.store import Store
from descant.corpus.table import REJECTED, USED, Entry
from descant.separation.separator import RATE
from descant.separation.shard import StemRow, separate_shard, write_stem_table
from descant.sequences import open_sequence


def entry(track: str, status: str = USED) -> Entry:
    return Entry(track, f"title {track}", f"{track}.mp3", 2.0, RATE, 2, status, "", "", "")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Tracks, stems that a person brings, and what comes out."""
    made = tuple(tmp_path / name for name in ("tracks", "stems", "out"))
    for folder in made:
        folder.mkdir()
    return made


def test_no_separation_links_the_used_tracks(folders: tuple[Path, Path, Path]) -> None:
    tracks, _, out = folders
    entries = (entry("a"), entry("b"), entry("c", REJECTED))
    for name in ("a.flac", "b.wav", "c.flac"):
        (tracks / name).write_text(name)
    assert separate_shard(Separation(), entries, tracks, out) == (entries, ())
    assert {path.name: path.read_text() for path in out.iterdir()} == {"a.flac": "a.flac", "b.wav": "b.wav"}
    assert (out / "a.flac").samefile(tracks / "a.flac")


def test_brought_stems_are_kept_checked_and_reported(folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    tracks, stems, out = folders
    accompaniment, vocals = tones(2, 300), 0.5 * tones(2, 900)
    loud = 5 * tones(2, 500)
    for track in ("good", "loud", "same", "lost", "deaf"):
        soundfile.write(tracks / f"{track}.flac", accompaniment + vocals, RATE)
    (stems / "good").mkdir()
    soundfile.write(stems / "good" / "accompaniment.flac", accompaniment, RATE)
    soundfile.write(stems / "good" / "vocals.flac", vocals, RATE)
    soundfile.write(stems / "loud.wav", loud, RATE, subtype="FLOAT")
    soundfile.write(stems / "same.wav", accompaniment + vocals, RATE)
    soundfile.write(stems / "deaf.wav", 0 * vocals, RATE)
    given = [*(entry(track) for track in ("good", "loud", "same", "lost", "deaf")), entry("bad", REJECTED)]
    settings = Separation(method="stems", stems_folder=str(stems))
    entries, rows = separate_shard(settings, given, tracks, out)

    assert {path.name for path in out.iterdir()} == {"good.flac", "loud.wav"}
    np.testing.assert_allclose(soundfile.read(out / "good.flac")[0], accompaniment, atol=1e-4)
    np.testing.assert_allclose(soundfile.read(out / "loud.wav")[0], loud, atol=1e-6)
    reasons = {found.track: found.reason for found in entries if not found.is_used}
    assert set(reasons) == {"same", "lost", "deaf", "bad"} and reasons["bad"] == ""
    assert "is the mix" in reasons["same"] and "no separated file" in reasons["lost"] and "silent" in reasons["deaf"]
    assert [found.track for found in entries] == [wanted.track for wanted in given]
    remarks = {found.track: found.reason for found in entries if found.is_used}
    assert remarks["good"] == "" and remarks["loud"].startswith("separation: ")

    write_stem_table(rows, tmp_path / "stems.parquet")
    table = pd.read_parquet(tmp_path / "stems.parquet").set_index("track")
    assert list(table.reset_index().columns) == [field.name for field in dataclasses.fields(StemRow)]
    assert set(table.index) == {"good", "loud", "same", "lost", "deaf"}
    expected = 10 * np.log10(np.square(vocals).sum() / np.square(accompaniment + vocals).sum())
    assert table.loc["good", "vocal_level_db"] == pytest.approx(expected, abs=0.1)
    assert table.loc["good", "seconds"] == 2 and table.loc["good", "residual_db"] < -60
    assert table.loc["loud", "remark"] and not table.loc["loud", "failure"]
    assert np.isnan(table.loc["loud", "vocal_level_db"]) and np.isnan(table.loc["lost", "seconds"])


def test_a_table_without_rows_can_be_read(tmp_path: Path) -> None:
    write_stem_table((), tmp_path / "stems.parquet")
    assert list(pd.read_parquet(tmp_path / "stems.parquet").columns)[:3] == ["track", "source", "separator"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_spleeter_takes_the_vocals_out_of_a_song(
    folders: tuple[Path, Path, Path],
    weights: Path,
    song: dict[str, Block],
    backend: str,
    request: pytest.FixtureRequest,
) -> None:
    tracks, _, out = folders
    interpreter = request.getfixturevalue("interpreter") if backend == "tensorflow" else None
    soundfile.write(tracks / "song.flac", np.clip(song["mix"], -1, 1), RATE, subtype="PCM_24")
    # mono at another rate
    soundfile.write(tracks / "mono.flac", song["mix"][: 2 * RATE : 2, :1], RATE // 2)
    settings = Separation(method="spleeter", backend=backend)
    entries, rows = separate_shard(settings, (entry("song"), entry("mono")), tracks, out, weights, interpreter, 2)

    stem, rate = soundfile.read(next(out.glob("song.*")), dtype="float32")
    assert rate == RATE and stem.shape == song["mix"].shape
    assert sdr(stem, song["accompaniment"]) > sdr(song["mix"], song["accompaniment"]) + 3
    mono, rate = soundfile.read(next(out.glob("mono.*")), dtype="float32")
    assert rate == RATE and mono.shape == (2 * RATE, 2)
    assert all(found.is_used for found in entries) and [row.failure for row in rows] == ["", ""]
    assert rows[0].separator == f"spleeter:2stems ({backend})"
    assert -20 < rows[0].vocal_level_db < -3 and rows[0].residual_db < -80
    assert rows[0].bandwidth_hz == pytest.approx(11025, abs=200)
    encode_shard(entries, out, out / "sequence", out / "waveform", Audio(sample_rate=16000))
    lengths = {track.track: track.length for track in open_sequence(out / "sequence").tracks()}
    assert lengths == {"song": round(len(stem) * 16000 / RATE), "mono": 32000}


@pytest.mark.slow
def test_one_more_track_costs_one_separation(
    folders: tuple[Path, Path, Path], weights: Path, song: dict[str, Block], tmp_path: Path
) -> None:
    tracks, _, _ = folders
    settings = Separation(method="spleeter", backend="torch")
    for n, name in enumerate("abc"):
        soundfile.write(tracks / f"{name}.flac", 0.5 * song["mix"][n * RATE : (n + 1) * RATE], RATE)

    def separated(names: str, kept: Store, folder: str) -> tuple[Path, dict[str, StemRow]]:
        out = tmp_path / folder
        out.mkdir()
        entries = [entry(name) for name in names]
        _, rows = separate_shard(settings, entries, tracks, out, weights, None, 1, kept)
        return out, {row.track: row for row in rows}

    store = Store(tmp_path / "kept", "separation", "audio")
    before, _ = separated("ab", store, "before")
    assert store.found == 0
    after, rows = separated("abc", store, "after")
    assert store.found == 2
    fresh, expected = separated("abc", Store(tmp_path / "other", "separation", "audio"), "fresh")
    assert rows == expected
    for name in "abc":
        assert (after / f"{name}.flac").read_bytes() == (fresh / f"{name}.flac").read_bytes()
        assert name == "c" or (after / f"{name}.flac").samefile(before / f"{name}.flac")
