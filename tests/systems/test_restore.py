"""From a model file back to the same model, or a plain word why not."""

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import model_file
from torch import Tensor

from descant.config.networks import ADA, Prior, WaveNetShape
from descant.config.training import Training
from descant.errors import ModelFileError
from descant.modelfile import read_model, write_model
from descant.systems.ada import ADASystem
from descant.systems.base import STEPS, System
from descant.systems.restore import load_weights, restore
from descant.systems.wavenet import WaveNetSystem


@pytest.mark.parametrize(
    "bottleneck",
    [{"kind": "vq", "classes": 8}, {"kind": "vq", "classes": 8, "codebook_update": "loss"}, {"kind": "argmax"}],
)
def test_an_ada_comes_back_from_its_file(
    tiny_ada: Callable[..., ADA], tmp_path: Path, bottleneck: dict[str, Any]
) -> None:
    settings = tiny_ada(bottleneck)
    system = ADASystem(settings, 16).eval()
    write_model(tmp_path / "ada", model_file("ada", settings.model_dump(mode="json"), system.state_dict()))
    restored = restore(read_model(tmp_path / "ada"), ADASystem)
    assert not restored.training
    steps = torch.randint(16, (2, 32))
    with torch.no_grad():
        assert torch.equal(restored.encode(steps), system.encode(steps))
        ours, theirs = (one.validate({STEPS: steps}, torch.Generator().manual_seed(1)) for one in (restored, system))
    assert {name: float(value) for name, value in ours.items()} == {n: float(v) for n, v in theirs.items()}


def test_a_wavenet_comes_back_from_its_file(
    tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training], tmp_path: Path
) -> None:
    shape = tiny_shape(input="scalar")
    settings = Prior(wavenet=shape, training=tiny_training()).model_dump(mode="json")
    system = WaveNetSystem(shape, 16)
    write_model(tmp_path / "prior", model_file("wavenet", settings, system.state_dict()))
    steps = torch.randint(16, (2, 32))
    with torch.no_grad():
        assert torch.equal(restore(read_model(tmp_path / "prior"), WaveNetSystem).bits(steps), system.bits(steps))


def weights_that_fit(system: System) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in system.state_dict().items()}


def test_what_does_not_fit_is_reported_by_name_and_shape(tiny_shape: Callable[..., WaveNetShape]) -> None:
    system = WaveNetSystem(tiny_shape(), 16)
    before = weights_that_fit(system)
    weights = {name: tensor + 1 for name, tensor in before.items()}
    weights["wavenet.logits.bias"] = torch.zeros(7)
    weights["wavenet.extra"] = torch.zeros(1)
    del weights["wavenet.head.weight"]
    with pytest.raises(ModelFileError) as shown:
        load_weights(system, weights)
    assert "wavenet.logits.bias is (7,) but the settings make it (16,)" in shown.value.problem
    assert "unknown wavenet.extra" in shown.value.problem
    assert "missing wavenet.head.weight" in shown.value.problem
    assert "wavenet.skip" not in shown.value.problem, "what fits is not complained of"
    after = system.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before), "a refused load must change nothing"


def test_settings_of_another_shape_than_the_weights_are_refused(
    tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]
) -> None:
    system = WaveNetSystem(tiny_shape(), 16)
    wider = Prior(wavenet=tiny_shape(skip_channels=9), training=tiny_training()).model_dump(mode="json")
    with pytest.raises(ModelFileError, match=r"wavenet\.head\.weight is \(6, 6\) but the settings make it \(9, 9\)"):
        restore(model_file("wavenet", wider, system.state_dict()), WaveNetSystem)


def test_the_wrong_kind_is_refused_and_a_class_above_several_takes_any(
    tiny_ada: Callable[..., ADA], tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]
) -> None:
    ada = model_file("ada", tiny_ada().model_dump(mode="json"), ADASystem(tiny_ada(), 16).state_dict())
    prior = Prior(wavenet=tiny_shape(), training=tiny_training()).model_dump(mode="json")
    wavenet = model_file("wavenet", prior, WaveNetSystem(tiny_shape(), 16).state_dict())
    with pytest.raises(ModelFileError, match="of kind ada, wavenet is needed"):
        restore(ada, WaveNetSystem)
    with pytest.raises(ModelFileError, match="of kind wavenet, ada is needed"):
        restore(wavenet, ADASystem)
    assert [type(restore(model, System)) for model in (ada, wavenet)] == [ADASystem, WaveNetSystem]


def test_a_kind_or_a_setting_that_is_not_known_is_refused(tiny_ada: Callable[..., ADA]) -> None:
    weights = ADASystem(tiny_ada(), 16).state_dict()
    with pytest.raises(ModelFileError, match=r"of kind later, ada or .* is needed"):
        restore(model_file("later", {}, weights), System)
    with pytest.raises(ModelFileError, match="settings are not valid: hop"):
        restore(model_file("ada", {**tiny_ada().model_dump(mode="json"), "hop": "x"}, weights), ADASystem)
    with pytest.raises(ModelFileError, match="names no steps"):
        restore(model_file("ada", tiny_ada().model_dump(mode="json"), weights, stream="mel"), ADASystem)


def test_of_many_that_do_not_fit_the_first_are_named(tiny_ada: Callable[..., ADA]) -> None:
    system = ADASystem(tiny_ada(), 16)
    with pytest.raises(ModelFileError) as shown:
        load_weights(system, {})
    lines = shown.value.problem.splitlines()
    assert len(lines) == 12 and lines[-1].strip() == f"and {len(system.state_dict()) - 10} more"


HUGE = {"stacks": 64, "layers_per_stack": 24, "residual_channels": 16384, "gate_channels": 32768, "kernel": 9}


@pytest.mark.parametrize("kind", ["wavenet", "ada", "rmvae", "autoregressive_parts"])
def test_nothing_is_allocated_for_settings_that_the_weights_do_not_fit(
    tiny_shape: Callable[..., WaveNetShape],
    tiny_training: Callable[..., Training],
    tiny_ada: Callable[..., ADA],
    kind: str,
) -> None:
    ada = tiny_ada({"kind": "vq", "classes": 8})
    settings: dict[str, Any] = {
        "wavenet": Prior(wavenet=tiny_shape(), training=tiny_training()).model_dump(mode="json"),
        "ada": ada.model_dump(mode="json"),
        "rmvae": {"size": "large", "training": {"steps": 1, "batch": 1, "window": 64}},
        "autoregressive_parts": {"width": 4096, "training": {"steps": 1, "batch": 1, "window": 64}},
    }[kind]
    settings |= {
        "wavenet": {"wavenet": {**settings.get("wavenet", {}), **HUGE}},
        "ada": {"local_model": {**settings.get("local_model", {}), **HUGE}},
    }.get(kind, {})
    system = ADASystem(ada, 16) if kind == "ada" else WaveNetSystem(tiny_shape(), 16)
    sequence = {"stream": "parts", "channels": 4, "classes": 130} if kind in ("rmvae", "autoregressive_parts") else {}
    # 24 TB of weights; what a process may take is bounded, so that a machine survives a failure of this test
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (64 << 30, before[1]))
    try:
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(ModelFileError, match="far more weights than the file holds"):
            restore(model_file(kind, settings, system.state_dict(), **sequence), System)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 256 << 10
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_weights_of_another_type_do_not_fit(tiny_shape: Callable[..., WaveNetShape]) -> None:
    system = WaveNetSystem(tiny_shape(), 16)
    weights = {name: tensor.double() for name, tensor in system.state_dict().items()}
    with pytest.raises(ModelFileError, match="of float64"):
        load_weights(system, weights)
