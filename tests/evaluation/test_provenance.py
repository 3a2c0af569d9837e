"""What a model file says of itself, in words."""

from pathlib import Path
from typing import Any

import pytest

from descant.config.mel2mel import Mel2Mel
from descant.config.networks import Prior
from descant.config.transformers import Transformer
from descant.config.vocoders import OnePassVocoder
from descant.config.vqvaes import VQVAE
from descant.errors import ModelFileError
from descant.evaluation.provenance import (
    Network,
    read_stack,
    scale_in_words,
    stack_in_words,
    training_in_all,
    training_in_words,
)
from descant.modelfacts import Input, ModelFacts
from descant.modelfile import ModelFile, write_model
from descant.sequences import PackedSequence

AUDIO = Input(stream="steps", name="audio", classes=256, channels=0, hop=1, sample_rate=16000, fingerprint="")


def flat(steps: int, start: str | None = None, **shape: Any) -> Network:
    """A WaveNet of audio that was trained for so many steps."""
    training = {"steps": steps, "batch": 1, "window": 8}
    settings = Prior.model_validate({"wavenet": {"stacks": 1, "layers_per_stack": 1, **shape}, "training": training})
    facts = ModelFacts(
        kind="wavenet", settings=settings.model_dump(mode="json"), inputs=(AUDIO,), steps=steps, start=start
    )
    return Network(facts, settings)


@pytest.mark.parametrize("predictor", [None, {"order": 32, "window": 800}])
def test_a_predictor_is_named_in_its_network_s_own_sentence(predictor: dict[str, int] | None) -> None:
    (words,) = stack_in_words([flat(3, linear_prediction=predictor)], 16000)
    said = "It starts from a linear prediction of order 32, which follows the last 50 ms." in words
    assert said == (predictor is not None)


def test_what_was_not_trained_does_not_count_as_training(
    tiny_sequence: PackedSequence,
) -> None:
    assert ", for 3 to 5 steps in each of 2 networks." in scale_in_words([flat(0), flat(3), flat(5)], tiny_sequence)
    assert ", for 0 steps." in scale_in_words([flat(0)], tiny_sequence)


def test_what_began_from_trained_networks_is_called_so(tiny_sequence: PackedSequence) -> None:
    begun, fresh = flat(3, "digest"), flat(5)
    assert training_in_words(begun, tiny_sequence).startswith("Begun from a trained network. 3 training steps, ")
    assert training_in_words(fresh, tiny_sequence).startswith("5 training steps, ")
    assert scale_in_words([begun], tiny_sequence).startswith("Fine-tuned on ")
    assert scale_in_words([begun, fresh, flat(0)], tiny_sequence).startswith("Fine-tuned in part on ")
    training = {"steps": 3, "batch": 1, "window": 8}
    for section, kind, how in ((Mel2Mel, "mel2mel", "Fine-tuned"), (OnePassVocoder, "one_pass_vocoder", "Trained")):
        settings = section.model_validate({"training": training})
        other = Network(begun.facts.model_copy(update={"kind": kind}), settings)
        assert training_in_all([other], tiny_sequence).startswith(f"{how} on ")
    for networks, warned in (([begun], False), ([fresh], True)):
        assert ("expect texture" in scale_in_words(networks, tiny_sequence)) == warned


def jukebox(kind: str, hop: int, upper: int | None = None, name: str = "codes") -> Network:
    """A network of a row of Jukebox that learnt codes, or of a level's hop, the waveform."""
    training = {"steps": 3, "batch": 1, "window": 256 if kind == "vqvae" else 64}
    section = VQVAE if kind == "vqvae" else Transformer
    settings = section.model_validate({"training": training, **({"hop": hop} if kind == "vqvae" else {"context": 64})})
    learnt = AUDIO.model_copy(update={"name": name, "hop": 1 if kind == "vqvae" else hop, "classes": 1024})
    inputs = [learnt]
    if upper:
        inputs.append(learnt.model_copy(update={"stream": "upper", "hop": upper, "name": "above"}))
    facts = ModelFacts(kind=kind, settings=settings.model_dump(mode="json"), inputs=tuple(inputs), steps=3)
    return Network(facts, settings)


def test_networks_of_jukebox_are_in_the_order_in_which_music_is_drawn(
    tiny_sequence: PackedSequence, tmp_path: Path
) -> None:
    networks = {
        "upsampler": jukebox("upsampler", 32, 256),
        "fine": jukebox("vqvae", 32),
        "prior": jukebox("transformer", 256),
        "coarse": jukebox("vqvae", 256),
    }
    for name, network in networks.items():
        write_model(tmp_path / name, ModelFile(network.facts, {}))
    stack = read_stack([tmp_path / name for name in networks], tiny_sequence)
    assert [network.facts.kind for network in stack] == ["transformer", "upsampler", "vqvae"]
    assert stack_in_words(stack, 16000) == [
        "A transformer draws codes: 62.5 a second, each one of 1,024. It sees the last 64 of them: "
        "1.0\N{NO-BREAK SPACE}s of music.",
        "A transformer draws codes given one of above for every 8: 500 a second, each one of 1,024. It sees the last "
        "64 of them: 128 ms of music.",
        "A VQ-VAE turns each code into 32 audio samples in one pass.",
    ]
    # without an upsampler the prior's own level is decoded
    stack = read_stack([tmp_path / name for name in ("prior", "fine", "coarse")], tiny_sequence)
    assert [network.settings.model_dump().get("hop") for network in stack] == [None, 256]
    with pytest.raises(ModelFileError, match="0 VQ-VAEs given whose codes"):
        read_stack([tmp_path / name for name in ("prior", "fine")], tiny_sequence)
