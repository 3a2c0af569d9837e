"""The family of WaveNets and stacks of ADAs (Dieleman, van den Oord & Simonyan 2018).

A row is a stack of ADAs, bottom first, and a prior of the top codes; with no ADA the prior is a WaveNet of the audio.
What rows share is planned under one name: an ADA upon the same ADAs is one training, whatever row it stands in.
"""

import hashlib
from collections.abc import Sequence as Several

from descant.config.base import Section
from descant.config.models import Stack
from descant.config.networks import ContinuousBottleneck, WaveNetShape
from descant.config.root import Config
from descant.plan.parts import Draw, Likelihood, Part, Route, Sequence, Training
from descant.plan.size import ada_size, wavenet_size

# neither sign can stand in a name of the configuration, so that no two plans of names come to one
UPON, ON, SHUFFLED = ".", "-on-", "-shuffled"
# what both kinds of network call the sequence that they learn, what a linear predictor says of it, and the past it has
STEPS, PREDICTED, PAST = "steps", "predicted", "past"


def plan_row(config: Config, name: str, model: Stack, audio: Sequence) -> Part:
    """Plan a row of the family.

    Args:
        config: the checked configuration.
        name: of the row.
        model: its section.
        audio: the sequence at the bottom.
    """
    sequences, adas = [audio], []
    for ada in model.stack:
        training, codes = _ada_upon(config, ada, sequences[-1])
        adas.append(training)
        sequences.append(codes)
    prior = _prior(config, model.prior, sequences[-1])
    likelihoods = [_of_ada(training) for training in adas] + [Likelihood(prior.name, prior.name, sequences[-1].name)]
    shape = config.priors[model.prior].wavenet
    draws = _draws(config, sequences, [*adas, prior])
    route = Route(
        name,
        tuple(draw.training for draw in draws),
        draws,
        tuple(sequence.name for sequence in sequences),
        tuple(likelihood.name for likelihood in likelihoods),
        shape.receptive_field * sequences[-1].hop,
    )
    shuffled = [_of_ada(training, shuffled=True) for training in adas]
    lowest = config.adas[model.stack[0]].local_model if model.stack else shape
    read = beside(audio, lowest).values()
    return Part(route, (*sequences[1:], *read), (*adas, prior), (*likelihoods, *shuffled))


def plan_on_request(config: Config, audio: Sequence) -> Part:
    """Plan every ADA upon the audio: any can be asked for, a continuous one too, which no row can stand on."""
    planned = [_ada_upon(config, ada, audio) for ada in config.adas]
    coded = [(training, codes) for training, codes in planned if training.encodes]
    read = [made for ada in config.adas.values() for made in beside(audio, ada.local_model).values()]
    return Part(
        None,
        (*(codes for _, codes in coded), *read),
        tuple(training for training, _ in planned),
        tuple(_of_ada(training, shuffled) for training, _ in coded for shuffled in (False, True)),
    )


def _ada_upon(config: Config, ada: str, below: Sequence) -> tuple[Training, Sequence]:
    section = config.adas[ada]
    name = f"{below.name}{UPON}{ada}" if below.depth else ada
    classes = 0 if isinstance(section.bottleneck, ContinuousBottleneck) else section.bottleneck.classes
    size = ada_size(section, below.classes)
    inputs = _inputs(below, section.local_model)
    training = Training(name, name, "ada", inputs, section, size, name if classes else None)
    return training, Sequence(name, below.hop * section.hop, classes, below.depth + 1, below.name, name)


def _prior(config: Config, prior: str, top: Sequence) -> Training:
    section = config.priors[prior]
    size = wavenet_size(section.wavenet, top.classes)
    title = f"{prior} prior on {top.name}"
    return Training(f"{prior}{ON}{top.name}", title, "wavenet", _inputs(top, section.wavenet), section, size)


def beside(learnt: Sequence, shape: WaveNetShape) -> dict[str, Sequence]:
    """What a WaveNet reads beside the sequence that it learns, by stream: nothing without a linear predictor."""
    settings = shape.linear_prediction
    if settings is None:
        return {}
    made, past = {}, learnt
    if settings.perturb:
        name = f"perturbed-{_digest(settings.perturb)}"
        past = Sequence(name, learnt.hop, learnt.classes, 1, learnt.name, perturbed_by=settings.perturb)
        made[PAST] = past
    name = f"predicted-{_digest(settings)}"
    # a prediction and a scale in float32
    predicted = Sequence(name, learnt.hop, 0, 2, past.name, predicted_by=settings, channels=2, step_bytes=8)
    return {PREDICTED: predicted} | made


def _digest(settings: Section) -> str:
    """A name of settings: sequences made alike are one."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:10]


def _inputs(learnt: Sequence, shape: WaveNetShape) -> dict[str, str]:
    return {STEPS: learnt.name} | {stream: made.name for stream, made in beside(learnt, shape).items()}


def _of_ada(training: Training, shuffled: bool = False) -> Likelihood:
    name = f"{training.name}{SHUFFLED}" if shuffled else training.name
    return Likelihood(name, training.name, training.inputs[STEPS], training.encodes, shuffled)


def _draws(config: Config, sequences: Several[Sequence], trainings: Several[Training]) -> tuple[Draw, ...]:
    """Each level's draw, top first: the prior's, then each ADA's of the level that it is trained on."""
    samples = round(config.sampling.seconds * config.audio.sample_rate)
    top = len(sequences) - 1
    return tuple(
        Draw(level, trainings[level].name, -(-samples // sequences[level].hop), None if level == top else level + 1)
        for level in range(top, -1, -1)
    )
