"""Scores gathered here join the table beside the paper's; without any, the table is what it was, byte for byte."""

from pathlib import Path

import pandas as pd
import pytest
from page_reading import make_page, read_page

from descant.config.models import Paper, Score
from descant.errors import ListeningError
from descant.evaluation.table import Row, build_table
from descant.evaluation.table_scores import RATED_LEGEND, join_scores, read_scores, real_music
from descant.evaluation.table_text import to_latex, to_markdown
from descant.statistics import Bootstrap

PAPER = Paper(receptive_field_ms=1, fidelity=Score(mean=3.79, plus_minus=0.1), musicality=Score(mean=3, plus_minus=0.1))
HEADER = "system,scale,mean,sem,low,high,raters,items,ratings,screened,source\n"


def table() -> pd.DataFrame:
    bits = pd.DataFrame({"track": ["t"], "steps": [8], "samples": [8], "bits": [16.0]})
    return build_table(
        [Row(name, name.upper(), "", "", 1, 1, 400, [bits], PAPER) for name in ("one", "two")],
        16000,
        Bootstrap(100, 0.95, 1),
    )


def scores(tmp_path: Path, *lines: str) -> pd.DataFrame:
    (tmp_path / "scores.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return read_scores(tmp_path / "scores.csv")


def test_scores_stand_between_our_measures_and_the_papers(tmp_path: Path) -> None:
    found = scores(
        tmp_path,
        "one,fidelity,3.0,0.1,2.5,3.5,20,10,200,no,people",
        "one,fidelity,3.25,0.1,2.75,3.75,18,10,180,yes,people",
        "real,fidelity,4.5,0.1,4.25,4.75,18,10,180,yes,people",
    )
    joined = join_scores(table(), found)
    ours = ["our_fidelity", "our_fidelity_low", "our_fidelity_high", "our_fidelity_n", "our_raters"]
    names = list(joined.columns)
    place = names.index("our_fidelity")
    assert names[place : place + 5] == ours
    assert names[place - 1] == "test_seconds" and names[place + 5] == "paper_receptive_field_ms"
    assert joined.loc[0, ours].tolist() == [3.25, 2.75, 3.75, 180, 18]
    assert joined.loc[1, ours].isna().all()
    markdown, latex = to_markdown(joined, real_music(found)), to_latex(joined, real_music(found))
    assert "3.25 [2.75, 3.75], n=180" in markdown and "3.79 ± 0.10" in markdown
    assert "rated here: fidelity" in markdown and "rated here: musicality" not in markdown
    for text in (markdown, latex):
        assert "n = 180" in text and "fidelity 4.50 [4.25, 4.75]" in text and "whose columns stay the paper's" in text
    joined.to_csv(tmp_path / "t.csv", index=False)
    given = {"table": tmp_path / "t.csv", "headings": {"our_fidelity_n": "Ratings"}}
    page = read_page(make_page("table", tmp_path / "t.html", **given))
    spans = [head for head in page.all("th") if head.get("scope") == "colgroup"]
    assert len(spans) == 4 and "Rated here, by people" in page.text and RATED_LEGEND in page.text
    assert sum("tinted" in span["class"] for span in spans) == 1
    assert "2.75 – 3.75" in page.text and "180" in page.text


def test_a_score_without_an_interval_has_none(tmp_path: Path) -> None:
    joined = join_scores(table(), scores(tmp_path, "two,musicality,2.0,,,,1,5,5,yes,people"))
    assert joined["our_musicality"].tolist()[1] == 2.0 and joined["our_musicality_low"].isna().all()
    assert "2.00, n=5" in to_markdown(joined)


@pytest.mark.parametrize(
    "lines", [(), ("real,fidelity,4.5,,,,9,9,81,yes,people",), ("one,fidelity,4,,,,9,9,9,no,people",)]
)
def test_without_scores_of_models_nothing_changes(tmp_path: Path, lines: tuple[str, ...]) -> None:
    before, found = table(), scores(tmp_path, *lines)
    after = join_scores(before, found)
    assert after.to_csv() == before.to_csv()
    assert to_markdown(after, real_music(found)) == to_markdown(before)
    assert to_latex(after, real_music(found)) == to_latex(before)


def test_simulated_scores_never_join(tmp_path: Path) -> None:
    with pytest.raises(ListeningError, match="simulated"):
        scores(tmp_path, "one,fidelity,3.25,0.1,2.75,3.75,18,10,180,yes,simulated")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ListeningError, match="lacks"):
        read_scores(tmp_path / "other.csv")
