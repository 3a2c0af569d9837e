"""How a model came to be, read from its model files' own metadata and put into words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from descant.config.networks import ADA, Prior
from descant.config.training import Training
from descant.errors import ModelFileError
from descant.formatting import count, duration
from descant.modelfacts import read_facts
from descant.sequences import PackedSequence, total_seconds

AUDIO = "audio"
CURE = "delete it and run snakemake again"
# below either, we call a run small; both numbers are ours, and only choose a sentence
SMALL_SECONDS = 10 * 3600.0
SMALL_STEPS = 20_000


@dataclass(frozen=True)
class Network:
    """What a model file says of itself, without its weights.

    Attributes:
        settings: the section it was built from.
        classes: values a step of its sequence can take.
        sequence: what it was trained on: ``audio`` or a stack.
        sequence_hop: audio samples to a step of that sequence.
        data_fingerprint: of that sequence.
        steps: optimizer steps.
    """

    settings: ADA | Prior
    classes: int
    sequence: str
    sequence_hop: int
    data_fingerprint: str
    steps: int

    @property
    def training(self) -> Training:
        """The training part of its settings."""
        return self.settings.training

    def passes(self, audio: PackedSequence) -> float:
        """How often training went through the music: the windows it read over what there is."""
        training = self.training
        read = self.steps * training.accumulate * training.batch * training.window * self.sequence_hop
        return read / audio.sample_rate / max(total_seconds(audio, ("train",)), 1e-9)


@dataclass(frozen=True)
class Stack:
    """The networks of one model: ADAs bottom first, and the prior on top."""

    adas: tuple[Network, ...]
    prior: Network

    @property
    def networks(self) -> tuple[Network, ...]:
        """All, in the order in which music is drawn: the prior first, then the ADAs downwards."""
        return (self.prior, *reversed(self.adas))


def read_network(path: Path) -> Network:
    """Read what a model file says of itself; its weights are not loaded.

    Raises:
        ModelFileError: when it is missing, torn, or not one of ours.
    """
    facts = read_facts(path)
    try:
        section = ADA if facts.kind == "ada" else Prior
        learnt = facts.learnt
        return Network(
            settings=section.model_validate(facts.settings),
            classes=learnt.classes,
            sequence=learnt.name,
            sequence_hop=learnt.hop,
            data_fingerprint=learnt.fingerprint,
            steps=facts.steps,
        )
    except ValidationError as error:
        raise ModelFileError(f"{path} is no model file of this version of the pipeline", CURE) from error


def read_stack(paths: Sequence[Path], audio: PackedSequence) -> Stack:
    """Read the model files of one model, given in any order.

    Args:
        paths: one prior, and the ADA of every level under it.
        audio: the sequence at the bottom.

    Raises:
        ModelFileError: when they do not fit one another or were trained on other audio.
    """
    networks = [read_network(path) for path in paths]
    priors = [network for network in networks if isinstance(network.settings, Prior)]
    adas = sorted((n for n in networks if isinstance(n.settings, ADA)), key=lambda ada: ada.sequence_hop)
    if len(priors) != 1:
        raise ModelFileError(f"{count(len(priors), 'prior')} given, but a model has one", "give one prior's --model")
    prior = priors[0]
    # what each learns is the audio, or what the ADA below it makes
    made = [audio.hop, *(ada.sequence_hop * ada.settings.hop for ada in adas if isinstance(ada.settings, ADA))]
    if [network.sequence_hop for network in (*adas, prior)] != made:
        raise ModelFileError(
            f"the prior was trained on {prior.sequence}, but the ADAs given were trained on "
            f"{', '.join(ada.sequence for ada in adas) or 'nothing'}",
            "give the model file of every ADA in the prior's stack, and no other",
        )
    stack = Stack(tuple(adas), prior)
    if any(n.sequence == AUDIO and n.data_fingerprint != audio.fingerprint for n in networks):
        raise ModelFileError("the model was trained on other audio than --sequence holds", "run snakemake again")
    return stack


def _rate(hop: int, sample_rate: int) -> str:
    return f"{sample_rate / hop:,.6g} a second"


def stack_in_words(stack: Stack, sample_rate: int) -> list[str]:
    """A sentence a network, in the order in which music is drawn."""
    prior, settings = stack.prior, stack.prior.settings
    assert isinstance(settings, Prior)
    seen = settings.wavenet.receptive_field
    what = "audio samples" if prior.sequence == AUDIO else "codes"
    span = seen * prior.sequence_hop / sample_rate
    sentences = [
        f"A WaveNet draws {what}: {_rate(prior.sequence_hop, sample_rate)}, each one of {prior.classes:,}. "
        f"It sees the last {seen:,} of them: {duration(span) if span >= 1 else f'{1000 * span:.0f} ms'} of music."
    ]
    for ada in reversed(stack.adas):
        assert isinstance(ada.settings, ADA)
        below = "audio samples" if ada.sequence == AUDIO else "codes of the level below"
        sentences.append(
            f"{_kind(ada.settings)} turns each code into {ada.settings.hop} {below}: "
            f"{_rate(ada.sequence_hop, sample_rate)}, each one of {ada.classes:,}."
        )
    return sentences


def _kind(ada: ADA) -> str:
    return {"vq": "A VQ-VAE", "argmax": "An AMAE", "continuous": "An autoencoder"}[ada.bottleneck.kind]


def training_in_words(network: Network, audio: PackedSequence) -> str:
    """How long a network was trained: steps, and how often it went through the music."""
    passes = network.passes(audio)
    times = f"{passes:,.0f}" if passes >= 100 else f"{passes:.2g}"
    return f"{count(network.steps, 'training step')}, {times} times through the training music."


def scale_in_words(networks: Sequence[Network], audio: PackedSequence) -> str:
    """An honest sentence on the scale of a model or of a run, from the networks that make it up."""
    seconds = total_seconds(audio, ("train",))
    steps = [network.steps for network in networks]
    fewest, most = min(steps), max(steps)
    each = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    text = f"Trained on {duration(seconds)} of music in {count(len(audio.split('train')), 'track')}, for {each} steps"
    text += f" in each of {len(steps)} networks." if len(steps) > 1 else "."
    if seconds >= SMALL_SECONDS and fewest >= SMALL_STEPS:
        return text
    lacking = [
        *(["little music"] if seconds < SMALL_SECONDS else []),
        *(["few steps"] if fewest < SMALL_STEPS else []),
    ]
    return (
        f"{text} That is {' and '.join(lacking)} for raw audio: expect texture, and judge the method by a larger run."
    )
