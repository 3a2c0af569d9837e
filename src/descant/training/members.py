"""The training of one member of a population for one generation, and the model of the member that is chosen."""

import logging
from dataclasses import dataclass
from pathlib import Path

from descant.config.networks import ADA
from descant.errors import DivergedError, RunError
from descant.modelfile import write_model
from descant.runs import checkpoint
from descant.runs.checkpoint import Checkpoint
from descant.runs.folder import PATIENCE, locked
from descant.training.devices import Devices
from descant.training.history import Row, read_history, write_history
from descant.training.loop import Stretch, Trained, Trainer, kept_weights
from descant.training.population import Decision, Score, choose, fitness, lineage
from descant.training.population_files import (
    MemberFiles,
    decisions_path,
    member_files,
    read_decisions,
    read_score,
    write_score,
)
from descant.training.session import Session, Streams, build_trainer, model_of

log = logging.getLogger(__name__)


def member_session(
    ada: ADA,
    decision: Decision,
    runs: Path,
    seed: int,
    devices: Devices,
    stretch: Stretch | None = None,
) -> Session:
    """The session of one member.

    Args:
        ada: with the settings as written.
        decision: with those that were decided.
        runs: folder of the member's run directories.
        seed: root seed, the same for all members.
        devices: what to run on.
        stretch: the part of the training that is done.
    """
    return Session("ada", ada.tuned(decision.after), runs, seed, devices, stretch)


def train_member(
    session: Session, streams: Streams, decision: Decision, least_perplexity: float, files: MemberFiles
) -> None:
    """Train one member for its generation, or go on with it; then write its state, its figures and its score.

    All members start from the same weights and see the same windows and noise at the same step: they differ in
    their settings and their lineage. A member whose loss is no number does not stop the population: its score has
    no fitness, so that another's state replaces it.

    Args:
        session: of :func:`member_session`, with its stretch.
        streams: what to train on, by what the system calls it.
        decision: of this member.
        least_perplexity: see :func:`descant.training.population.fitness`.
        files: what to write.

    Raises:
        TrainingError: training cannot start or go on.
        RunError: the run directory is in use, the disk is too small, or the parent's state cannot be read.
        Interrupted: it was asked to stop; its state is kept in the run directory.
    """
    trainer = build_trainer(session, streams)
    trained: Trained | None = None
    try:
        trained = trainer.run()
    except DivergedError as error:
        log.warning("generation %d, member %d diverged: %s", decision.generation, decision.member, error.problem)
    if not trainer.processes.leads:
        return
    # one after the other: a training that waited for this one to end writes the same files
    with locked(trainer.folder, PATIENCE):
        files.metrics.parent.mkdir(parents=True, exist_ok=True)
        write_history(files.metrics, trainer.rows)
        if trained is None:
            checkpoint.write(files.state, Checkpoint(trainer.step, {}))
        else:
            last = Checkpoint(trainer.step, trainer.state())
            checkpoint.publish(trainer.folder / "checkpoints", last, files.state)
        write_score(files.score, _score(trainer, decision, trained, least_perplexity))


def _score(trainer: Trainer, decision: Decision, trained: Trained | None, least_perplexity: float) -> Score:
    reached: dict[str, float] = {}
    if trained is not None:
        end = [row for row in trained.history if (row.step, row.split) == (trainer.step, "validation")]
        # the state is whole, though somebody may have deleted the figures beside it
        reached = {row.metric: row.value for row in end} or trainer.validate()
    worth = None
    if reached:
        figure, codes = reached[trainer.system.headline], trainer.system.codes
        worth = fitness(figure, reached.get("perplexity"), codes, least_perplexity)
    failed = worth is None
    return Score(
        generation=decision.generation,
        member=decision.member,
        step=trainer.step,
        bits=None if failed else reached[trainer.system.headline],
        perplexity=None if failed else reached.get("perplexity"),
        fitness=worth,
    )


def stretch_of(decision: Decision, until: int, previous: Path | None) -> Stretch:
    """The part of the training that falls to a decision's generation.

    Args:
        decision: of the member.
        until: the step that the generation ends after.
        previous: folder of the generation before; None in generation 0.

    Raises:
        RunError: when the parent's state is not given.
    """
    if decision.parent is None:
        return Stretch(until)
    if previous is None:
        raise RunError(
            f"member {decision.member} goes on from member {decision.parent}, but --previous is not given",
            "give the folder of the generation before",
        )
    return Stretch(until, previous / f"member{decision.parent}" / "state.safetensors")


@dataclass(frozen=True)
class Choice:
    """The fittest member of the last generation.

    Attributes:
        score: its score.
        decision: its last decision, with the settings that it ended with.
        state: its state.
        history: figures along its lineage, over all steps.
    """

    score: Score
    decision: Decision
    state: Checkpoint
    history: list[Row]


def read_choice(population: Path, generations: int, members: int) -> Choice:
    """Choose in the folder of a population all of whose generations are there.

    Raises:
        TrainingError: when every member of the last generation failed.
        PopulationError: when a file of the population cannot be read.
        RunError: when the state of the chosen member cannot.
    """
    decisions = [read_decisions(decisions_path(population, generation)) for generation in range(generations)]
    last = generations - 1
    score = choose([read_score(member_files(population, last, member).score) for member in range(members)])
    line = lineage(decisions, score.member)
    histories = [
        read_history(member_files(population, generation, member).metrics) for generation, member in enumerate(line)
    ]
    return Choice(
        score=score,
        decision=next(each for each in decisions[last] if each.member == score.member),
        state=checkpoint.read(member_files(population, last, score.member).state),
        history=[row for history in histories for row in history],
    )


def write_choice(session: Session, streams: Streams, choice: Choice, model: Path, metrics: Path) -> None:
    """Write the model file and the figures of a choice, as a plain training writes its own.

    Args:
        session: of :func:`member_session`, with the decision that was chosen.
        streams: what it was trained on.
        choice: what was chosen.
        model: path of the model file.
        metrics: path of the CSV of figures over steps.
    """
    metrics.parent.mkdir(parents=True, exist_ok=True)
    write_history(metrics, choice.history)
    write_model(model, model_of(session, streams, kept_weights(choice.state)))
