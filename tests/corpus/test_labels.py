import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.config.corpus import Corpus, Folder
from descant.corpus.labels import (
    MAX_CSV_BYTES,
    MAX_LETTERS,
    apply_labels,
    clean,
    in_words,
    labels_digest,
    labels_file,
    match_names,
    minutes_by_label,
    read_labels,
    unmatched,
)
from descant.corpus.table import REJECTED, USED, Entry
from descant.errors import CorpusError
from descant.sequences import Labels


def entry(source: str, split: str = "train", minutes: float = 1.0, **labels: str) -> Entry:
    status = USED if split else REJECTED
    return Entry(source, "stem", source, 60 * minutes, 16000, 1, status, split, "", "", **labels)


def labels_of(tmp_path: Path, text: str | bytes) -> dict[str, Labels]:
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_labels(path)


@given(st.text(max_size=2000))
def test_clean_text_prints_on_one_line(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable() and len(cleaned) <= MAX_LETTERS and cleaned == cleaned.strip()
    assert cleaned == unicodedata.normalize("NFC", cleaned) == clean(cleaned)
    cleaned.encode()


def test_clean_keeps_what_can_be_shown() -> None:
    assert clean(" Caf\N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT}\r\n  No 1 ") == "Café No 1"
    assert clean("a\x00b\N{RIGHT-TO-LEFT OVERRIDE}c\ud800") == "a\ufffdb\ufffdc\ufffd"
    # a run of marks that takes NFC hours, were it not cut
    assert len(clean("a" + "\u0345\u0301" * 10**6)) <= MAX_LETTERS


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_usual_csv_is_read(tmp_path: Path, mark: bytes, separator: str, end: str) -> None:
    rows = [["Artist", " file ", "genre"], ["Ä", "a.wav", "House"], [], ['"x, y; ""z"""', '"album; 1/b, c.mp3"', ""]]
    text = end.join(separator.join(row) for row in rows) + end
    assert labels_of(tmp_path, mark + text.encode()) == {
        "a.wav": Labels(artist="Ä", genre="House"),
        "album; 1/b, c.mp3": Labels(artist='x, y; "z"'),
    }


def test_columns_that_are_not_used_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert labels_of(tmp_path, "file,titel,genre,bpm\n./a.wav,x,Dub\n") == {"a.wav": Labels(genre="Dub")}
    assert "not used: the columns bpm, titel" in caplog.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "lacks the column file"),
        ("name,artist\na,b\n", "lacks the column file"),
        ("file,bpm\na,b\n", "lacks the column file, or all of title, artist, genre, instrument"),
        ("file,artist,artist\na,b,c\n", "2 columns artist"),
        ("file,artist\na.wav,b\na.wav,c\n", "line 3: 'a.wav' is named a second time"),
        ("file,artist\né.wav,b\n" + unicodedata.normalize("NFD", "é.wav") + ",c\n", "second time"),
        ("file,artist\na.wav,b,c\n", "line 2: 3 values, but the header names 2 columns"),
        ("file,artist\n,b\n", "line 2: file is empty"),
        ('file,artist\na.wav,"b\n', "cannot be read"),
        ('file,artist\na.wav,"b"c\n', "cannot be read"),
        (f"file,artist\na.wav,{'b' * 200_000}\n", "cannot be read"),
        (b"file,artist\na.wav,\xe9\n", "cannot be read"),
    ],
)
def test_mistakes_are_reported(tmp_path: Path, text: str | bytes, shown: str) -> None:
    with pytest.raises(CorpusError) as raised:
        labels_of(tmp_path, text)
    assert shown in raised.value.problem and str(tmp_path) not in raised.value.problem


def test_huge_and_missing_files_are_reported(tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(MAX_CSV_BYTES + 1)
    with pytest.raises(CorpusError, match="more than 64 MiB"):
        read_labels(tmp_path / "huge.csv")
    with pytest.raises(CorpusError, match="No such file"):
        read_labels(tmp_path / "none.csv")


def test_a_persons_labels_win() -> None:
    decomposed = unicodedata.normalize("NFD", "é.wav")
    entries = [entry("a.wav", artist="tag", genre="tag"), entry(decomposed), entry("é.wav"), entry("b.wav", artist="t")]
    own = {"a.wav": Labels("Own", genre="House"), "é.wav": Labels(artist="É")}
    own |= {f"gone {n}\n.wav": Labels() for n in range(7)}
    labelled = apply_labels(entries, own)
    assert [one.labels for one in labelled] == [
        Labels("Own", "tag", "House"),
        Labels("stem", "É"),
        Labels("stem", "É"),
        Labels("stem", "t"),
    ]
    assert [one.source for one in labelled] == [one.source for one in entries]
    assert apply_labels(entries, {}) == tuple(entries)


@pytest.mark.parametrize(
    ("sources", "name", "meant"),
    [
        (["a/1.wav", "b/1.wav"], "b/1.wav", "b/1.wav"),
        (["a/1.wav", "b/1.wav"], " b / 1.wav ", "b/1.wav"),
        (["a/1.wav", "b/1.wav"], r"b\1.wav", "b/1.wav"),
        (["a/1.wav", "b/1.wav"], r"C:\Users\me\music\a\1.wav", "a/1.wav"),
        (["a/1.wav", "b/1.wav"], "/home/me/music/a/1.wav", "a/1.wav"),
        (["a/1.wav", "b/1.wav"], "music/a/1.wav", "a/1.wav"),
        (["a/1.wav", "b/2.wav"], "2.wav", "b/2.wav"),
        (["1.wav", "a/1.wav"], "/music/a/1.wav", "a/1.wav"),
        (["1.wav", "a/1.wav"], "/music/1.wav", "1.wav"),
        ([" 1.wav", "1.wav"], " 1.wav", " 1.wav"),
        (["a/1.wav", "b/1.wav"], "1.wav", None),
        (["a/1.wav", "b/1.wav"], "c/1.wav", None),
        (["a/1.wav"], "2.wav", None),
        (["a/1.wav"], "a", None),
        (["a/1.wav"], "///", None),
    ],
)
def test_a_name_means_a_file_where_only_one_can_be_meant(sources: list[str], name: str, meant: str | None) -> None:
    found = match_names(sources, [name])
    assert found.names == ({} if meant is None else {meant: name})
    assert len(found.absent) + len(found.ambiguous) == (meant is None)


NAMES = st.lists(st.text("ab/\\. ", min_size=1, max_size=8), max_size=8, unique=True)


@given(NAMES, NAMES)
def test_every_name_is_used_once_or_counted(sources: list[str], names: list[str]) -> None:
    found = match_names(sources, names)
    assert sorted([*found.names.values(), *found.absent, *found.ambiguous]) == sorted(names)
    assert set(found.names) <= set(sources)
    # a file is named as it stands by that name, whatever other names there are
    assert all(found.names[name] == name for name in set(names) & set(sources))


@given(st.lists(st.text("abc", min_size=1, max_size=3).map("/".join), min_size=1, max_size=8, unique=True))
def test_a_corpus_that_is_named_by_absolute_paths_is_matched_whole(sources: list[str]) -> None:
    names = [f"/somewhere/music/{source}" for source in sources]
    assert match_names(sources, names).names == dict(zip(sources, names, strict=True))
    windows = ["D:\\music\\" + source.replace("/", "\\") for source in sources]
    assert match_names(sources, windows).names == dict(zip(sources, windows, strict=True))


def test_a_folder_that_is_not_that_of_the_others_is_not_taken_for_the_corpus() -> None:
    names = ["/music/1.wav", "/music/2.wav", "/music/gone/3.wav"]
    found = match_names(["1.wav", "2.wav", "3.wav"], names)
    assert (set(found.names), found.absent) == ({"1.wav", "2.wav"}, ("/music/gone/3.wav",))


def test_two_lines_for_one_file_are_ambiguous_unless_one_is_its_name() -> None:
    assert match_names(["a/1.wav"], ["1.wav", "music/a/1.wav"]).ambiguous == ("1.wav", "music/a/1.wav")
    found = match_names(["a/1.wav", "b/1.wav"], ["a/1.wav", "./a/1.wav"])
    assert (found.names, found.ambiguous) == ({"a/1.wav": "a/1.wav"}, ("./a/1.wav",))


def test_labels_without_a_file_and_tracks_without_a_label_are_shown() -> None:
    entries = [entry("a/1.wav"), entry("b/1.wav"), entry("c/2.wav"), entry("d.wav", split="")]
    own = dict.fromkeys(["/music/a/1.wav", "1.wav", "gone.wav", "c/2.wav"], Labels(artist="x"))
    assert [one.artist for one in apply_labels(entries, own)] == ["x", "", "x", ""]
    rows, words = unmatched(entries, dict.fromkeys(["1.wav", "gone.wav", "c/2.wav"], Labels()))
    assert [(row.source, row.reason) for row in rows] == [
        ("a/1.wav", "no line in the file of labels"),
        ("b/1.wav", "no line in the file of labels"),
        ("c/2.wav", ""),
        ("d.wav", ""),
        ("gone.wav", "a name in the file of labels that is of no file in the corpus"),
        ("1.wav", "a name in the file of labels that could be of several files, or several lines name one"),
    ]
    assert words == (
        "labels of 1 name not used, each is of no file in the corpus: gone.wav",
        "labels of 1 name not used, each could be of several files, or several lines name one: 1.wav",
        "no line in the file of labels for 2 tracks: a/1.wav, b/1.wav",
    )
    far = ["/home/me/music/a/gone.wav", r"C:\Users\me\x.wav"]
    assert [row.source for row in unmatched(entries, dict.fromkeys(far, Labels()))[0][4:]] == [
        "…/a/gone.wav",
        "…/me/x.wav",
    ]
    many = unmatched(entries, {f"gone {n}\n.wav": Labels() for n in range(7)})[1]
    assert many[0].startswith("labels of 7 names not used")
    assert many[0].endswith("gone 0 .wav, gone 1 .wav, gone 2 .wav, gone 3 .wav, gone 4 .wav, …")


def test_where_the_labels_are(tmp_path: Path) -> None:
    corpus = Corpus(source="folder", folder=Folder(path=str(tmp_path)))
    assert labels_file(corpus) is None and labels_file(Corpus()) is None
    (tmp_path / "labels.csv").mkdir()
    assert labels_file(corpus) is None
    (tmp_path / "labels.csv").rmdir()
    (tmp_path / "labels.csv").write_text("file,artist\n")
    assert labels_file(corpus) == tmp_path / "labels.csv"
    before = labels_digest(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("file,genre\n")
    assert labels_digest(tmp_path / "labels.csv") != before
    (tmp_path / "own.csv").write_text("file,artist\n")
    assert labels_file(corpus.model_copy(update={"labels": str(tmp_path / "own.csv")})) == tmp_path / "own.csv"
    with pytest.raises(CorpusError, match=r"corpus\.labels: there is no file"):
        labels_file(corpus.model_copy(update={"labels": str(tmp_path / "gone.csv")}))


def test_minutes_of_each_label() -> None:
    entries = [
        entry("1", "train", 2, artist="B", genre="House"),
        entry("2", "test", 3, artist="B", instrument="Harp"),
        entry("3", "train", 5, artist="A", genre="House"),
        entry("4", "validation", 1),
        entry("5", "", 100, artist="Z", genre="Z"),
    ]
    table = minutes_by_label(entries)
    assert list(table.columns) == ["label", "value", "tracks", "total", "train", "validation", "test"]
    assert table.to_numpy().tolist() == [
        ["artist", "A", 1, 5, 5, 0, 0],
        ["artist", "B", 2, 5, 2, 0, 3],
        ["artist", "", 1, 1, 0, 1, 0],
        ["genre", "House", 2, 7, 7, 0, 0],
        ["genre", "", 2, 4, 0, 1, 3],
        ["instrument", "", 3, 8, 7, 1, 0],
        ["instrument", "Harp", 1, 3, 0, 0, 3],
    ]
    assert list(in_words(table)) == [
        "artist: 2 known, most minutes: A 5.0, B 5.0; unknown for 1.0 min",
        "genre: 1 known, most minutes: House 7.0; unknown for 4.0 min",
        "instrument: 1 known, most minutes: Harp 3.0; unknown for 8.0 min",
    ]
    plain = minutes_by_label([entry("1"), entry("2", "test")])
    assert plain["value"].tolist() == ["", "", ""] and list(in_words(plain)) == []
