"""Whether the networks that a row names are there, and can do what the row asks of them."""

from collections.abc import Mapping
from itertools import pairwise

from descant.config.base import suggest
from descant.config.corpus import Corpus
from descant.config.decoders import WaveNetDecoder
from descant.config.mel2mel import Mel2Mel
from descant.config.models import JukeboxRow, Mel2MelRow, PartsRow, Stack
from descant.config.networks import ADA, ContinuousBottleneck, Prior
from descant.config.part_models import RMVAE, PartModel
from descant.config.parts import Parts
from descant.config.transformers import Transformer
from descant.config.vocoders import Vocoder
from descant.config.vqvaes import VQVAE


def check_stack(name: str, model: Stack, adas: Mapping[str, ADA], priors: Mapping[str, Prior]) -> None:
    """Refuse a stack whose networks are not there, or cannot be put on each other.

    Raises:
        ValueError: naming the key.
    """
    for ada in model.stack:
        if ada not in adas:
            raise ValueError(f"models.{name}.stack names {ada!r}{suggest(ada, adas, 'adas')}")
        if isinstance(adas[ada].bottleneck, ContinuousBottleneck):
            raise ValueError(
                f"models.{name}.stack names {ada!r}, whose continuous bottleneck has no codes for a prior; "
                "choose vq or argmax"
            )
    above = {f"adas.{ada}.local_model": adas[ada].local_model for ada in model.stack[1:]}
    if model.stack and model.prior in priors:
        above[f"priors.{model.prior}.wavenet"] = priors[model.prior].wavenet
    for key, shape in above.items():
        if shape.linear_prediction:
            raise ValueError(
                f"models.{name} puts {key} on codes, but its linear_prediction is of audio; leave it out there"
            )
    for ada in model.stack[1:]:
        if "scalar" in (adas[ada].local_model.input, adas[ada].encoder.input):
            raise ValueError(
                f"models.{name}.stack puts {ada!r} on codes, but its input 'scalar' is for audio; codes have "
                "no order, use 'embedding'"
            )
    if model.stack and model.prior in priors and priors[model.prior].wavenet.input == "scalar":
        raise ValueError(
            f"models.{name}.prior is {model.prior!r}, whose input 'scalar' is for audio; codes have no order"
        )
    if model.prior not in priors:
        raise ValueError(f"models.{name}.prior names {model.prior!r}{suggest(model.prior, priors, 'priors')}")


def check_jukebox(
    name: str,
    model: JukeboxRow,
    vqvaes: Mapping[str, VQVAE],
    transformers: Mapping[str, Transformer],
    decoders: Mapping[str, WaveNetDecoder],
) -> None:
    """Refuse networks that are not there, levels whose rates do not fit each other, or that nothing draws.

    Raises:
        ValueError: naming the key.
    """
    for level in model.levels:
        if level not in vqvaes:
            raise ValueError(f"models.{name}.levels names {level!r}{suggest(level, vqvaes, 'vqvaes')}")
    hops = [vqvaes[level].hop for level in model.levels]
    if any(coarse <= fine for fine, coarse in pairwise(hops)):
        raise ValueError(
            f"models.{name}.levels have hops {', '.join(map(str, hops))}; name the finest first, each of a larger hop"
        )
    drawn = [("prior", [model.prior] if model.prior else []), ("upsamplers", model.upsamplers)]
    for key, names in drawn:
        for network in names:
            if network not in transformers:
                near = suggest(network, transformers, "transformers")
                raise ValueError(f"models.{name}.{key} names {network!r}{near}")
    kept = transformers[model.prior].training.keep if model.prior else ()
    if model.prior_step is not None and model.prior_step not in kept:
        raise ValueError(
            f"models.{name}.prior_step is {model.prior_step}, but transformers.{model.prior}.training.keep is "
            f"{', '.join(map(str, kept)) or 'empty'}; name a step that is kept, or add this one there"
            if model.prior
            else f"models.{name}.prior_step is of a prior, and the row has none; name one, or leave it out"
        )
    if model.upsamplers and (model.prior is None or len(model.upsamplers) != len(model.levels) - 1):
        raise ValueError(
            f"models.{name}.upsamplers names {len(model.upsamplers)}, but needs a prior and one for each of the "
            f"{len(model.levels) - 1} levels below the coarsest; name them, or leave the key out"
        )
    if model.decoder is not None:
        if model.decoder not in decoders:
            near = suggest(model.decoder, decoders, "decoders")
            raise ValueError(f"models.{name}.decoder names {model.decoder!r}{near}")
        if model.prior is None:
            raise ValueError(f"models.{name}.decoder draws given what the prior draws; name a prior, or leave it out")
        window, hop = decoders[model.decoder].training.window, hops[0 if model.upsamplers else -1]
        if window % hop:
            raise ValueError(
                f"decoders.{model.decoder}.training.window is {window}, no multiple of the hop, {hop}, of the codes "
                f"that models.{name} gives it; set it to {-(-window // hop) * hop}"
            )
    if model.prior and any(vqvaes[level].codebook.quantisers > 1 for level in model.levels):
        raise ValueError(
            f"models.{name}.levels have several quantisers, whose codes no transformer draws; leave prior out, or "
            "set codebook.quantisers to 1"
        )


def check_mel2mel(
    name: str, model: Mel2MelRow, mel2mels: Mapping[str, Mel2Mel], vocoders: Mapping[str, Vocoder], corpus: Corpus
) -> None:
    """Refuse a Mel2Mel whose networks are not there, or which has no scores to learn from.

    Raises:
        ValueError: naming the key.
    """
    if model.mel2mel not in mel2mels:
        near = suggest(model.mel2mel, mel2mels, "mel2mels")
        raise ValueError(f"models.{name}.mel2mel names {model.mel2mel!r}{near}")
    if model.vocoder is not None and model.vocoder not in vocoders:
        near = suggest(model.vocoder, vocoders, "vocoders")
        raise ValueError(f"models.{name}.vocoder names {model.vocoder!r}{near}")
    if model.vocoder_tuning and model.vocoder is None:
        raise ValueError(f"models.{name}.vocoder_tuning has no vocoder to train; name one in models.{name}.vocoder")
    if model.vocoder_tuning and model.vocoder_tuning.start_from:
        raise ValueError(f"models.{name}.vocoder_tuning.start_from is the vocoder itself; leave the key out")
    if corpus.source not in ("scores", "midi"):
        raise ValueError(
            f"models.{name} learns from scores, but corpus.source is {corpus.source!r}; set it to scores or midi"
        )


def check_parts(name: str, model: PartsRow, part_models: Mapping[str, PartModel], parts: Parts) -> None:
    """Refuse a row of parts whose network is not there, or does not learn parts of their form.

    Raises:
        ValueError: naming the key.
    """
    if model.part_model not in part_models:
        near = suggest(model.part_model, part_models, "part_models")
        raise ValueError(f"models.{name}.part_model names {model.part_model!r}{near}")
    network = part_models[model.part_model]
    if parts.form == "polyphonic" and not isinstance(network, RMVAE):
        raise ValueError(
            f"models.{name} trains {model.part_model!r}, of the kind {network.kind}, which plays one note at a "
            "time, but parts.form is polyphonic; name a part_model of kind rmvae, or set parts.form to monophonic"
        )
