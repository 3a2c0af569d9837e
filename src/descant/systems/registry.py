"""Every kind of system: the section of the configuration that describes it, the streams it reads, how it is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from descant.config.decoders import WaveNetDecoder
from descant.config.mel import MEL, ROLL
from descant.config.mel2mel import Mel2Mel
from descant.config.networks import ADA, Network, Prior, WaveNetShape
from descant.config.part_models import RMVAE, AutoregressiveParts
from descant.config.parts import PARTS
from descant.config.transformers import Transformer
from descant.config.vocoders import MelWaveNet, OnePassVocoder
from descant.config.vqvaes import VQVAE
from descant.modelfacts import Input
from descant.sequences import INSTRUMENT
from descant.systems.ada import ADASystem, build_ada
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, build_autoregressive_parts
from descant.systems.base import PAST, PREDICTED, STEPS, UPPER, WAVEFORM, System
from descant.systems.mel2mel import Mel2MelSystem, build_mel2mel
from descant.systems.mel_wavenet import MelWaveNetSystem, build_mel_wavenet
from descant.systems.one_pass_vocoder import OnePassVocoderSystem, build_one_pass_vocoder
from descant.systems.polyphonic_rmvae import build_rmvae
from descant.systems.rmvae import BaseRMVAE
from descant.systems.transformer import TransformerSystem, build_transformer
from descant.systems.vqvae import VQVAESystem, build_vqvae
from descant.systems.wavenet import WaveNetSystem, build_prior
from descant.systems.wavenet_decoder import WaveNetDecoderSystem, build_wavenet_decoder


def no_labels(settings: Any) -> tuple[str, ...]:
    """The labels of a kind that uses none."""
    return ()


def wavenet_streams(shape: WaveNetShape) -> tuple[str, ...]:
    """What a WaveNet reads: the steps, what a linear predictor inside it says of them, and a past of their own."""
    if shape.linear_prediction is None:
        return (STEPS,)
    return (STEPS, PREDICTED, PAST) if shape.linear_prediction.perturb else (STEPS, PREDICTED)


@dataclass(frozen=True)
class Kind:
    """A kind of system.

    Attributes:
        section: of the configuration.
        system: its class.
        streams: names of the sequences that it reads, by a section; what it learns is the first.
        build: makes it with fresh weights from a section and its inputs by stream.
        labels: those of the tracks that it uses, by a section.
    """

    section: type[Network]
    system: type[System]
    streams: Callable[[Any], tuple[str, ...]]
    build: Callable[[Any, Mapping[str, Input]], System]
    labels: Callable[[Any], tuple[str, ...]] = no_labels


KINDS: Mapping[str, Kind] = {
    "ada": Kind(ADA, ADASystem, lambda ada: wavenet_streams(ada.local_model), build_ada),
    "mel_wavenet": Kind(
        MelWaveNet,
        MelWaveNetSystem,
        lambda vocoder: (*wavenet_streams(vocoder.local_model), MEL),
        build_mel_wavenet,
    ),
    "one_pass_vocoder": Kind(
        OnePassVocoder,
        OnePassVocoderSystem,
        lambda vocoder: (WAVEFORM, MEL, ROLL) if vocoder.reads_roll else (WAVEFORM, MEL),
        build_one_pass_vocoder,
    ),
    "vqvae": Kind(VQVAE, VQVAESystem, lambda settings: (WAVEFORM,), build_vqvae),
    "wavenet": Kind(Prior, WaveNetSystem, lambda prior: wavenet_streams(prior.wavenet), build_prior),
    # of one class: a prior of codes, and what draws codes given those of the level above
    "transformer": Kind(
        Transformer, TransformerSystem, lambda settings: (STEPS,), build_transformer, lambda settings: settings.labels
    ),
    "upsampler": Kind(
        Transformer,
        TransformerSystem,
        lambda settings: (STEPS, UPPER),
        build_transformer,
        lambda settings: settings.labels,
    ),
    "wavenet_decoder": Kind(
        WaveNetDecoder,
        WaveNetDecoderSystem,
        lambda decoder: (*wavenet_streams(decoder.local_model), UPPER),
        build_wavenet_decoder,
    ),
    "mel2mel": Kind(
        Mel2Mel, Mel2MelSystem, lambda settings: (MEL, ROLL), build_mel2mel, lambda settings: (INSTRUMENT,)
    ),
    "rmvae": Kind(RMVAE, BaseRMVAE, lambda settings: (PARTS,), build_rmvae),  # type: ignore[type-abstract]
    "autoregressive_parts": Kind(
        AutoregressiveParts, AutoregressivePartsSystem, lambda settings: (PARTS,), build_autoregressive_parts
    ),
}
