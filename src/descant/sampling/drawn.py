"""Drawn steps on disk, appended step after step: they take no memory and are written once."""

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.sequencefacts import smallest_dtype

CHUNK = 1 << 22


class DrawnSteps:
    """A file of drawn steps, time before batch, so that it only ever grows at its end.

    Args:
        path: of the file; it is made when missing.
        batch: sequences side by side.
        classes: values a step can take.
    """

    def __init__(self, path: Path, batch: int, classes: int) -> None:
        self._path = path
        self._batch = batch
        self._dtype = smallest_dtype(classes)
        self._hash = hashlib.sha256()
        # unbuffered: a failed write raises where it happens
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)

    @property
    def digest(self) -> Tensor:
        """Sha256 of all that is held, uint8 ``(32,)``."""
        return torch.frombuffer(bytearray(self._hash.digest()), dtype=torch.uint8)

    def keep(self, steps: int, digest: Tensor | None) -> bool:
        """Cut off what lies after so many steps; whether those before have the digest.

        Args:
            steps: how many to keep.
            digest: what :attr:`digest` said after them; None for no steps.
        """
        size = steps * self._batch * self._dtype.itemsize
        self._hash = hashlib.sha256()
        self._file.seek(0)
        left = size
        while left and (block := self._file.read(min(CHUNK, left))):
            self._hash.update(block)
            left -= len(block)
        self._file.seek(size)
        self._file.truncate()
        return not left and (digest is None or torch.equal(self.digest, digest))

    def append(self, steps: Tensor) -> None:
        """Add int64 ``(batch, count)``.

        Raises:
            OSError: when the disk does not take it.
        """
        block = memoryview(steps.numpy().T.astype(self._dtype).tobytes())
        self._hash.update(block)
        while block:
            block = block[self._file.write(block) :]

    def sync(self) -> None:
        """Have the disk hold all that was added.

        Raises:
            OSError: when it cannot.
        """
        os.fsync(self._file.fileno())

    def read(self) -> npt.NDArray[Any]:
        """All steps ``(batch, steps)``, mapped and not read."""
        if not self._path.stat().st_size:
            return np.zeros((self._batch, 0), self._dtype)
        return np.memmap(self._path, self._dtype, mode="r").reshape(-1, self._batch).T

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
