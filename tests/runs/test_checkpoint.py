"""Checkpoints: whatever happens to the newest file, the training goes on from a whole one."""

import errno
import io
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from descant import modelfile
from descant.errors import RunError
from descant.runs.checkpoint import (
    NAME,
    Checkpoint,
    check_space,
    digest,
    load_latest,
    publish,
    read,
    save,
    stated_digest,
    write,
)


def tensors(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "system.weight": torch.randn(4, 3, generator=generator),
        "optimizer.0.step": torch.tensor(float(seed)),
        "half": torch.randn(3, generator=generator).bfloat16(),
        "nothing": torch.zeros(2, 0, 3),
        "flags": torch.tensor([True, False]),
        "steps": torch.randint(9, (5,), generator=generator),
    }


def equal(one: Checkpoint | None, step: int) -> bool:
    expected = tensors(step)
    return (
        one is not None
        and one.step == step
        and one.tensors.keys() == expected.keys()
        and all(
            torch.equal(one.tensors[name], expected[name]) and one.tensors[name].dtype == expected[name].dtype
            for name in expected
        )
    )


def newest(folder: Path) -> Path:
    return max(folder.glob("step-*.safetensors"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for step in (3, 7):
        save(tmp_path / "checkpoints", Checkpoint(step, tensors(step)), keep=2)
    return tmp_path / "checkpoints"


def test_the_newest_is_loaded(folder: Path) -> None:
    assert equal(load_latest(folder), 7)


def test_there_is_none_in_an_empty_or_missing_folder(tmp_path: Path) -> None:
    assert load_latest(tmp_path) is None
    assert load_latest(tmp_path / "missing") is None


def test_a_newest_one_torn_anywhere_falls_back_to_the_one_before(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = newest(folder)
    whole = path.read_bytes()
    for part in range(64):
        path.write_bytes(whole[: len(whole) * part // 64])
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert equal(load_latest(folder), 3), f"torn at {part}/64"
        assert "is torn" in caplog.text and "step-000000007" in caplog.text
        assert not path.exists(), "a torn file would be counted among those that are kept"
    path.write_bytes(whole)
    assert equal(load_latest(folder), 7)


def test_a_newest_one_torn_with_zeros_falls_back(folder: Path) -> None:
    # after a power loss a file may have its length but not its bytes
    path = newest(folder)
    whole = path.read_bytes()
    for part in range(64):
        kept = len(whole) * part // 64
        path.write_bytes(whole[:kept] + bytes(len(whole) - kept))
        if path.read_bytes() != whole:
            assert equal(load_latest(folder), 3), f"zeros from {part}/64"


def test_every_flipped_bit_is_found(folder: Path) -> None:
    path = newest(folder)
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << position % 8]) + whole[position + 1 :])
        assert equal(load_latest(folder), 3), f"byte {position} of {len(whole)}"


def test_all_torn_is_as_none(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"")
    assert load_latest(folder) is None


def test_what_is_no_checkpoint_is_not_looked_at(folder: Path) -> None:
    (folder / "step-000000009.safetensors.tmp").write_bytes(newest(folder).read_bytes())
    (folder / "step-9.safetensors").write_bytes(b"?")
    assert equal(load_latest(folder), 7)


@given(steps=st.lists(st.integers(0, 999_999_999), min_size=1, max_size=6, unique=True), keep=st.integers(2, 4))
def test_the_newest_few_are_kept(tmp_path_factory: pytest.TempPathFactory, steps: list[int], keep: int) -> None:
    folder = tmp_path_factory.mktemp("keep")
    for step in sorted(steps):
        save(folder, Checkpoint(step, {"step": torch.tensor(step)}), keep)
    kept = sorted(steps)[-keep:]
    assert sorted(path.name for path in folder.iterdir()) == [f"step-{step:09d}.safetensors" for step in kept]
    found = load_latest(folder)
    assert found is not None and found.step == kept[-1]


def test_a_checkpoint_that_cannot_be_written_leaves_those_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        save(folder, Checkpoint(9, tensors(9)), keep=2)
    monkeypatch.undo()
    assert len(list(folder.iterdir())) == 2
    assert equal(load_latest(folder), 7)


# where the disk may refuse: the folder, its file, the bytes, the name, the folder's sync, the one too many
FAULTS = {
    "mkdir": (os, "mkdir", 1),
    "create": (os, "open", 0),
    "write": (modelfile, "save_file", 0),
    "mode": (os, "chmod", 0),
    "open": (io, "open", 0),
    "sync the file": (os, "fsync", 0),
    "rename": (os, "replace", 0),
    "sync the folder": (os, "fsync", 1),
    "prune": (Path, "unlink", 0),
}
RENAMED = ("sync the folder", "prune")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("step", FAULTS)
def test_whatever_step_of_a_save_fails_a_whole_one_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    module, name, spared = FAULTS[step]
    whole, calls = getattr(module, name), []

    def fail(*given: Any, **more: Any) -> Any:
        calls.append(given)
        if len(calls) == spared + 1:
            # as safetensors repeats what the system said
            text = f"I/O error: {os.strerror(number)} (os error {number})"
            raise SafetensorError(text) if name == "save_file" else OSError(number, os.strerror(number))
        return whole(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, fail)
        with pytest.raises(OSError, match=os.strerror(number)):
            save(folder, Checkpoint(9, tensors(9)), keep=2)
    assert len(calls) > spared
    assert not list(folder.glob(".*"))
    assert equal(load_latest(folder), 9 if step in RENAMED else 7)
    save(folder, Checkpoint(9, tensors(9)), keep=2)
    assert equal(load_latest(folder), 9) and len(list(folder.iterdir())) == 2


# a kill in the middle of a save, as often as it takes until one lands there
KILLED = """
import sys, torch
from pathlib import Path
from descant.runs.checkpoint import Checkpoint, save
tensors = {"weight": torch.zeros(1 << 22)}
print("ready", flush=True)
for step in range(10, 10_000):
    save(Path(sys.argv[1]), Checkpoint(step, tensors), keep=2)
"""


def test_what_a_killed_save_left_is_cleared_away(folder: Path) -> None:
    deadline = time.monotonic() + 100
    while not (left := list(folder.glob(".*"))):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE) as saving:
            assert saving.stdout is not None and saving.stdout.readline()
            while not list(folder.glob(".*/.tmp*")):
                assert time.monotonic() < deadline and saving.poll() is None
            saving.kill()
    assert left[0].name.startswith(".step-")
    found = load_latest(folder)
    assert found is not None
    assert all(NAME.fullmatch(path.name) for path in folder.iterdir()), "it would take disk space for ever"


def test_others_may_read_it_as_any_file(folder: Path) -> None:
    plain = folder / "plain"
    plain.touch()
    assert newest(folder).stat().st_mode == plain.stat().st_mode


def test_room_is_asked_for_what_is_kept_and_the_next_less_what_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = sum(path.stat().st_size for path in folder.iterdir())
    for free, size, keep, where in (
        (3000, 1000, 2, folder / "new"),
        (5000, 1000, 4, folder / "new"),
        (3 * 10**6 - held, 10**6, 2, folder),
        (held // 2, held // 2, 2, folder),
    ):
        for missing in (0, 1):
            usage = shutil.disk_usage(folder)._replace(free=free - missing)
            monkeypatch.setattr(shutil, "disk_usage", lambda path, usage=usage: usage)
            if missing:
                with pytest.raises(RunError, match=f"need {free:,} bytes"):
                    check_space(where, size, keep)
            else:
                check_space(where, size, keep)
            monkeypatch.undo()


def test_the_digest_shows_names_types_shapes_and_values_apart() -> None:
    base = torch.arange(4, dtype=torch.int32)
    different = [
        {"a": base},
        {"b": base},
        {"a": base.view(2, 2)},
        {"a": base.view(torch.float32)},
        {"a": base + 1},
        {"a": base, "b": base[:0]},
        {},
    ]
    assert len({digest(one) for one in different}) == len(different)
    assert digest({"a": base, "b": base + 1}) == digest({"b": base + 1, "a": base.clone()})


def test_what_was_written_anywhere_is_read_and_what_is_torn_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.safetensors"
    write(path, Checkpoint(7, tensors(7)))
    assert equal(read(path), 7)
    assert stated_digest(path) == digest(tensors(7))
    path.write_bytes(path.read_bytes()[:-5])
    for wrong in (path, tmp_path / "missing"):
        with pytest.raises(RunError, match=f"{wrong.name} holds no whole state"):
            read(wrong)
        with pytest.raises(RunError, match=f"{wrong.name} holds no whole state"):
            stated_digest(wrong)


def test_a_state_may_hold_nothing(tmp_path: Path) -> None:
    write(tmp_path / "state", Checkpoint(3, {}))
    assert read(tmp_path / "state") == Checkpoint(3, {})


def test_a_published_one_takes_its_room_once_and_outlives_the_run(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out" / "state.safetensors"
    for _ in range(2):
        publish(folder, Checkpoint(7, tensors(7)), path)
        assert [newest(folder)] == list(folder.iterdir())
        assert path.samefile(newest(folder)) and equal(read(path), 7) and equal(load_latest(folder), 7)
    newest(folder).unlink()
    assert equal(read(path), 7)


def test_a_published_one_is_as_new_as_its_publishing(folder: Path, tmp_path: Path) -> None:
    os.utime(newest(folder), (1, 1))
    publish(folder, Checkpoint(7, tensors(7)), tmp_path / "state")
    assert (tmp_path / "state").stat().st_mtime > 1e9


def test_without_hard_links_it_is_written_anew(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    publish(folder, Checkpoint(7, tensors(7)), tmp_path / "state")
    assert not (tmp_path / "state").samefile(newest(folder)) and equal(read(tmp_path / "state"), 7)


@pytest.mark.parametrize("facts", ["null", "[]", "{}", "1", '{"step": 1, "digest": null}', "[" * 5000])
def test_a_file_that_states_something_else_holds_no_state(tmp_path: Path, facts: str) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "x.safetensors", {"checkpoint": facts})
    with pytest.raises(RunError, match="holds no whole state"):
        read(tmp_path / "x.safetensors")
