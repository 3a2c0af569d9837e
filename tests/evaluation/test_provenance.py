"""What a model file says of itself, in words."""

from typing import Any

import pytest

from descant.config.mel2mel import Mel2Mel
from descant.config.networks import Prior
from descant.config.vocoders import OnePassVocoder
from descant.evaluation.provenance import Network, scale_in_words, stack_in_words, training_in_all, training_in_words
from descant.modelfacts import Input, ModelFacts
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
