"""Recordings of the field: all of each is used, whatever its header says, and what is odd about it is said truly."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from field import DAMAGED, DAMAGED_SECONDS, Truth, frames_by_ffmpeg, make_field

from descant.audio.files import read_blocks
from descant.config.corpus import Corpus, Folder
from descant.corpus.decode import track_file
from descant.corpus.ingest import ingest
from descant.corpus.scan import scan
from descant.corpus.table import Entry


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Truth], dict[str, Entry]]]:
    base = tmp_path_factory.mktemp("field")
    truths = make_field(base / "music")
    (base / "tracks").mkdir()
    corpus = Corpus(source="folder", folder=Folder(path=str(base / "music")))
    yield base, truths, {entry.source: entry for entry in ingest(scan(corpus), corpus, base / "tracks").entries}


def test_all_of_each_is_used(field: tuple[Path, dict[str, Truth], dict[str, Entry]]) -> None:
    base, truths, entries = field
    assert set(entries) == set(truths)
    wrong = {}
    for name, truth in truths.items():
        entry = entries[name]
        if truth.shown == DAMAGED:
            # a frame whose checksum fails is left out, which ffmpeg by itself does not do; one of TTA has 1.04 s
            assert entry.is_used and 0.7 * DAMAGED_SECONDS < entry.seconds < DAMAGED_SECONDS, name
            continue
        frames = round(entry.seconds * entry.rate)
        right = frames_by_ffmpeg(base / "music" / name, entry.channels) if truth.frames is None else truth.frames
        if not entry.is_used or frames != right:
            wrong[name] = (frames, right, entry.reason)
    assert not wrong


def test_remarks_say_what_is_odd_and_nothing_else(
    field: tuple[Path, dict[str, Truth], dict[str, Entry]],
) -> None:
    _, truths, entries = field
    reasons = {name: entry.reason for name, entry in entries.items()}
    assert {name: reason for name, reason in reasons.items() if not reason.startswith(truths[name].shown)} == {}
    assert {name: reason for name, reason in reasons.items() if reason and not truths[name].shown} == {}


def test_damage_is_left_out_and_is_no_burst(field: tuple[Path, dict[str, Truth], dict[str, Entry]]) -> None:
    base, truths, entries = field
    for name in (name for name, truth in truths.items() if truth.shown == DAMAGED):
        kept = np.concatenate(list(read_blocks(track_file(base / "tracks", entries[name].track))))
        assert np.abs(kept).max() < 0.9, name


def test_samples_behind_a_wrong_size_are_those_of_the_file(
    field: tuple[Path, dict[str, Truth], dict[str, Entry]],
) -> None:
    base, _, entries = field
    path = base / "music" / "wrapped PCM_24.wav"
    content = bytearray(path.read_bytes())
    content[40:44] = (len(content) - 44).to_bytes(4, "little")
    (base / "mended.wav").write_bytes(content)
    kept = np.concatenate(list(read_blocks(track_file(base / "tracks", entries[path.name].track))))
    np.testing.assert_array_equal(kept, soundfile.read(base / "mended.wav", dtype="float32", always_2d=True)[0])
