"""Members of a population, really trained: exact, not stopped by one that diverges, better than the worst founder."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from descant.config.networks import ADA
from descant.config.population import Population
from descant.config.training import Training
from descant.errors import RunError, TrainingError
from descant.modelfile import read_model
from descant.runs import checkpoint
from descant.seeds import derive_seed
from descant.sequences import PackedSequence
from descant.systems.base import STEPS
from descant.training import members
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.population import Decision, Score, decide
from descant.training.population_files import decisions_path, member_files, read_decisions, read_score, write_decisions
from descant.training.session import Session, train_to_file

RATE = "training.learning_rate"


@dataclass(frozen=True)
class Run:
    """A population in a folder."""

    ada: ADA
    sequence: PackedSequence
    folder: Path

    @property
    def streams(self) -> dict[str, PackedSequence]:
        return {STEPS: self.sequence}

    @property
    def population(self) -> Population:
        assert self.ada.population is not None
        return self.ada.population

    def train(self, decision: Decision) -> Score:
        generation, member = decision.generation, decision.member
        until = self.ada.training.steps // self.population.generations * (generation + 1)
        previous = self.folder / f"generation{generation - 1}" if generation else None
        stretch = members.stretch_of(decision, until, previous)
        runs = self.folder / "runs" / f"{generation}" / f"{member}"
        session = members.member_session(self.ada, decision, runs, 1, Devices(), stretch)
        files = member_files(self.folder, generation, member)
        members.train_member(session, self.streams, decision, self.population.least_perplexity, files)
        score = read_score(files.score)
        return score

    def generation(self, decisions: list[Decision]) -> list[Score]:
        write_decisions(decisions_path(self.folder, decisions[0].generation), decisions)
        return [self.train(each) for each in decisions]

    def finish(self, first: list[Decision]) -> list[list[Score]]:
        scores, decisions = [self.generation(first)], first
        for _ in range(1, self.population.generations):
            decisions = decide(self.population, decisions, scores[-1], derive_seed(1))
            scores.append(self.generation(decisions))
        return scores

    def plain(self, values: Mapping[str, float]) -> Path:
        """The folder of one plain training with some settings."""
        own = self.ada.tuned(values)
        folder = self.folder / "plain"
        session = Session("ada", own, folder / "runs", 1, Devices())
        train_to_file(session, self.streams, folder / "model.safetensors", folder / "metrics.csv")
        return folder


def founders(*rates: float) -> list[Decision]:
    return [Decision(0, member, None, "founded", {}, {RATE: rate}) for member, rate in enumerate(rates)]


@pytest.fixture
def build(
    tiny_sequence: PackedSequence,
    tiny_ada: Callable[..., ADA],
    tiny_training: Callable[..., Training],
    tmp_path: Path,
) -> Callable[..., Run]:
    def build_run(training: dict[str, Any] | None = None, **population: Any) -> Run:
        given = {"members": 2, "generations": 2, "tuned": {RATE: {"least": 1e-6, "most": 1e30}}, **population}
        section = tiny_training(
            **{"average_decay": 0.9, "schedule": {"warmup_steps": 2, "decay": "cosine"}, **(training or {})}
        )
        ada = tiny_ada(jitter=0.1, training=section)
        return Run(ADA.model_validate({**ada.model_dump(), "population": given}), tiny_sequence, tmp_path)

    return build_run


def test_a_member_that_is_kept_is_one_plain_training_to_the_byte(build: Callable[..., Run]) -> None:
    run = build(members=2, generations=3)
    (own,) = founders(0.01)
    line = [own, *(Decision(generation, 0, 0, "kept", own.after, own.after) for generation in (1, 2))]
    scores = [run.train(each) for each in line]
    assert [score.step for score in scores] == [4, 8, 12]
    files = [member_files(run.folder, generation, 0) for generation in range(3)]
    history = [row for each in files for row in read_history(each.metrics)]
    choice = members.Choice(scores[2], line[2], checkpoint.read(files[2].state), history)
    session = members.member_session(run.ada, choice.decision, run.folder, 1, Devices())
    model, metrics = run.folder / "model.safetensors", run.folder / "metrics.csv"
    members.write_choice(session, run.streams, choice, model, metrics)
    plain = run.plain(own.after)
    assert model.read_bytes() == (plain / "model.safetensors").read_bytes()
    assert metrics.read_bytes() == (plain / "metrics.csv").read_bytes()


def test_all_members_start_from_the_same_weights(build: Callable[..., Run]) -> None:
    run = build(training={"steps": 2, "log_every": 1, "schedule": {}})
    run.generation(founders(0.01, 0.5))
    rows = [read_history(member_files(run.folder, 0, member).metrics) for member in range(2)]
    first = [next(row for row in history if (row.step, row.metric) == (1, "bits")) for history in rows]
    assert first[0] == first[1] and rows[0] != rows[1]


def test_whose_figures_were_deleted_is_scored_by_its_state(build: Callable[..., Run]) -> None:
    run = build()
    (own,) = founders(0.01)
    score = run.train(own)
    (history,) = run.folder.rglob("history.csv")
    history.unlink()
    assert run.train(own) == score


def test_one_that_diverges_has_no_fitness_and_is_replaced(build: Callable[..., Run]) -> None:
    run = build(training={"schedule": {}})
    first = founders(1e30, 0.01)
    scores = run.generation(first)
    files = member_files(run.folder, 0, 0)
    assert (scores[0].bits, scores[0].perplexity, scores[0].fitness) == (None, None, None)
    assert json.loads(files.score.read_text())["fitness"] is None and scores[0].step < 6
    assert files.metrics.exists() and checkpoint.read(files.state).tensors == {}
    decisions = decide(run.population, first, scores, 1)
    assert [(each.action, each.parent) for each in decisions] == [("exploited", 1), ("kept", 1)]
    again = run.generation(decisions)
    assert all(score.fitness is not None and score.step == 12 for score in again)


def test_the_choice_is_the_fittest_with_the_figures_of_its_lineage(build: Callable[..., Run]) -> None:
    run = build()
    # as good as no learning: the other's state replaces it
    first = founders(1e-6, 0.01)
    scores = run.finish(first)
    decisions = read_decisions(decisions_path(run.folder, 1))
    assert [(each.action, each.parent) for each in decisions] == [("exploited", 1), ("kept", 1)]
    choice = members.read_choice(run.folder, 2, 2)
    assert choice.score == max(scores[1], key=lambda score: score.fitness or -math.inf)
    assert choice.decision == decisions[choice.score.member]
    histories = [member_files(run.folder, 0, 1), member_files(run.folder, 1, choice.score.member)]
    assert choice.history == [row for files in histories for row in read_history(files.metrics)]
    assert sorted({row.step for row in choice.history}) == [2, 4, 6, 8, 10, 12]
    bits = {row.step: row.value for row in choice.history if (row.split, row.metric) == ("validation", "bits")}
    assert bits[12] == choice.score.bits


def test_where_all_diverge_it_is_reported(build: Callable[..., Run]) -> None:
    run = build(training={"schedule": {}}, generations=1)
    run.generation(founders(1e30, 1e30))
    with pytest.raises(TrainingError, match="all 2 members of generation 0 diverged"):
        members.read_choice(run.folder, 1, 2)


def test_a_member_asked_for_again_is_found_done_and_written_alike(build: Callable[..., Run]) -> None:
    run = build()
    first = founders(0.01, 0.02)
    run.generation(first)
    files = member_files(run.folder, 0, 1)
    before = [path.read_bytes() for path in (files.state, files.metrics, files.score)]
    for path in (files.state, files.metrics, files.score):
        path.unlink()
    checkpoints = list((run.folder / "runs/0/1").glob("*/checkpoints/*"))
    assert len(checkpoints) == 1, "the last one alone is kept"
    kept = checkpoints[0].stat().st_ino
    run.train(first[1])
    assert [path.read_bytes() for path in (files.state, files.metrics, files.score)] == before
    assert files.state.stat().st_ino == kept, "nothing was trained again"


@pytest.mark.slow
def test_it_is_better_than_its_worst_founder_and_moves_towards_the_good_rate(build: Callable[..., Run]) -> None:
    bounds = {RATE: {"least": 1e-5, "most": 1.0}}
    training = {"steps": 120, "schedule": {}, "log_every": 20, "validate_every": 20, "checkpoint_every": 20}
    run = build(training, members=4, generations=6, tuned=bounds)
    first = founders(2e-5, 4e-5, 8e-5, 0.01)
    scores = run.finish(first)
    best = [max(score.fitness for score in generation if score.fitness is not None) for generation in scores]
    worst = -read_worst(run.plain(first[0].after))
    assert best[-1] > best[0] and best[-1] > worst + 0.5
    last = read_decisions(decisions_path(run.folder, 5))
    rates = [each.after[RATE] for each in last]
    # all go on from the good one, whose rate is perturbed by at most 1.25 a generation
    assert math.exp(sum(math.log(rate) for rate in rates) / 4) > 10 * 8e-5
    line = members.read_choice(run.folder, 6, 4)
    steps = [row.step for row in line.history if (row.split, row.metric) == ("validation", "bits")]
    assert steps == [20, 40, 60, 80, 100, 120]


def read_worst(folder: Path) -> float:
    rows = read_history(folder / "metrics.csv")
    assert read_model(folder / "model.safetensors").facts.steps == 120
    return [row.value for row in rows if (row.split, row.metric) == ("validation", "bits")][-1]


def test_a_parent_without_its_folder_is_reported(build: Callable[..., Run], tmp_path: Path) -> None:
    child = Decision(1, 0, 3, "exploited", {}, {})
    with pytest.raises(RunError, match="goes on from member 3"):
        members.stretch_of(child, 10, None)
    stretch = members.stretch_of(child, 10, tmp_path)
    run = build()
    session = members.member_session(run.ada, child, tmp_path, 1, Devices(), stretch)
    with pytest.raises(RunError, match="holds no whole state"):
        session.run_folder(run.streams)
