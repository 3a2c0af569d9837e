"""Histories: what is written is read, lost work is dropped, a torn last line does no harm."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pytest import TempPathFactory

from descant.training.history import History, Row, read_history, write_history

ROWS = st.lists(
    st.builds(
        Row,
        st.integers(0, 10**9),
        st.sampled_from(["train", "validation"]),
        st.sampled_from(["bits", "loss", "gradient_norm"]),
        st.floats(allow_nan=False),
    ),
    max_size=20,
)


@given(rows=ROWS)
def test_round_trip_is_exact(tmp_path_factory: TempPathFactory, rows: list[Row]) -> None:
    path = tmp_path_factory.mktemp("history") / "history.csv"
    assert read_history(path) == []
    write_history(path, rows)
    assert read_history(path) == rows
    assert [each.name for each in path.parent.iterdir()] == ["history.csv"]


def test_what_came_after_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    with History(tmp_path, 0) as history:
        for step in range(1, 6):
            history.add(step, "train", {"bits": 1 / step, "loss": 2 / step})
    with History(tmp_path, 3) as history:
        assert [row.step for row in history.rows] == [1, 1, 2, 2, 3, 3]
        history.add(4, "validation", {"bits": 0.1})
    rows = read_history(tmp_path / "history.csv")
    assert rows == history.rows
    assert [row.step for row in rows] == [1, 1, 2, 2, 3, 3, 4]
    assert rows[0] == Row(1, "train", "bits", 1.0)
    assert rows[-1] == Row(4, "validation", "bits", 0.1)


def test_a_history_torn_anywhere_keeps_the_rows_before(tmp_path: Path) -> None:
    rows = [Row(step, "train", "bits", 1.5 + step) for step in range(1, 9)]
    path = tmp_path / "history.csv"
    write_history(path, rows)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        complete = whole[:length].count(b"\n") - 1
        kept = read_history(path)
        assert kept[: max(0, complete)] == rows[: max(0, complete)]
        assert len(kept) <= complete + 1 if complete >= 0 else kept == []
