"""Files are known by what they hold: not by when they were written, nor by where they lie."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from descant.corpus.ingest import _readable
from descant.corpus.shards import folder_digests
from descant.errors import CorpusError

NOBODY = 65534


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    (folder / "a.wav").write_bytes(b"a" * 1000)
    (folder / "album/b.wav").write_bytes(b"b" * 1000)
    (folder / "link.wav").symlink_to("a.wav")
    return folder


@pytest.mark.parametrize("remembers", [False, True])
def test_touched_copied_and_moved_files_are_the_same(music: Path, tmp_path: Path, remembers: bool) -> None:
    memory = tmp_path / "made/memory.json" if remembers else None
    before = folder_digests(music, memory=memory)
    os.utime(music / "a.wav", ns=(1, 1))
    assert folder_digests(music, memory=memory) == before
    shutil.copyfile(music / "a.wav", music / "copy")
    (music / "copy").replace(music / "a.wav")
    assert folder_digests(f"{music}/", memory=memory) == before
    music.rename(tmp_path / "elsewhere")
    assert folder_digests(tmp_path / "elsewhere", memory=memory) == before


@pytest.mark.parametrize("remembers", [False, True])
def test_other_bytes_of_the_same_length_are_another_file(music: Path, tmp_path: Path, remembers: bool) -> None:
    memory = tmp_path / "memory.json" if remembers else None
    before = folder_digests(music, memory=memory)
    (music / "a.wav").write_bytes(b"c" * 1000)
    changed = folder_digests(music, memory=memory)
    assert changed != before
    (music / "a.wav").write_bytes(b"a" * 1000)
    assert folder_digests(music, memory=memory) == before
    (music / "link.wav").unlink()
    (music / "link.wav").symlink_to("album/b.wav")
    assert folder_digests(music, memory=memory) not in (before, changed)


def test_only_what_has_changed_is_read_again(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "memory.json"
    before = folder_digests(music, memory=memory)
    # what is remembered of b is wrong, and is believed as long as its state is the same
    text = memory.read_text()
    memory.write_text(text.replace(text.rpartition('"]')[0][-64:], "0" * 64))
    assert folder_digests(music, memory=memory) != before
    os.utime(music / "album/b.wav", ns=(1, 1))
    assert folder_digests(music, memory=memory) == before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"61": 3}', '{"61": ["x"]}', "\xff"])
def test_a_spoilt_memory_is_no_harm(music: Path, tmp_path: Path, text: str) -> None:
    before = folder_digests(music)
    (tmp_path / "memory.json").write_text(text, encoding="latin-1")
    assert folder_digests(music, memory=tmp_path / "memory.json") == before


@contextmanager
def without_privileges() -> Iterator[None]:
    """As a user who owns nothing, where the tests are run by root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_file_that_may_be_read_again_is_read_again() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "a.wav").write_bytes(b"a")
        (folder / "a.wav").chmod(0)
        with without_privileges():
            closed = folder_digests(folder)
            closed_file = _readable(os.fsencode(folder / "a.wav"))
            with pytest.raises(CorpusError, match="cannot be read: Permission denied") as shown, closed_file:
                pass
        assert "run again" in shown.value.cure
        (folder / "a.wav").chmod(0o644)
        with without_privileges():
            assert folder_digests(folder) != closed
            with _readable(os.fsencode(folder / "a.wav")) as file:
                assert file.read() == b"a"
