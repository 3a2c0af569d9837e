"""Transformers as systems: bits, what they are given, and that what is given is learnt from."""

import math

import pytest
import torch
from small_models import input_of
from small_transformers import settings_of, system_of
from torch import Tensor

from descant.config.transformers import Transformer
from descant.errors import ModelFileError
from descant.modelfacts import LabelFacts
from descant.systems.registry import KINDS
from descant.systems.transformer import UNKNOWN, Asked, TransformerSystem, build_transformer
from descant.training.noise import torch_generator
from descant.training.optimizer import build_optimizer

CLASSES = 11


def batch_of(system: TransformerSystem, time: int = 32, **over: Tensor) -> dict[str, Tensor]:
    numbers = torch.Generator().manual_seed(1)
    batch = {"steps": torch.randint(CLASSES, (3, time), generator=numbers)}
    if system.above:
        shape = (3, time // system.above.ratio)
        batch["upper"] = torch.randint(system.above.classes, shape, generator=numbers)
    batch |= {"position": torch.tensor([0, 8, 64]), "track_length": torch.tensor([96, 40, 1000])}
    return {**batch, **{label: torch.tensor([1, 0, 1]) for label in system.labels}, **over}


@pytest.mark.parametrize("upper", [0, 7])
def test_fresh_weights_cost_what_a_uniform_draw_costs(upper: int) -> None:
    inputs = {"steps": input_of(classes=2048)}
    if upper:
        inputs["upper"] = input_of("upper", classes=upper, hop=4)
    system = build_transformer(settings_of(), inputs)
    result = system(batch_of(system), torch_generator("fresh"))
    assert float(result.metrics["bits"]) == pytest.approx(11.0, abs=1e-5)
    assert float(result.loss.detach()) == pytest.approx(11 * math.log(2), abs=1e-4)
    figures = system.validate(batch_of(system), torch_generator("fresh"))
    assert next(iter(figures)) == system.headline and ("gap" in figures) == bool(upper)


def test_the_registry_builds_priors_and_upsamplers_of_one_section() -> None:
    section = settings_of(labels=["artist", "genre"])
    known = {label: LabelFacts(names=("a", "b"), digest="") for label in section.labels}
    inputs = {"steps": input_of(labels=known), "upper": input_of("upper", hop=4)}
    for kind in ("transformer", "upsampler"):
        held = KINDS[kind]
        assert held.labels(section) == ("artist", "genre")
        system = held.build(section, {name: inputs[name] for name in held.streams(section)})
        assert isinstance(system, TransformerSystem) and len(system.labels["artist"].weight) == 3
        # timing is given at the top only
        assert system.places == (system.timing is not None) == (kind == "transformer")


@pytest.mark.parametrize("hop", [1, 6])
def test_a_level_above_that_does_not_fit_is_refused(hop: int) -> None:
    with pytest.raises(ModelFileError, match="no multiple"):
        build_transformer(settings_of(), {"steps": input_of(hop=4), "upper": input_of("upper", hop=hop)})


@pytest.mark.parametrize("stretch", [(0, 12), (0, 5), (3, 7), (8, 12)])
def test_what_is_told_of_a_stretch_is_that_of_the_whole(stretch: tuple[int, int]) -> None:
    upsampler = system_of(upper=7, ratio=4, labels={"artist": 3})
    given = torch.randint(7, (2, 12), generator=torch.Generator().manual_seed(2))
    asked = Asked(48, {"artist": torch.tensor([2, 1])})
    start, stop = stretch
    whole, part = (upsampler.conditions(given, *ends, asked) for ends in ((0, 12), stretch))
    assert whole is not None and part is not None and part.shape == (2, (stop - start) * 4, 16)
    torch.testing.assert_close(part, whole[:, start * 4 : stop * 4])
    prior = system_of(labels={"artist": 3})
    whole, part = (prior.conditions(None, *ends, Asked(12)) for ends in ((0, 12), stretch))
    assert whole is not None and part is not None
    torch.testing.assert_close(part, whole[:, start:stop])


def test_training_tells_the_places_that_drawing_tells() -> None:
    prior = system_of()
    batch = batch_of(prior, steps=torch.zeros(1, 32, dtype=torch.int64))
    batch |= {"position": torch.tensor([8]), "track_length": torch.tensor([40])}
    bits = prior.validate(batch, torch_generator("x"))["bits"]
    logits = prior.transformer(batch["steps"], prior.conditions(None, 8, 40, Asked(40)))
    expected = torch.nn.functional.cross_entropy(logits[0], batch["steps"][0]) / math.log(2)
    torch.testing.assert_close(bits, expected)


def test_a_share_of_windows_is_not_told_its_labels() -> None:
    """With all labels dropped the loss is that of unknown ones; without, that of the true ones."""
    for dropout, label in ((0.999999, UNKNOWN), (0.0, None)):
        system = system_of(labels={"artist": 2}, label_dropout=dropout).train()
        batch = batch_of(system)
        conditions = batch if label is None else {**batch, "artist": torch.full((3,), label)}
        loss = system(batch, torch_generator("drop")).metrics["bits"]
        torch.testing.assert_close(loss, system.validate(conditions, torch_generator("drop"))["bits"])
    other = system.validate({**batch, "artist": torch.full((3,), UNKNOWN)}, torch_generator("drop"))["bits"]
    assert not torch.isclose(other, loss)


def test_weight_decay_acts_on_matrices_alone() -> None:
    system = system_of(upper=7, labels={"artist": 2})
    training = settings_of().training.model_copy(update={"weight_decay": 0.01})
    optimizer = build_optimizer(system, training)
    decayed = {
        id(parameter) for group in optimizer.param_groups if group["weight_decay"] for parameter in group["params"]
    }
    names = {name for name, parameter in system.named_parameters() if id(parameter) in decayed}
    assert "transformer.layers.0.attention.project.weight" in names and "transformer.logits.weight" in names
    assert not any("bias" in name or "embedding" in name or "norm" in name or "labels" in name for name in names)


def learnt(system: TransformerSystem, batch: dict[str, Tensor], steps: int) -> float:
    optimizer = torch.optim.AdamW(system.parameters(), lr=1e-2)
    for step in range(steps):
        optimizer.zero_grad()
        result = system.train()(batch, torch_generator("learn", step))
        result.loss.backward()
        optimizer.step()
    return float(result.metrics["bits"])


def test_an_upsampler_learns_from_the_level_above_and_a_prior_from_its_labels() -> None:
    codes = torch.randint(CLASSES, (16, 8), generator=torch.Generator().manual_seed(3))
    steps = codes.repeat_interleave(4, dim=1)
    upsampler = system_of(upper=CLASSES, ratio=4)
    assert learnt(upsampler, {"steps": steps, "upper": codes}, 60) < 0.5
    figures = upsampler.eval().validate({"steps": steps, "upper": codes}, torch_generator("v"))
    assert float(figures["gap"].detach()) > 2
    # each artist repeats one note of its own
    artists = torch.arange(16) % 4 + 1
    prior = system_of(labels={"artist": 4}, label_dropout=0.0, timing=False)
    assert learnt(prior, {"steps": artists[:, None].expand(-1, 32), "artist": artists}, 40) < 0.1


@pytest.mark.parametrize(
    ("over", "match"),
    [
        ({"blocks": 5}, "does not divide"),
        ({"heads": 5}, "cannot share"),
        ({"training": {"steps": 1, "batch": 1, "window": 64}}, "longer than context"),
        ({"labels": ["genre", "genre"]}, "twice"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_a_cure(over: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        settings_of(**over)


def test_a_setting_s_defaults_fit_each_other() -> None:
    settings = Transformer.model_validate({"training": {"steps": 1, "batch": 1, "window": 2048}})
    assert settings.block == 64 and settings.attention_width == 64
