import os
import random
from pathlib import Path

import mutagen
import pytest
import soundfile
from mutagen.id3 import TCON, TIT2, TPE1
from recordings import tone, write

from descant.config.corpus import Corpus, Folder, Scores
from descant.corpus.ingest import ingest
from descant.corpus.scan import scan
from descant.corpus.table import Entry
from descant.corpus.tags import label_entries, read_tags
from descant.errors import CorpusError
from descant.sequences import Labels

FORMATS = ["wav", "flac", "ogg", "mp3", "aiff"]
EXPECTED = Labels("Títle", "Ärtist", "House")


def tagged(path: Path, labels: Labels = EXPECTED) -> None:
    """Write a recording and tag it with mutagen, in the way of its format."""
    write(path, tone())
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    values = {"title": labels.title, "artist": labels.artist, "genre": labels.genre}
    frames = {"title": TIT2, "artist": TPE1, "genre": TCON}
    for name, text in values.items():
        if path.suffix in (".wav", ".aiff"):
            file.tags.add(frames[name](encoding=3, text=[text, "another"]))
        else:
            file.tags[name] = [text, "another"]
    file.save()


@pytest.mark.parametrize("kind", FORMATS)
def test_tags_of_every_format(tmp_path: Path, kind: str) -> None:
    tagged(tmp_path / f"a.{kind}")
    assert read_tags(os.fsencode(tmp_path / f"a.{kind}")) == EXPECTED
    write(tmp_path / f"b.{kind}", tone())
    assert read_tags(os.fsencode(tmp_path / f"b.{kind}")) == Labels()


@pytest.mark.parametrize(("kind", "genre"), [("wav", "House"), ("aiff", "")])
def test_text_chunks_of_wav_and_aiff(tmp_path: Path, kind: str, genre: str) -> None:
    path = os.fsencode(tmp_path / f"a.{kind}")
    with soundfile.SoundFile(path, "w", 16000, 1, format=kind.upper()) as file:
        file.title, file.artist, file.genre = "Títle", "Ärtist", "House"
        file.write(tone())
    assert read_tags(path) == Labels("Títle", "Ärtist", genre)


def test_hostile_text_is_made_fit_to_be_shown(tmp_path: Path) -> None:
    tagged(tmp_path / "a.flac", Labels("x" * 10**6, "a\r\nb\N{RIGHT-TO-LEFT OVERRIDE}", "<b>"))
    assert read_tags(os.fsencode(tmp_path / "a.flac")) == Labels("x" * 200, "a b\ufffd", "<b>")


def test_bad_tags_are_reported_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for content in (b"", b"text " * 99, b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"RIFF\x24\x00\x00\x00WAVE"):
        path.write_bytes(content)
        try:
            assert read_tags(bytes(path)) == Labels()
        except CorpusError as error:
            assert "tags cannot be read" in error.problem


def shard(corpus: Corpus, tracks: Path) -> dict[str, Entry]:
    tracks.mkdir()
    items = scan(corpus)
    entries = ingest(items, corpus, tracks).entries
    labelled = label_entries(entries, items, corpus)
    # tags are no reason to set a recording aside
    assert [(one.source, one.status) for one in labelled] == [(one.source, one.status) for one in entries]
    return {entry.source: entry for entry in labelled}


def test_damaged_tags_leave_the_recording_in_use(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    chance = random.Random(1)
    for n, kind in enumerate(FORMATS * 3):
        path = music / f"{n}.{kind}"
        tagged(path)
        content = bytearray(path.read_bytes())
        for at in (place for word in (b"tle", b"House", b"TPE1") for place in [content.find(word)] if place > 0):
            content[at - chance.randrange(9)] = chance.randrange(256)
        path.write_bytes(content)
    # the first, as the damaged ones hold the same sound
    tagged(music / "! good.flac")
    (music / "empty.wav").write_bytes(b"")
    corpus = Corpus(source="folder", folder=Folder(path=str(music)))
    entries = shard(corpus, tmp_path / "tracks")
    assert entries["! good.flac"].labels == EXPECTED
    assert entries["empty.wav"].labels == Labels("empty")
    assert all(text.isprintable() for entry in entries.values() for text in vars(entry.labels).values())


def test_scores_are_labelled_by_their_list(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "path,title,composer,quarters_per_minute,note\na.abc,Tune,Nobody,120,ours\nb.abc,,,120,ours\n"
    )
    for name, notes in (("a", "CDEF"), ("b", "cdef")):
        (tmp_path / f"{name}.abc").write_text(f"X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\n{notes}|\n")
    entries = shard(Corpus(scores=Scores(pieces=str(tmp_path / "list.csv"))), tmp_path / "tracks")
    piano = "Acoustic Grand Piano"
    assert entries["a.abc"].labels == Labels("Tune", "Nobody", instrument=piano)
    assert entries["a.abc"].labels.name == "Nobody: Tune"
    assert entries["b.abc"].labels == Labels("b.abc", instrument=piano)
