"""What a training asks for, from its size and its settings."""

from dataclasses import dataclass

from descant.plan.parts import Training
from descant.plan.size import FLOAT_BYTES

MEGABYTE = 10**6
# the interpreter, torch and its threads' buffers; on a GPU also its driver, and the compiler's workers. With the
# factor they leave head room: the demo's trainings were seen to take 600 to 690 MB
BASE, BASE_OF_GPU, FACTOR = 3000, 8000, 1.5
# of what autograd keeps in float32, what it keeps in mixed precision: most in 16 bits, integers as they are
KEPT_OF_BFLOAT16 = 0.56


@dataclass(frozen=True)
class Need:
    """What one training asks for; of a population, one member, but for the disk.

    Attributes:
        state: bytes of weights, gradients, the optimizer's moments, and the average where there is one.
        activations: bytes that autograd keeps of one batch.
        disk: bytes of its model file and of the checkpoints it keeps; of a population, of all states.
        audio_seen: audio samples in all windows of the training together.
    """

    state: int
    activations: int
    disk: int
    audio_seen: int

    @property
    def memory(self) -> int:
        """Bytes of a step."""
        return self.state + self.activations


def members(training: Training) -> int:
    """How many trainings of its length it costs."""
    return training.population.members if training.population else 1


def kept_states(training: Training) -> int:
    """Checkpoints that stand on the disk at the end, where they are the most."""
    kept, population = training.settings.training.keep_checkpoints, training.population
    if training.until:
        # the others are the run's, which ends with another training
        return 1
    # of every generation but the last, one of each member: a later one may go on from any
    return kept if population is None else population.members * (population.generations - 1 + kept)


def need_of(training: Training, hop: int) -> Need:
    """Estimate one training.

    Args:
        training: of the plan.
        hop: audio samples to a step of what it learns.
    """
    settings, weights = training.settings.training, training.size.parameters * FLOAT_BYTES
    # weights, gradients, Adam's two moments, and the moving average where there is one
    copies = 5 if settings.average_decay else 4
    steps = settings.batch * settings.window
    share = KEPT_OF_BFLOAT16 if settings.precision == "bf16-mixed" else 1
    return Need(
        state=weights * copies,
        activations=int(training.size.kept * FLOAT_BYTES * steps * share),
        disk=weights * (1 + (copies - 1) * kept_states(training)),
        audio_seen=(training.last - training.first) * settings.accumulate * steps * hop,
    )


def training_megabytes(training: Training, gpus: int) -> int:
    """Memory to ask for: on GPUs the machine's own holds no activations, and each GPU has a process of its own."""
    need = need_of(training, 1)
    if gpus:
        return gpus * (BASE_OF_GPU + int(FACTOR * need.state / MEGABYTE))
    return BASE + int(FACTOR * need.memory / MEGABYTE)
