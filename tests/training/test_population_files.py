"""A population's files: what is written is read, and what is not one of them is shown."""

from pathlib import Path

import pytest

from descant.config.population import Population
from descant.errors import PopulationError
from descant.training.population import Score, decide, found
from descant.training.population_files import read_decisions, read_score, write_decisions, write_score

RATE = "training.learning_rate"


def test_decisions_are_read_as_they_were_written(tmp_path: Path) -> None:
    tuned = {RATE: {"least": 1e-5, "most": 1.0}, "jitter": {"least": 0.01, "most": 0.3}}
    population = Population(members=5, tuned=tuned)
    first = found(population, {RATE: 1 / 3, "jitter": 0.1}, 1)
    second = decide(population, first, [Score(0, member, 1, None, None, -member) for member in range(5)], 1)
    for decisions in (first, second):
        write_decisions(tmp_path / "decisions.csv", decisions)
        assert read_decisions(tmp_path / "decisions.csv") == decisions
    header, founder = (tmp_path / "decisions.csv").read_text().splitlines()[:2]
    assert header == f"generation,member,parent,action,jitter.before,jitter.after,{RATE}.before,{RATE}.after"
    assert founder.startswith("1,0,0,kept,0.1,0.1,0.333")


@pytest.mark.parametrize("text", ["", "generation,member\n1,2\n", "generation,member,parent,action\n1,x,2,kept\n"])
def test_what_holds_no_decisions_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "decisions.csv"
    if text:
        path.write_text(text)
    with pytest.raises(PopulationError, match=r"decisions.csv (cannot be read|does not have|is not of)") as shown:
        read_decisions(path)
    assert "run snakemake again" in shown.value.cure


@pytest.mark.parametrize("text", ["", "{", '{"member": 1}', "[]"])
def test_what_holds_no_score_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "score.json"
    path.write_text(text)
    with pytest.raises(PopulationError, match=r"score.json is not of its form"):
        read_score(path)


def test_a_score_is_read_as_it_was_written(tmp_path: Path) -> None:
    for score in (Score(2, 1, 30, 1 / 3, 5.5, -1 / 3), Score(0, 0, 1, None, None, None)):
        write_score(tmp_path / "score.json", score)
        assert read_score(tmp_path / "score.json") == score
