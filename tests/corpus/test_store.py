"""What cost much to make is made once of equal inputs, and again of others."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from descant.config.corpus import Corpus, Folder
from descant.corpus.decode import decoder_versions
from descant.corpus.ingest import Ingested, ingest
from descant.corpus.scan import scan
from descant.corpus.store import FACTS, Store, prune
from descant.separation.choose import library_versions

TEXTS = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)


@given(TEXTS, TEXTS)
def test_an_entry_is_found_by_all_that_it_was_made_of(
    tmp_path_factory: pytest.TempPathFactory, made_of: dict[str, str], other: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    (folder / "audio.flac").write_bytes(b"audio")
    store = Store(folder / "kept", "corpus")
    assert store.find(made_of) is None
    store.keep(made_of, {"seconds": 1.5}, folder / "audio.flac")
    found = store.find(made_of)
    assert found is not None and found.facts == {"seconds": 1.5} and found.audio.read_bytes() == b"audio"
    assert (store.find(other) is not None) == (other == made_of)
    assert Store(folder / "kept", "audio").find(made_of) is None, "made by other code"


@pytest.mark.parametrize("spoil", ["cut", "gone", "no facts", "odd facts"])
def test_what_is_not_whole_is_made_again(tmp_path: Path, spoil: str) -> None:
    (tmp_path / "audio.flac").write_bytes(b"audio")
    store = Store(tmp_path / "kept", "corpus")
    store.keep({"a": "b"}, {}, tmp_path / "audio.flac")
    found = store.find({"a": "b"})
    assert found is not None
    if spoil == "cut":
        found.audio.unlink()
        found.audio.write_bytes(b"aud")
    elif spoil == "gone":
        found.audio.unlink()
    else:
        (found.audio.parent / FACTS).write_text("" if spoil == "no facts" else "[1]")
    assert store.find({"a": "b"}) is None
    store.keep({"a": "b"}, {"new": 1}, tmp_path / "audio.flac")
    found = store.find({"a": "b"})
    assert found is not None and found.facts == {"new": 1}


def keep(store: Store, folder: Path, *names: str) -> None:
    for name in names:
        (folder / "audio.flac").write_bytes(name.encode())
        store.keep({"name": name}, {}, folder / "audio.flac")


def held(folder: Path, names: str) -> str:
    """Those of some names that a store holds."""
    return "".join(name for name in names if Store(folder / "kept", "corpus").find({"name": name}))


def test_what_no_job_uses_any_more_stays_for_one_change_and_goes(tmp_path: Path) -> None:
    folder = tmp_path / "kept"

    def job(shard: int, used: str, stage: str = "ingest") -> None:
        store = Store(folder, "corpus")
        keep(store, tmp_path, *(name for name in used if not store.find({"name": name})))
        store.settle(stage, shard)

    assert prune(folder, "ingest", 2) == 0, "nothing was ever kept"
    job(0, "ab")
    keep(Store(folder, "corpus"), tmp_path, "k")
    assert prune(folder, "ingest", 2) == prune(folder, "ingest", 2) == 0, "the job of shard 1 has not ended yet"
    job(1, "cd")
    job(1, "s", "separate")
    (folder / ".killed.1.tmp").mkdir()
    assert prune(folder, "ingest", 2) == 0 and held(tmp_path, "abcdsk") == "abcdsk"
    job(0, "a")
    # what a killed job left, and what no job has used since it was kept
    assert prune(folder, "ingest", 2) == 2 and held(tmp_path, "abcdsk") == "abcds"
    # it came back in time, and is used again
    job(0, "ab")
    assert prune(folder, "ingest", 2) == 0 and held(tmp_path, "abcds") == "abcds"
    # one shard where there were two: what the other used counts no more
    job(0, "ab")
    assert prune(folder, "ingest", 1) == 0 and held(tmp_path, "abcds") == "abcds"
    assert prune(folder, "ingest", 1) == 3 and held(tmp_path, "abcds") == "ab"
    assert not any(path.name.endswith(".tmp") for path in folder.iterdir())


def recording(path: Path, seed: int) -> None:
    soundfile.write(path, 0.3 * np.random.default_rng(seed).standard_normal(16000), 16000)


def ingested(music: Path, tracks: Path, store: Store, **folder: float) -> Ingested:
    corpus = Corpus(source="folder", folder=Folder(path=str(music), **folder), shards=1)
    tracks.mkdir()
    return ingest(scan(corpus), corpus, tracks, store)


def test_a_recording_is_decoded_once_whatever_it_is_called(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for n in range(3):
        recording(music / f"{n}.wav", n)
    store = Store(tmp_path / "kept", "corpus", "audio")
    first = ingested(music, tmp_path / "first", store)
    assert store.found == 0
    (music / "0.wav").rename(music / "renamed.wav")
    recording(music / "3.wav", 3)
    second = ingested(music, tmp_path / "second", store)
    assert store.found == 3
    fresh = ingested(music, tmp_path / "fresh", Store(tmp_path / "other", "corpus", "audio"))
    assert second.entries == fresh.entries
    assert {entry.source for entry in second.entries} == {"renamed.wav", "1.wav", "2.wav", "3.wav"}
    for track, words in fresh.fingerprints.items():
        assert np.array_equal(second.fingerprints[track], words)
        assert (tmp_path / f"second/{track}.flac").read_bytes() == (tmp_path / f"fresh/{track}.flac").read_bytes()
        # a kept one is the same file under a second name
        if track in first.fingerprints:
            assert (tmp_path / f"second/{track}.flac").samefile(tmp_path / f"first/{track}.flac")


def test_other_bounds_look_again_and_what_was_set_aside_is_looked_at_each_time(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    recording(music / "0.wav", 0)
    (music / "broken.wav").write_bytes(b"RIFF")
    store = Store(tmp_path / "kept", "corpus", "audio")
    ingested(music, tmp_path / "first", store)
    ingested(music, tmp_path / "second", store)
    assert store.found == 1
    short = ingested(music, tmp_path / "third", store, max_minutes=0.001)
    assert store.found == 1 and not any(entry.is_used for entry in short.entries)


@pytest.mark.parametrize("library", ["libsndfile", "soxr", "ffmpeg"])
def test_other_decoders_decode_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    music = tmp_path / "music"
    music.mkdir()
    recording(music / "0.wav", 0)
    store = Store(tmp_path / "kept", "corpus", "audio")
    ingested(music, tmp_path / "first", store)
    versions = {**decoder_versions(), library: "another"}
    assert versions.keys() == decoder_versions().keys() and all(decoder_versions().values())
    monkeypatch.setattr("descant.corpus.ingest.decoder_versions", lambda: versions)
    ingested(music, tmp_path / "second", store)
    assert store.found == 0
    ingested(music, tmp_path / "third", store)
    assert store.found == 1


def test_the_separators_libraries_are_named(tmp_path: Path) -> None:
    assert library_versions(None) == f"soxr-{version('soxr')} torch-{version('torch')}"
    (tmp_path / "lib/python3.11/site-packages/tensorflow_cpu-2.12.1.dist-info").mkdir(parents=True)
    (tmp_path / "interpreter.txt").write_text(f"{tmp_path}/bin/python\n")
    assert library_versions(tmp_path / "interpreter.txt").split()[1:] == ["tensorflow_cpu-2.12.1.dist-info"]
