"""The folder of all that goes wrong, through the parts and through the real pipeline."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from pipeline import TINY, run
from recordings import melody, most_resident
from torture import ASIDE, NAMES, USED, Expected, corpus, make_folder

from descant.config.corpus import Splits
from descant.config.loading import merge
from descant.config.reading import read_yaml
from descant.corpus.decode import Bounds, Outcome, verify
from descant.corpus.ingest import ingest
from descant.corpus.pack import deal_entries, group_entries
from descant.corpus.scan import printable, scan
from descant.corpus.table import Entry
from descant.corpus.worker import Worker
from descant.errors import CorpusError
from descant.modelfile import read_model

MAX_RESIDENT = 300 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Expected]]]:
    base = tmp_path_factory.mktemp("torture")
    expected = make_folder(base / "my music", base / "outside")
    before = sorted((base / "my music").iterdir())
    yield base / "my music", expected
    assert sorted((base / "my music").iterdir()) == before


def assert_as_expected(rows: dict[str, tuple[str, str]], expected: dict[str, Expected]) -> None:
    """Each item has its status and its reason; the hostile names too, shown as text that prints."""
    names = {printable(name): status for name, status in NAMES.items()}
    assert set(rows) == set(expected) | set(names)
    wrong = {
        source: (status, reason)
        for source, (status, reason) in rows.items()
        if source in expected and (status != expected[source].status or expected[source].reported not in reason)
    }
    assert not wrong
    assert {source: rows[source][0] for source in names} == names
    for source, (status, reason) in rows.items():
        assert source.isprintable() and reason.isprintable()
        assert reason or status == USED, source
        # in words: no exception's name, no path of this machine
        assert not any(word in reason for word in ("Error", "errno", "0x", "Traceback", "/tmp")), (source, reason)


def rows_of(entries: tuple[Entry, ...]) -> dict[str, tuple[str, str]]:
    return {entry.source: (entry.status, entry.reason) for entry in entries}


def test_each_item_has_its_row(tmp_path: Path, folder: tuple[Path, dict[str, Expected]]) -> None:
    root, expected = folder
    (tmp_path / "tracks").mkdir()
    settings = corpus(root)
    entries, fingerprints, _ = ingest(scan(settings), settings, tmp_path / "tracks")
    assert_as_expected(rows_of(group_entries(entries, fingerprints)), expected)
    used = {entry.track for entry in entries if entry.is_used}
    assert {path.stem for path in (tmp_path / "tracks").iterdir()} == used == set(fingerprints)
    # names that look the same are not the same
    assert len([entry for entry in entries if entry.is_used]) == len(used)


def test_all_bad_stops_with_the_reasons(tmp_path: Path, folder: tuple[Path, dict[str, Expected]]) -> None:
    root, expected = folder
    (tmp_path / "tracks").mkdir()
    bad = tuple(item for item in scan(corpus(root)) if expected.get(item.source, Expected(USED)).status == ASIDE)
    bad = tuple(item for item in bad if item.source != "same good.flac")
    entries, fingerprints, _ = ingest(bad, corpus(root), tmp_path / "tracks")
    assert len(entries) > 20 and not fingerprints and not list((tmp_path / "tracks").iterdir())
    with pytest.raises(CorpusError, match=r"(?s)no usable track.*more than corpus\.folder\.max_decoded_gib"):
        deal_entries(tuple(sorted(entries, key=lambda entry: entry.source != "bomb.flac")), {}, Splits(), 1)


def test_a_bad_item_changes_nothing_for_the_good(tmp_path: Path, folder: tuple[Path, dict[str, Expected]]) -> None:
    root, _ = folder
    items = [item for item in scan(corpus(root)) if item.source in ("good.wav", "nan.wav", "8000 Hz.wav")]
    kept = []
    for n, some in enumerate((items, [item for item in items if item.source != "nan.wav"])):
        (tmp_path / str(n)).mkdir()
        ingest(some, corpus(root), tmp_path / str(n))
        kept.append({path.name: path.read_bytes() for path in (tmp_path / str(n)).iterdir()})
    assert kept[0] == kept[1] and len(kept[0]) == 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not report a process's peak")
@pytest.mark.parametrize(("suffix", "rate", "channels"), [("flac", 44100, 2), ("mp3", 16000, 1)])
def test_memory_is_flat_over_25_minutes(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    minutes = 25
    (tmp_path / "tracks").mkdir()
    minute = np.repeat(melody(0, 60, rate), channels, axis=1)
    peaks = []
    with Worker(300) as worker:
        for length in (1, minutes):
            with soundfile.SoundFile(tmp_path / f"a.{suffix}", "w", samplerate=rate, channels=channels) as file:
                for n in range(length):
                    file.write(np.roll(minute, n * 777, axis=0))
            source = os.fsencode(tmp_path / f"a.{suffix}")
            outcome = worker.call(verify, source, tmp_path / "tracks", Bounds(3600, 1 << 31))
            assert isinstance(outcome, Outcome) and outcome.seconds == pytest.approx(60 * length, abs=0.1)
            peaks.append(worker.call(most_resident))
    print(f"{suffix}: peak {peaks[0] >> 20} MiB for 1 min, {peaks[1] >> 20} MiB for {minutes} min")
    assert peaks[1] < MAX_RESIDENT and peaks[1] - peaks[0] < 16 << 20


@pytest.mark.slow
def test_the_pipeline_ends_with_a_table_and_a_model(tmp_path: Path, folder: tuple[Path, dict[str, Expected]]) -> None:
    root, expected = folder
    section = corpus(root).model_dump()
    over = tmp_path / "own.yaml"
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"corpus": {**section, "splits": {"test": 0.2}}})))
    (tmp_path / "work").mkdir()
    model = "results/training/thin-on-audio/model.safetensors"
    started = time.monotonic()
    run(tmp_path / "work", "--cores", "2", model, over=over)
    print(f"{time.monotonic() - started:.0f} s")
    table = pd.read_csv(tmp_path / "work/results/corpus/tracks.csv", keep_default_na=False)
    # in reading CSV a lone \r or such would break rows: there is none
    assert_as_expected(
        dict(zip(table["source"], zip(table["status"], table["reason"], strict=True), strict=True)), expected
    )
    good = table.set_index("source").loc[["good.wav", "good.mp3"]]
    assert len(set(good["split"])) == 1 and len(set(good["group"])) == 1 and good["group"].iloc[0] in set(good["track"])
    assert (table[table["group"] != ""]["status"] == USED).all()
    assert read_model(tmp_path / "work" / model)
    assert not list(tmp_path.rglob("x")) and not (Path.cwd() / "x").exists()
