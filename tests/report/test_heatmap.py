"""A heat map shows its cells where they are, and fewer of a large one."""

import numpy as np
import pytest

from descant.report.heatmap import CELLS, heat_map


@pytest.mark.parametrize(("size", "shown"), [(2, 2), (CELLS, CELLS), (CELLS + 1, 33), (320, 64)])
def test_cells_cover_the_map_and_are_not_too_many(size: int, shown: int) -> None:
    values = np.add.outer(np.arange(size) * 1000.0, np.arange(size))
    spec = heat_map(values, ("a", (0.0, 1.0)), ("b", (-2.0, 2.0)), "Hz", [("x", (0.5, 0.0))], [], "words")
    cells = spec["datasets"][spec["layer"][0]["data"]["name"]]
    assert len(cells) == shown**2
    for cell in cells[:: max(1, len(cells) // 7)]:
        if size <= CELLS:
            column, row = (cell["x"] + cell["x2"]) / 2 * (size - 1), ((cell["y"] + cell["y2"]) / 2 + 2) / 4 * (size - 1)
            assert cell["value"] == pytest.approx(values[round(row), round(column)], rel=1e-4)
    ends = [cells[0]["x"], max(cell["x2"] for cell in cells)]
    half = 0.5 / (size - 1)
    assert ends == pytest.approx([-half, 1 + half]) and spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == ends
