"""Trainings of transformers: what they are called, what they read, how long their windows are."""

from pathlib import Path

from descant.config.loading import merge, parse
from descant.config.reading import read_yaml
from descant.plan.parts import Sequence
from descant.plan.transformer import prior_trainings, upsampler_training
from descant.systems.registry import KINDS

ROOT = Path(__file__).parents[2]
TRAINING = {"steps": 100, "batch": 1, "window": 64, "weight_decay": 0.01}
TRANSFORMER = {"context": 64, "blocks": 4, "training": TRAINING}
TOP, BOTTOM = Sequence("top", 256, 512, 1), Sequence("bottom", 32, 1024, 1)


def test_a_prior_and_an_upsampler_may_be_of_one_section() -> None:
    config = parse(merge(read_yaml(ROOT / "config.yaml"), {"transformers": {"small": TRANSFORMER}}))
    (prior,), upsampler = prior_trainings(config, "small", TOP), upsampler_training(config, "small", BOTTOM, TOP)
    assert (prior.name, upsampler.name) == ("small-on-top", "small-on-bottom-given-top")
    for training in (prior, upsampler):
        assert tuple(training.inputs) == KINDS[training.kind].streams(training.settings)
        assert training.settings.training.weight_decay == 0.01 and training.size.parameters > 0
    assert dict(upsampler.inputs) == {"steps": "bottom", "upper": "top"}
    assert upsampler.size.parameters > prior.size.parameters
