"""The table's arithmetic, worked by hand, and its texts."""

import math
from pathlib import Path

import pandas as pd
import pytest

from descant.config.models import Paper, Score
from descant.errors import ModelFileError
from descant.evaluation.table import MEASURED, Row, build_table, track_bits
from descant.evaluation.table_text import for_people, to_latex, to_markdown
from descant.statistics import Bootstrap

PAPER = Paper(
    receptive_field_ms=3072,
    fidelity=Score(mean=3.79, plus_minus=0.16),
    musicality=Score(mean=3.04, plus_minus=0.16),
)


def bits(steps: list[int], hop: int, total: list[float]) -> pd.DataFrame:
    tracks = [f"t{n}" for n in range(len(steps))]
    return pd.DataFrame({"track": tracks, "steps": steps, "samples": [hop * n for n in steps], "bits": total})


def row(title: str = "stack", note: str = "", paper: Paper | None = PAPER, beginning: str = "") -> Row:
    audio, codes = bits([80, 160], 1, [240.0, 560.0]), bits([10, 20], 8, [60.0, 140.0])
    return Row("m", title, note, beginning, 2, 4088, 400, [audio, codes], paper)


def test_the_bound_is_the_sum_over_levels_of_bits_by_hop() -> None:
    line = build_table([row()], 16000, Bootstrap(1000, 0.95, 1)).iloc[0]
    assert line["bits_per_step_level0"] == pytest.approx(800 / 240)
    assert line["bits_per_step_level1"] == pytest.approx(200 / 30)
    assert line["bits_per_sample"] == pytest.approx(800 / 240 + 200 / 30 / 8)
    assert line["bits_per_second"] == pytest.approx(16000 * 1000 / 240)
    assert line["receptive_field_ms"] == pytest.approx(255.5)
    assert (line["levels"], line["test_tracks"], line["test_seconds"]) == (2, 2, 240 / 16000)
    assert (line["paper_fidelity"], line["paper_musicality"]) == (3.79, 3.04)


def test_the_bound_of_every_track_adds_up_to_the_row_s() -> None:
    tracks = track_bits(row())
    assert tracks.to_dict("list") == {
        "model": ["m", "m"], "track": ["t0", "t1"], "samples": [80, 160], "bits": [300.0, 700.0]
    }  # fmt: skip
    line = build_table([row()], 16000, Bootstrap(1000, 0.95, 1)).iloc[0]
    assert line["bits_per_sample"] == tracks["bits"].sum() / tracks["samples"].sum()


def test_too_few_tracks_have_no_interval() -> None:
    line = build_table([row()], 16000, Bootstrap(1000, 0.95, 1)).iloc[0]
    assert pd.isna(line["bits_per_sample_low"]) and pd.isna(line["bits_per_sample_high"])
    assert "[" not in for_people(build_table([row()], 16000, Bootstrap(1000, 0.95, 1)))["bits/sample"][0]


@pytest.mark.parametrize("others", [[], [row()]])
def test_a_row_with_no_likelihood_of_audio_has_empty_cells(others: list[Row], tmp_path: Path) -> None:
    silent = Row("s", "no likelihood", "", "", 1, 7, 400, [], None)
    table = build_table([*others, silent], 16000, Bootstrap(100, 0.95, 1))
    line = table.iloc[-1]
    assert line["levels"] == 1 and line[list(MEASURED)].isna().all()
    assert "| no likelihood | 1        | 0.4     |" in to_markdown(table) and "nan" not in to_markdown(table).lower()
    assert "nan" not in to_latex(table).lower()
    table.to_csv(tmp_path / "table.csv", index=False)
    read = pd.read_csv(tmp_path / "table.csv", dtype=str)
    assert read.iloc[-1][list(MEASURED)].isna().all() and list(read["test_tracks"][:-1]) == ["2"] * len(others)


@pytest.mark.parametrize("steps", [9, 11, 12])
def test_levels_that_scored_different_samples_are_refused(steps: int) -> None:
    wrong = Row("m", "t", "", "", 2, 1, 400, [bits([80], 1, [1.0]), bits([steps], 8, [1.0])], None)
    with pytest.raises(ModelFileError, match="different tracks"):
        build_table([wrong], 16000, Bootstrap(100, 0.95, 1))


def test_a_last_code_that_reaches_beyond_the_audio_is_counted_and_its_padding_is_not() -> None:
    """Two levels of hops 8 and 64 over tracks of 75 and 64 samples: all bits, over the samples that there are."""
    levels = [bits([75, 64], 1, [225.0, 192.0]), bits([10, 8], 8, [20.0, 16.0]), bits([2, 1], 64, [6.0, 3.0])]
    tracks = track_bits(Row("m", "t", "", "", 3, 1, 400, levels, None))
    assert tracks["samples"].tolist() == [75, 64] and tracks["bits"].tolist() == [251.0, 211.0]
    line = build_table([Row("m", "t", "", "", 3, 1, 400, levels, None)], 16000, Bootstrap(100, 0.95, 1)).iloc[0]
    assert line["bits_per_sample"] == pytest.approx((251 + 211) / (75 + 64))


def test_hostile_titles_stay_in_their_cells() -> None:
    table = build_table([row("a|b & 50% of {x}_$y^z~\\"), row("plain", paper=None)], 16000, Bootstrap(100, 0.95, 1))
    markdown = to_markdown(table)
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    latex = to_latex(table)
    assert r"a|b \& 50\% of \{x\}\_\$y\^{}z\~{}\textbackslash{}" in latex
    assert "–" in markdown and not any(math.isnan(value) for value in table["bits_per_sample"])


def test_the_note_stands_under_the_table() -> None:
    shown = to_markdown(build_table([row(note="trained plainly")], 16000, Bootstrap(100, 0.95, 1)))
    assert shown.rstrip().endswith("stack: trained plainly")


def test_rows_say_how_they_began_where_one_began_from_trained_networks() -> None:
    draws = Bootstrap(100, 0.95, 1)
    assert "beginning" not in build_table([row(), row()], 16000, draws)
    mixed = build_table([row(beginning="fine-tuned"), row()], 16000, draws)
    assert list(mixed["beginning"]) == ["fine-tuned", "from fresh weights"] == list(for_people(mixed)["Trained"])


def test_codes_that_are_decoded_have_bits_of_their_own_and_none_of_the_audio() -> None:
    levels = [bits([100], 8, [500.0]), bits([25], 32, [150.0])]
    row = Row("m", "t", "", "", 2, 1, 400, levels, None, finest=1)
    line = build_table([row], 16000, Bootstrap(100, 0.95, 1)).iloc[0]
    assert (line["bits_per_step_level1"], line["bits_per_step_level2"]) == (5.0, 6.0)
    # 650 bits in 800 samples
    assert line["bits_per_second"] == pytest.approx(650 / 800 * 16000)
    assert "bits_per_step_level0" not in line and math.isnan(line["bits_per_sample"])
