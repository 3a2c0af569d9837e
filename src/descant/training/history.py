"""Metrics over steps: a CSV that resumes with the checkpoint, and TensorBoard for eyes."""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from torch.utils.tensorboard import SummaryWriter

HISTORY = "history.csv"
COLUMNS = ("step", "split", "metric", "value")


@dataclass(frozen=True)
class Row:
    """One figure: ``step`` counts optimizer steps done."""

    step: int
    split: str
    metric: str
    value: float


def read_history(path: Path) -> list[Row]:
    """Rows of a history; a last line torn by a kill is dropped, since its step is done again."""
    if not path.exists():
        return []
    rows = []
    with path.open(newline="") as file:
        for line in csv.reader(file):
            if len(line) == len(COLUMNS) and line != list(COLUMNS):
                try:
                    rows.append(Row(int(line[0]), line[1], line[2], float(line[3])))
                except ValueError:
                    break
    return rows


def write_history(path: Path, rows: list[Row]) -> None:
    """Write the whole history beside its place, then rename it."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((row.step, row.split, row.metric, repr(row.value)) for row in rows)
    temporary.replace(path)


class History:
    """The history of a run directory, opened at the step that training goes on from.

    Args:
        folder: run directory.
        step: rows after this step belong to work that was lost; they are dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / HISTORY
        self.rows = [row for row in read_history(self.path) if row.step <= step]
        write_history(self.path, self.rows)
        self._file = self.path.open("a", newline="")
        self._writer = csv.writer(self._file)
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step)

    def add(self, step: int, split: str, figures: Mapping[str, float]) -> None:
        """Add figures of a step."""
        for metric, value in figures.items():
            row = Row(step, split, metric, value)
            self.rows.append(row)
            self._writer.writerow((row.step, row.split, row.metric, repr(row.value)))
            self._board.add_scalar(f"{metric}/{split}", value, step)
        self._file.flush()

    def sync(self) -> None:
        """Force the rows to the disk, so that no checkpoint knows of a step whose rows are lost."""
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._board.close()
