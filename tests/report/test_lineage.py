import csv
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_population import COMMITMENT, RATE, write_population

from descant.errors import PopulationError, ResultError
from descant.report.lineage import read_population

STEPS = 100
SIZES = st.integers(1, 5)


@given(SIZES, SIZES, st.integers(1, 3), st.integers(0, 99), st.integers(0, 4))
def test_parents_walked_back_give_one_state_a_generation_and_steps_without_gaps(
    tmp_path_factory: pytest.TempPathFactory, members: int, generations: int, validations: int, seed: int, failing: int
) -> None:
    fail = frozenset({(failing % generations, failing % members)} if members > 1 else ())
    folder = write_population(
        tmp_path_factory.mktemp("p"), members, generations, STEPS, validations, fail, seed
    )  # fmt: skip
    population = read_population("s", folder)
    lineage = population.lineage
    assert [state.decision.generation for state in lineage] == list(range(generations))
    assert lineage[-1] == population.chosen and not any(state.failed for state in lineage)
    assert [state.score.step for state in lineage] == [STEPS * (number + 1) for number in range(generations)]
    walked = [point.x for state in lineage for point in state.curve]
    every = STEPS // validations
    assert walked == sorted(set(walked)) and len(walked) == validations * generations
    assert walked[-1] == STEPS * generations and max(b - a for a, b in zip([0, *walked], walked, strict=False)) <= (
        every + 1
    )
    for child in lineage[1:]:
        assert child.decision.parent == population.parent(child).decision.member


def test_what_is_read_is_what_the_files_show(tmp_path: Path) -> None:
    population = read_population("s", write_population(tmp_path, 4, 3, fail=frozenset({(1, 2)})))
    assert population.keys == (COMMITMENT, RATE) and len(population.states) == 12
    for state in population.states:
        generation, member = state.decision.generation, state.decision.member
        folder = tmp_path / f"generation{generation}"
        with (folder / "decisions.csv").open(newline="") as file:
            row = next(row for row in csv.DictReader(file) if row["member"] == str(member))
        decision = state.decision
        shown = {key: (decision.before.get(key), decision.after[key]) for key in population.keys}
        written = {key: (float(row[f"{key}.before"]) if generation else None, float(row[f"{key}.after"]))
                   for key in population.keys}  # fmt: skip
        assert shown == written and state.decision.action == row["action"]
        score = json.loads((folder / f"member{member}" / "score.json").read_text())
        assert (state.score.step, state.score.bits, state.score.fitness) == (
            score["step"],
            score["bits"],
            score["fitness"],
        )
        assert state.failed == ((generation, member) == (1, 2)) and bool(state.curve) != state.failed


def test_generations_of_an_earlier_configuration_are_not_read(tmp_path: Path) -> None:
    folder = write_population(tmp_path, generations=3)
    shutil.copy(folder / "generation1" / "member0" / "score.json", folder / "chosen.json")
    assert len(read_population("s", folder).generations) == 2


SCORE = '{"generation": %d, "member": %d, "step": 1, "bits": 1.0, "perplexity": 1.0, "fitness": -1.0}'
SPOILT = {
    "chosen.json": ["", "[]", '{"generation": 2}', SCORE % (2, 9), SCORE % (-1, 0), SCORE % (7, 0)],
    "generation1/decisions.csv": ["", "generation,member\n", "generation,member,parent,action\n1,0,9,kept\n",
                                  "generation,member,parent,action\n1,0,,founded\n",
                                  "generation,member,parent,action\n1,0,0,born\n",
                                  "generation,member,parent,action\n1,x,0,kept\n",
                                  "generation,member,parent,action\n1\n",
                                  "generation,member,parent,action\n0,0,0,kept\n",
                                  "generation,member,parent,action,a.after,a.before\n1,0,0,kept,1,1\n"],
    "generation0/decisions.csv": ["generation,member,parent,action\n0,0,0,founded\n",
                                  "generation,member,parent,action\n0,0,,kept\n"],
    "generation0/member0/score.json": ["{", '{"bits": "many"}'],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in SPOILT.items() for text in texts])
def test_wrong_files_are_reported_with_a_cure(tmp_path: Path, name: str, text: str) -> None:
    (write_population(tmp_path) / name).write_text(text)
    with pytest.raises(PopulationError, match="run snakemake again"):
        read_population("s", tmp_path)


def test_missing_files_and_a_failed_choice_are_reported(tmp_path: Path) -> None:
    with pytest.raises(PopulationError, match="cannot be read"):
        read_population("s", tmp_path)
    write_population(tmp_path, fail=frozenset({(2, 1)}))
    shutil.copy(tmp_path / "generation2" / "member1" / "score.json", tmp_path / "chosen.json")
    with pytest.raises(PopulationError, match="trained to its end"):
        read_population("s", tmp_path)
    (tmp_path / "generation0" / "member0" / "metrics.csv").unlink()
    with pytest.raises(ResultError, match="cannot be read"):
        read_population("s", tmp_path)
