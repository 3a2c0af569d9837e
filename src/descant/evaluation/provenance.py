"""How a model came to be, read from its model files' own metadata and put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from descant.config.decoders import WaveNetDecoder
from descant.config.mel2mel import Mel2Mel
from descant.config.network_sections import NetworkSection
from descant.config.networks import ADA, Prior
from descant.config.part_models import RMVAE, AutoregressiveParts
from descant.config.transformers import Transformer
from descant.config.vocoders import MelWaveNet, OnePassVocoder
from descant.config.vqvaes import VQVAE
from descant.errors import ModelFileError
from descant.formatting import count, duration
from descant.modelfacts import ModelFacts, read_facts
from descant.sequences import PackedSequence, total_seconds

AUDIO = "audio"
CURE = "delete it and run snakemake again"
# below either, we call a run small; both numbers are ours, and only choose a sentence
SMALL_SECONDS = 10 * 3600.0
SMALL_STEPS = 20_000

# sections by kind of network; all others are priors, trained or not
SECTIONS: Mapping[str, type[NetworkSection]] = {
    "ada": ADA,
    "vqvae": VQVAE,
    "transformer": Transformer,
    "upsampler": Transformer,
    "wavenet_decoder": WaveNetDecoder,
    "mel2mel": Mel2Mel,
    "mel_wavenet": MelWaveNet,
    "one_pass_vocoder": OnePassVocoder,
    "rmvae": RMVAE,
    "autoregressive_parts": AutoregressiveParts,
}


@dataclass(frozen=True)
class Network:
    """What a model file says of itself, without its weights, and the section that it was built from."""

    facts: ModelFacts
    settings: NetworkSection

    def passes(self, audio: PackedSequence) -> float:
        """How often training went through the music: the windows it read over what there is."""
        training = self.settings.training
        read = self.facts.steps * training.accumulate * training.batch * training.window * self.facts.learnt.hop
        return read / audio.sample_rate / max(total_seconds(audio, ("train",)), 1e-9)


def read_network(path: Path) -> Network:
    """Read what a model file says of itself; its weights are not loaded.

    Raises:
        ModelFileError: when it is missing, torn, or not one of ours.
    """
    facts = read_facts(path)
    try:
        return Network(facts, SECTIONS.get(facts.kind, Prior).model_validate(facts.settings))
    except ValidationError as error:
        raise ModelFileError(f"{path} is no model file of this version of the pipeline", CURE) from error


def read_stack(paths: Sequence[Path], audio: PackedSequence) -> list[Network]:
    """Read the model files of one model, given in any order.

    Args:
        paths: one prior, and the ADA of every level under it; or the networks of a row of Jukebox.
        audio: the sequence at the bottom.

    Returns:
        In the order in which music is drawn: the prior first, then the ADAs downwards; of Jukebox a transformer a
        level, and what decodes the last one drawn: its VQ-VAE, or a WaveNet.

    Raises:
        ModelFileError: when they do not fit one another or were trained on other audio.
    """
    networks = [read_network(path) for path in paths]
    if any(isinstance(network.settings, VQVAE) for network in networks):
        return _jukebox(networks)
    priors = [network for network in networks if isinstance(network.settings, Prior)]
    adas = [network for network in networks if isinstance(network.settings, ADA)]
    adas.sort(key=lambda ada: ada.facts.learnt.hop)
    if len(priors) != 1:
        raise ModelFileError(f"{count(len(priors), 'prior')} given, but a model has one", "give one prior's --model")
    # what each learns is the audio, or what the ADA below it makes
    made = [audio.hop, *(ada.facts.learnt.hop * ada.settings.hop for ada in adas if isinstance(ada.settings, ADA))]
    if [network.facts.learnt.hop for network in (*adas, *priors)] != made:
        raise ModelFileError(
            f"the prior was trained on {priors[0].facts.learnt.name}, but the ADAs given were trained on "
            f"{', '.join(ada.facts.learnt.name for ada in adas) or 'nothing'}",
            "give the model file of every ADA in the prior's stack, and no other",
        )
    learnt = [network.facts.learnt for network in networks]
    if any(one.name == AUDIO and one.fingerprint != audio.fingerprint for one in learnt):
        raise ModelFileError("the model was trained on other audio than --sequence holds", "run snakemake again")
    return [*priors, *reversed(adas)]


def _jukebox(networks: Sequence[Network]) -> list[Network]:
    transformers = [network for network in networks if isinstance(network.settings, Transformer)]
    transformers.sort(key=lambda network: -network.facts.learnt.hop)
    finest = transformers[-1].facts.learnt.hop if transformers else 0
    decoders = [one for one in networks if isinstance(one.settings, WaveNetDecoder)]
    decoders = decoders or [one for one in networks if isinstance(one.settings, VQVAE) and one.settings.hop == finest]
    if len(decoders) != 1:
        raise ModelFileError(
            f"{count(len(decoders), 'VQ-VAE')} given whose codes the last transformer draws, but a model has one",
            "give the model files of one row",
        )
    return [*transformers, *decoders]


def stack_in_words(stack: Sequence[Network], sample_rate: int) -> list[str]:
    """A sentence a network, in the order in which music is drawn."""
    sentences = []
    for network in stack:
        learnt, settings = network.facts.learnt, network.settings
        if isinstance(settings, VQVAE):
            sentences.append(f"A VQ-VAE turns each code into {settings.hop} audio samples in one pass.")
            continue
        if isinstance(settings, Transformer):
            sentences.append(_transformer_in_words(network, settings, sample_rate))
            continue
        assert isinstance(settings, ADA | Prior | WaveNetDecoder)
        drawing = settings.wavenet if isinstance(settings, Prior) else settings.local_model
        what = f"{sample_rate / learnt.hop:,.6g} a second, each one of {learnt.classes:,}."
        if isinstance(settings, ADA):
            below = "audio samples" if learnt.name == AUDIO else "codes of the level below"
            sentences.append(f"{settings.bottleneck.system} turns each code into {settings.hop} {below}: {what}")
        elif isinstance(settings, WaveNetDecoder):
            hop = network.facts.by_stream["upper"].hop // learnt.hop
            sentences.append(f"A WaveNet draws {hop} audio samples given each code: {what}")
        else:
            seen = settings.wavenet.receptive_field
            span = seen * learnt.hop / sample_rate
            heard = _span(span)
            drawn = "audio samples" if learnt.name == AUDIO else "codes"
            words = f"A WaveNet draws {drawn}: {what} It sees the last {seen:,} of them: {heard} of music."
            sentences.append(words)
        if predictor := drawing.linear_prediction:
            window = f"{1000 * predictor.window * learnt.hop / sample_rate:.0f} ms"
            order = predictor.order
            sentences[-1] += f" It starts from a linear prediction of order {order}, which follows the last {window}."
    return sentences


def _span(seconds: float) -> str:
    return duration(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _transformer_in_words(network: Network, settings: Transformer, sample_rate: int) -> str:
    learnt, upper = network.facts.learnt, network.facts.by_stream.get("upper")
    given = f" given one of {upper.name} for every {upper.hop // learnt.hop}" if upper else ""
    rate = f"{sample_rate / learnt.hop:,.6g} a second, each one of {learnt.classes:,}"
    heard = _span(settings.context * learnt.hop / sample_rate)
    return f"A transformer draws codes{given}: {rate}. It sees the last {settings.context:,} of them: {heard} of music."


def extent(sequence: PackedSequence, splits: Sequence[str] = ("train", "validation", "test")) -> str:
    """How long the music of some splits is, in words: in time, or in quarter notes where it has no tempo."""
    total = total_seconds(sequence, splits)
    return duration(total) if sequence.unit == "second" else f"{total:,.0f} quarter notes"


def training_in_words(network: Network, audio: PackedSequence) -> str:
    """How long a network was trained: steps, and how often it went through the music."""
    passes = network.passes(audio)
    times = f"{passes:,.0f}" if passes >= 100 else f"{passes:.2g}"
    begun = "Begun from a trained network. " if network.facts.start else ""
    return f"{begun}{count(network.facts.steps, 'training step')}, {times} times through the training music."


def training_in_all(networks: Sequence[Network], audio: PackedSequence) -> str:
    """How much music the networks of a model or of a run learnt from, and for how many steps."""
    # what is there to compare with was not trained at all
    trained = [network for network in networks if network.facts.steps]
    steps = [network.facts.steps for network in trained] or [0]
    fewest, most = min(steps), max(steps)
    each = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    heard = f"{extent(audio, ('train',))} of music in {count(len(audio.split('train')), 'track')}"
    in_each = f" in each of {len(steps)} networks" if len(steps) > 1 else ""
    begun = _begun(trained)
    how = "Trained" if not begun else "Fine-tuned" if begun == len(trained) else "Fine-tuned in part"
    return f"{how} on {heard}, for {each} steps{in_each}."


def _begun(networks: Sequence[Network]) -> int:
    """How many began from trained ones; vocoders are left out, which a run tunes on its own spectrograms."""
    vocoders = MelWaveNet | OnePassVocoder
    return sum(network.facts.start is not None and not isinstance(network.settings, vocoders) for network in networks)


def scale_in_words(networks: Sequence[Network], audio: PackedSequence) -> str:
    """The same, and an honest sentence on its scale where they are models of raw audio and began from nothing."""
    seconds, text = total_seconds(audio, ("train",)), training_in_all(networks, audio)
    fewest = min((network.facts.steps for network in networks if network.facts.steps), default=0)
    if _begun(networks):
        return text
    if seconds >= SMALL_SECONDS and fewest >= SMALL_STEPS:
        return text
    found = {"little music": seconds < SMALL_SECONDS, "few steps": fewest < SMALL_STEPS}
    lacking = " and ".join(words for words, is_so in found.items() if is_so)
    return f"{text} That is {lacking} for raw audio: expect texture, and judge the method by a larger run."
