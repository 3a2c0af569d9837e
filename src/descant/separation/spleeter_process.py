"""Spleeter itself, in an environment of its own: a child process that loads its model once and serves chunks.

The protocol (``spleeter_program.py`` is its other end): the child writes one line of JSON with its stems and sample
rate. Each request is a little-endian uint64 of frames, then float32 ``(frames, 2)``; each answer a uint64 of stems,
then float32 ``(frames, 2)`` for every stem. A request of 0 frames ends it. What it has to say in words goes to stderr.
"""

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from descant.audio.files import Block
from descant.separation.chunks import separate_in_chunks
from descant.separation.separator import CHANNELS, RATE, Separated, SeparationError

PROGRAM = Path(__file__).with_name("spleeter_program.py")
# a patch of spleeter's network, frames
UNIT = 512 * 1024
# 60 s of audio and 12 s of context on both sides: 2 GB of TensorFlow's memory
BODY = 5
# for a start or a chunk; ours, a hundred times what they take on two cores
PATIENCE_SECONDS = 900.0
LAST_LINES = 12
BANDWIDTH = {"spleeter:2stems": 1024 / 4096 * RATE}
CURE = "read what spleeter said above; with separation.backend: torch the same network runs without TensorFlow"


class SpleeterProcess:
    """Spleeter as a child process.

    Args:
        python: of the environment in which spleeter is installed.
        model: such as ``spleeter:2stems``.
        weights: folder of spleeter's models.
        threads: of the CPU.

    Raises:
        SeparationError: when it does not start.
    """

    def __init__(self, python: Path, model: str, weights: Path, threads: int) -> None:
        self.bandwidth = BANDWIDTH[model]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        # isolated: a PYTHONPATH of ours would hide the packages of that environment
        command = [str(python), "-I", str(PROGRAM), "--model", model, "--threads", str(threads)]
        environment = {**os.environ, "MODEL_PATH": str(weights.resolve())}
        try:
            self._child = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=environment
            )
        except OSError as error:
            self._said.close()
            problem = f"spleeter's Python {python} cannot be run: {error.strerror}"
            raise SeparationError(problem, "delete resources/spleeter, and run again to make it anew") from error
        try:
            self._stems = self._greeting()
        except BaseException:
            self.close()
            raise

    def _greeting(self) -> tuple[str, ...]:
        line = b""
        while not line.endswith(b"\n"):
            line += self._read(1)
        try:
            greeting = json.loads(line)
            stems = tuple(map(str, greeting["stems"]))
            rate = greeting["sample_rate"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._failure(f"spleeter greets with {line[:80]!r}") from error
        if rate != RATE or not stems:
            raise self._failure(f"spleeter offers the stems {stems} at {rate} Hz, where {RATE} Hz is expected")
        return stems

    def separate(self, blocks: Iterable[Block]) -> Iterator[Separated]:
        """Separate a stream."""
        for mix, stems in separate_in_chunks(blocks, self._ask, UNIT, BODY):
            yield Separated(mix, dict(zip(self._stems, stems, strict=True)))

    def _ask(self, chunk: Block) -> tuple[Block, ...]:
        frames = len(chunk)
        try:
            self._write(frames.to_bytes(8, "little") + np.ascontiguousarray(chunk, dtype="<f4").tobytes())
        except OSError as error:
            raise self._failure("spleeter ended") from error
        count = int.from_bytes(self._read(8), "little")
        if count != len(self._stems):
            raise self._failure(f"spleeter answers with {count} stems, not {len(self._stems)}")
        size = frames * CHANNELS * 4
        return tuple(np.frombuffer(self._read(size), "<f4").reshape(frames, CHANNELS) for _ in self._stems)

    def _write(self, data: bytes) -> None:
        assert self._child.stdin is not None
        view = memoryview(data)
        while view:
            view = view[self._child.stdin.write(view) :]

    def _read(self, size: int) -> bytearray:
        """Exactly so many bytes."""
        assert self._child.stdout is not None
        received = bytearray()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(received) < size:
            ready, _, _ = select.select([self._child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise self._failure(f"spleeter did not answer within {PATIENCE_SECONDS / 60:g} min")
            part: Any = os.read(self._child.stdout.fileno(), min(size - len(received), 1 << 20))
            if not part:
                raise self._failure("spleeter ended")
            received += part
        return received

    def _failure(self, problem: str) -> SeparationError:
        """The error for what happened, with the last lines that the child said."""
        self._child.kill()
        code = self._child.wait()
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 16384))
        lines = self._said.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        output = "".join(f"\n    {line}" for line in lines) or " and said nothing"
        return SeparationError(f"{problem} (exit code {code}):{output}", CURE)

    def close(self) -> None:
        """End the child."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child.kill()
        self._child.wait()
        self._said.close()
