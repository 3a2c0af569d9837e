import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.config.corpus import Corpus, Folder, Scores
from descant.corpus.scan import printable, read_items, scan, write_items
from descant.corpus.shards import folder_digests, items_of, shard_of, shards_of_stem
from descant.errors import CorpusError


def corpus(folder: Path) -> Corpus:
    return Corpus(source="folder", folder=Folder(path=str(folder)))


def touch(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_lists_recursively_sorted_and_skips_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b.wav", "a/z.FLAC", "a/c.mp3", "a.ogg", "x.wav/y.oga", "e.aif", "f.aiff"):
        touch(tmp_path / name)
    for name in (".ipynb_checkpoints/b.wav", "notes.txt", "cover.jpg", "wav", ".DS_Store"):
        touch(tmp_path / name)
    digest = folder_digests(tmp_path)
    touch(tmp_path / "notes.txt", b"longer")
    assert folder_digests(tmp_path) == digest
    everything = scan(corpus(tmp_path))
    items = [item for item in everything if item.kind == "file"]
    assert [item.name for item in items] == [
        b"a/c.mp3", b"a/z.FLAC", b"a.ogg", b"b.wav", b"e.aif", b"f.aiff", b"x.wav/y.oga",
    ]  # fmt: skip
    assert {item.refusal for item in items} == {""}
    assert items[1].title == "z"
    others = {item.source: item.refusal for item in everything[len(items) :]}
    assert set(others) == {".ipynb_checkpoints", "notes.txt", "cover.jpg", "wav", ".DS_Store"}
    assert others["cover.jpg"] == "no recording by its name: .jpg is not a suffix of audio"
    assert "has no suffix" in others["wav"] and "hidden folder" in others[".ipynb_checkpoints"]


def test_other_files_are_counted_where_there_are_many(tmp_path: Path) -> None:
    for n in range(1234):
        touch(tmp_path / str(n % 7) / f"{n}.jpg")
    for name in ("a.wav", "b.wav", "labels.csv", ".snakemake_timestamp", "notes.txt"):
        touch(tmp_path / name)
    rows = {item.source: item.refusal for item in scan(corpus(tmp_path))}
    assert list(rows) == ["a.wav", "b.wav", "*.jpg", "notes.txt"] and not rows["a.wav"]
    assert rows["*.jpg"].startswith("1,234 files: no recording by its name")
    # what is no recording is work for no shard
    assert sorted(item.source for n in (0, 1) for item in items_of(corpus(tmp_path), n)) == ["a.wav", "b.wav"]


def test_a_folder_of_pictures_has_no_audio(tmp_path: Path) -> None:
    touch(tmp_path / "cover.jpg")
    with pytest.raises(CorpusError, match="no audio file"):
        scan(corpus(tmp_path))


def test_refusals_show_why(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    touch(root / "good.wav")
    touch(outside / "secret.wav")
    touch(root / "phone.m4a")
    touch(root / "tune.mid")
    touch(root / "talk.ra")
    touch(root / "album one" / "._a.wav")
    touch(root / "blank.wav ")
    touch(root / "empty.wav", b"")
    os.mkfifo(root / "pipe.wav")
    (root / "out.wav").symlink_to(outside / "secret.wav")
    (root / "dots.wav").symlink_to("../outside/secret.wav")
    (root / "inside.wav").symlink_to("good.wav")
    (root / "gone.wav").symlink_to("nothing.wav")
    (root / "self.wav").symlink_to("self.wav")
    (root / "loop").symlink_to(root)
    (root / "album").symlink_to(outside)
    (root / "album.wav").symlink_to(outside)
    refusals = {item.source: item.refusal for item in scan(corpus(root))}
    assert set(refusals) == {
        "good.wav", "phone.m4a", "empty.wav", "pipe.wav", "out.wav", "dots.wav", "inside.wav", "gone.wav",
        "self.wav", "loop", "album", "album.wav", "tune.mid", "talk.ra", "album one/._a.wav", "blank.wav ",
    }  # fmt: skip
    assert {refusals[name] for name in ("good.wav", "inside.wav", "phone.m4a", "blank.wav ")} == {""}
    assert "a score, not a recording" in refusals["tune.mid"]
    assert ".ra files are not supported" in refusals["talk.ra"]
    assert "hidden" in refusals["album one/._a.wav"]
    assert refusals["empty.wav"] == "empty file"
    assert refusals["pipe.wav"] == "not a regular file"
    assert "leads out" in refusals["out.wav"] and "leads out" in refusals["dots.wav"]
    assert "leads nowhere" in refusals["gone.wav"] and "leads nowhere" in refusals["self.wav"]
    assert "link to a folder" in refusals["loop"] and "link to a folder" in refusals["album"]
    assert refusals["album.wav"]


def test_any_name_survives_the_table(tmp_path: Path) -> None:
    names = [b"-dash.wav", b"a'b $(x) {y}.ogg", b"line\nbreak.wav", b"\xff\xfe.wav"]
    names += ["é.wav".encode(), "e\u0301.wav".encode()]
    for name in names:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"x")
    items = scan(corpus(tmp_path))
    assert sorted(item.name for item in items) == sorted(names)
    assert all(item.source.isprintable() and item.title.isprintable() for item in items)
    write_items(items, tmp_path / "table.parquet")
    assert read_items(tmp_path / "table.parquet") == items


@given(st.binary())
def test_printable_is_text_that_prints(name: bytes) -> None:
    shown = printable(name)
    assert not shown or shown.isprintable()
    shown.encode("utf-8")


@given(st.sets(st.binary(min_size=1, max_size=6), min_size=1), st.integers(1, 9))
def test_every_item_goes_to_one_shard(tmp_path_factory: pytest.TempPathFactory, names: set[bytes], shards: int) -> None:
    folder = tmp_path_factory.mktemp("music")
    for name in names:
        touch(folder / f"{name.hex()}.wav", name)
    settings = corpus(folder).model_copy(update={"shards": shards})
    dealt = [items_of(settings, shard) for shard in range(shards)]
    assert sorted((item for part in dealt for item in part), key=lambda item: item.name) == sorted(
        scan(settings), key=lambda item: item.name
    )
    assert all(shard_of(item.name, shards) == shard for shard, part in enumerate(dealt) for item in part)


def test_shards_are_about_as_full() -> None:
    dealt = [shard_of(f"album {n % 40}/{n} song.mp3".encode(), 20) for n in range(10_000)]
    filled = [dealt.count(shard) for shard in range(20)]
    # five standard deviations of 10,000 thrown into 20
    assert min(filled) > 390 and max(filled) < 610


@given(st.sets(st.binary(min_size=1, max_size=6), min_size=1), st.integers(1, 9))
def test_one_more_file_changes_the_digest_of_its_shard_alone(
    tmp_path_factory: pytest.TempPathFactory, names: set[bytes], shards: int
) -> None:
    folder = tmp_path_factory.mktemp("music")
    for name in names:
        touch(folder / f"{name.hex()}.wav", name)
    before = folder_digests(folder, shards)
    touch(folder / "one more.flac")
    after = folder_digests(folder, shards)
    assert [n for n in range(shards) if before[n] != after[n]] == [shard_of(b"one more.mp3", shards)]


@pytest.mark.parametrize("stem", ["album/song.wav", "album/song/vocals.flac", "album/song/accompaniment.ogg"])
def test_stems_go_with_their_recording(stem: str) -> None:
    for shards in range(1, 9):
        assert shard_of(b"album/song.mp3", shards) in shards_of_stem(stem.encode(), shards)
    # an accent may be one letter or two
    assert shards_of_stem("e\u0301.wav".encode(), 97) == {shard_of("\u00e9.mp3".encode(), 97)}
    # a folder of stems is no stem of the album's name
    assert shards_of_stem(b"album/song.wav", 97) == {shard_of(b"album/song.mp3", 97)}


def test_missing_and_empty_folders_name_the_key(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(CorpusError, match=r"corpus\.folder\.path") as raised:
            scan(corpus(path))
        assert raised.value.cure
    with pytest.raises(CorpusError, match=r"corpus\.folder\.path"):
        folder_digests(tmp_path / "nothing")


def test_digest_changes_with_what_is_there(tmp_path: Path) -> None:
    touch(tmp_path / "a.wav")
    seen = [folder_digests(tmp_path), folder_digests(str(tmp_path))]
    assert seen[0] == seen[1]
    touch(tmp_path / "b/c.wav")
    seen.append(folder_digests(tmp_path))
    (tmp_path / "b/c.wav").rename(tmp_path / "b/d.wav")
    seen.append(folder_digests(tmp_path))
    touch(tmp_path / "a.wav", b"longer")
    seen.append(folder_digests(tmp_path))
    touch(tmp_path / "a.wav", b"lonGer")
    seen.append(folder_digests(tmp_path))
    assert len(set(seen)) == 5
    touch(tmp_path / ".hidden")
    assert folder_digests(tmp_path) == seen[-1]


def test_scores_are_listed_in_the_lists_order() -> None:
    items = scan(Corpus(scores=Scores(limit=5)))
    assert len(items) == 5 and {item.kind for item in items} == {"score"}
    assert all(item.quarters_per_minute > 0 for item in items)


def test_a_closed_folder_is_reported(tmp_path: Path, nobody: Callable[[], AbstractContextManager[None]]) -> None:
    root = tmp_path / "music"
    touch(root / "good.wav")
    touch(root / "closed" / "song.wav")
    (root / "closed").chmod(0)
    with nobody():
        refusals = {item.source: item.refusal for item in scan(corpus(Path("music")))}
    (root / "closed").chmod(0o755)
    assert set(refusals) == {"closed", "good.wav"} and refusals["good.wav"] == ""
    assert "may not be read" in refusals["closed"]
