import os
from pathlib import Path

import numpy as np
import pretty_midi
import pyarrow as pa
import pytest
from recordings import tone, write

from descant.config.corpus import Corpus, Folder, Scores
from descant.corpus.ingest import ingest
from descant.corpus.scan import scan
from descant.corpus.table import Entry, columns, read_table, write_csv, write_table


def run(corpus: Corpus, tracks: Path) -> dict[str, Entry]:
    tracks.mkdir()
    return {entry.source: entry for entry in ingest(scan(corpus), corpus, tracks).entries}


def test_hostile_folder(tmp_path: Path) -> None:
    root = tmp_path / "music"
    root.mkdir()
    odd = [b"a'b $(x) {y}.ogg", b"-dash.wav", b"line\nbreak.flac", b"\xff\xfe.wav", "é.wav".encode()]
    odd += [b"*.mp3", b"`w`.wav"]
    for n, name in enumerate(odd):
        write(bytes(root) + b"/" + name, tone(pitch=300 + 20 * n))
    same = np.rint(tone() * 32767).astype(np.int16)
    write(root / "a.wav", same)
    write(root / "same.flac", same)
    (root / "zero.wav").write_bytes(b"")
    (root / "text.wav").write_text("no music " * 99)
    broken = tone().astype(np.float32)
    broken[7] = np.nan
    write(root / "nan.wav", broken, subtype="FLOAT")
    write(root / "silence.ogg", np.zeros(16000))
    write(root / "long.wav", tone(7))
    (root / "dir.wav").mkdir()
    write(root / "dir.wav" / "in.wav", tone(pitch=700))
    (root / "gone.wav").symlink_to("nothing")
    os.mkfifo(root / "pipe.wav")
    corpus = Corpus(source="folder", folder=Folder(path=str(root), max_minutes=0.1))
    entries = run(corpus, tmp_path / "tracks")

    assert len(entries) == len(odd) + 10
    used = {source: entry for source, entry in entries.items() if entry.is_used}
    assert len(used) == len(odd) + 2 and {"a.wav", "dir.wav/in.wav", "-dash.wav", "é.wav"} <= set(used)
    stems = sorted(path.stem for path in (tmp_path / "tracks").iterdir())
    assert stems == sorted(entry.track for entry in used.values())
    assert all(len(stem) == 16 and set(stem) <= set("0123456789abcdef") for stem in stems)
    reasons = {source: entry.reason for source, entry in entries.items() if not entry.is_used}
    assert reasons["zero.wav"] == "empty file" and reasons["nan.wav"] == "contains NaN"
    assert reasons["text.wav"].startswith("not audio") and reasons["silence.ogg"] == "silent"
    assert reasons["pipe.wav"] == "not a regular file" and "nowhere" in reasons["gone.wav"]
    assert reasons["long.wav"] == "longer than corpus.folder.max_minutes, 0.1"
    assert reasons["same.flac"] == "same audio as a.wav"
    assert entries["same.flac"].duplicate_of == entries["a.wav"].track
    assert not any(entry.split for entry in entries.values())

    write_table(entries.values(), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet") == tuple(entries.values())
    write_csv(list(entries.values()), tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text()
    assert str(tmp_path) not in text and text.splitlines()[0] == ",".join(columns())
    assert len(text.splitlines()) == len(entries) + 1


def test_scores_become_tracks(tmp_path: Path) -> None:
    scores = Scores(pieces=str(tmp_path / "list.csv"), seconds_per_piece=3)
    (tmp_path / "list.csv").write_text(
        "path,title,composer,quarters_per_minute,note\n"
        "tune.abc,Tune,Nobody,120,ours\nbroken.musicxml,Broken,Nobody,120,ours\nnone.mxl,None,Nobody,120,ours\n"
    )
    (tmp_path / "tune.abc").write_text("X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|cBAG|FEDC|\n")
    (tmp_path / "broken.musicxml").write_text("<score")
    first = run(Corpus(scores=scores), tmp_path / "tracks")
    assert first["tune.abc"].is_used and first["tune.abc"].title == "Nobody: Tune"
    assert first["tune.abc"].seconds == pytest.approx(3) and first["tune.abc"].rate == 22050
    assert "cannot be read" in first["broken.musicxml"].reason and "no score" in first["none.mxl"].reason
    assert first == run(Corpus(scores=scores), tmp_path / "again")


def midi(path: Path, pitches: list[int], programs: list[int], step: float = 0.25) -> None:
    score = pretty_midi.PrettyMIDI()
    for program in programs:
        part = pretty_midi.Instrument(program=program)
        part.notes = [pretty_midi.Note(80, p, step * n, step * n + 0.2) for n, p in enumerate(pitches)]
        score.instruments.append(part)
    score.write(str(path))


def test_a_folder_of_scores(tmp_path: Path) -> None:
    root = tmp_path / "scores"
    root.mkdir()
    midi(root / "duo.mid", [60, 64, 67, 72], [40, 42])
    midi(root / "same notes.kar", [60, 64, 67, 72], [73])
    midi(root / "long.midi", list(range(40, 80)), [0])
    (root / "tune.abc").write_text("X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|\n")
    (root / "broken.mid").write_bytes((root / "duo.mid").read_bytes()[:-9])
    (root / "data.xml").write_text("<notes/>")
    (root / "empty.mxl").write_bytes(b"")
    (root / "readme.txt").write_text("no music")
    write(root / "song.wav", tone())
    corpus = Corpus(source="midi", folder=Folder(path=str(root)), scores=Scores(seconds_per_piece=3))
    (tmp_path / "tracks").mkdir()
    entries, fingerprints, tables = ingest(scan(corpus), corpus, tmp_path / "tracks")
    by_source = {entry.source: entry for entry in entries}
    assert set(by_source) == {path.name for path in root.iterdir()}
    used = {source: entry for source, entry in by_source.items() if entry.is_used}
    assert {source: entry.programs for source, entry in used.items()} == {
        "duo.mid": "40 42", "same notes.kar": "73", "long.midi": "0", "tune.abc": "0",
    }  # fmt: skip
    assert {source: entry.labels.instrument for source, entry in used.items()} == {
        "duo.mid": "",
        "same notes.kar": "Flute",
        "long.midi": "Acoustic Grand Piano",
        "tune.abc": "Acoustic Grand Piano",
    }
    assert used["duo.mid"].piece == used["same notes.kar"].piece != used["tune.abc"].piece
    assert used["long.midi"].reason == "the first 3 s of 11 s are rendered"
    reasons = {source: entry.reason for source, entry in by_source.items() if not entry.is_used}
    assert "cut short" in reasons["broken.mid"] and "score" in reasons["data.xml"]
    assert reasons["empty.mxl"] == "empty file"
    assert reasons["song.wav"] == "no score by its name: .wav is not a suffix of scores"
    notes = pa.concat_tables(tables).to_pylist()
    assert {note["track"] for note in notes} == {entry.track for entry in used.values()} == set(fingerprints)
    long = [(note["onset"], note["pitch"]) for note in notes if note["track"] == used["long.midi"].track]
    assert long == [(pytest.approx(0.25 * n), 40 + n) for n in range(12)]

    # two programs: every file twice, each on one of them
    over = corpus.model_copy(update={"scores": Scores(seconds_per_piece=2, programs=(0, 40))})
    items = [item for item in scan(over) if item.name == b"duo.mid"]
    assert [(item.program, item.title) for item in items] == [(0, "duo"), (40, "duo (Violin)")]
    (tmp_path / "over").mkdir()
    pair = ingest(items, over, tmp_path / "over").entries
    assert [entry.instrument for entry in pair] == ["Acoustic Grand Piano", "Violin"]
    assert [entry.programs for entry in pair] == ["0", "40"] and len({entry.piece for entry in pair}) == 1


def test_a_slow_item_is_set_aside(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone())
    corpus = Corpus(source="folder", folder=Folder(path=str(tmp_path)), item_minutes=1e-6)
    assert "took longer" in run(corpus, tmp_path / "tracks")["a.wav"].reason


def test_all_together_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    for n in range(5):
        write(tmp_path / "music" / f"{n}.wav", tone(1, pitch=300 + n))
    (tmp_path / "music" / "notes.txt").write_text("x")
    # two shards share what two and a half seconds at 16 kHz take, and this is one of them with all the files
    folder = Folder(path=str(tmp_path / "music"), max_corpus_gib=5.0 * 16000 * 4 / 2**30)
    entries = run(Corpus(source="folder", folder=folder), tmp_path / "tracks")
    assert [entry.is_used for entry in entries.values()] == [True, True, False, False, False, False]
    assert "max_corpus_gib" in entries["2.wav"].reason and "max_corpus_gib" in entries["4.wav"].reason
    assert entries["notes.txt"].reason.startswith("no recording")
    assert len(list((tmp_path / "tracks").iterdir())) == 2
