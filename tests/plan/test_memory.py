"""Closed forms of sizes against the built networks, and what follows from them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import input_of
from torch._subclasses.fake_tensor import FakeTensorMode

from descant.config.decoders import WaveNetDecoder
from descant.config.loading import load, merge, parse
from descant.config.mel2mel import Mel2Mel
from descant.config.part_models import RMVAE, AutoregressiveParts
from descant.config.reading import read_yaml
from descant.config.transformers import Transformer
from descant.config.vocoders import MelWaveNet, OnePassVocoder
from descant.config.vqvaes import VQVAE
from descant.layers import wavenet
from descant.plan.memory import KEPT_OF_BFLOAT16, kept_states, members, need_of, training_megabytes
from descant.plan.part_size import autoregressive_size, rmvae_size
from descant.plan.parts import Training
from descant.plan.plan import Plan, make_plan
from descant.plan.size import (
    FLOAT_BYTES,
    mel2mel_size,
    mel_wavenet_size,
    one_pass_size,
    transformer_size,
    vqvae_size,
    wavenet_decoder_size,
)
from descant.systems.base import Batch, System
from descant.systems.mel2mel import Mel2MelSystem
from descant.systems.mel_wavenet import MelWaveNetSystem
from descant.systems.one_pass_vocoder import OnePassVocoderSystem
from descant.systems.registry import KINDS
from descant.systems.transformer import build_transformer
from descant.systems.vqvae import VQVAESystem
from descant.systems.wavenet_decoder import WaveNetDecoderSystem
from descant.training.noise import torch_generator

ROOT = Path(__file__).parents[2]
PLANS = {
    name: make_plan(load(ROOT / "config.yaml", *([ROOT / "config" / name] if name else [])))
    for name in ("", "paper.yaml", "test/tiny.yaml")
}
LEARNT_CODEBOOK = {"adas": {"vqvae8": {"bottleneck": {"codebook_update": "loss"}, "encoder": {"blocks_per_stage": 2}}}}
PREDICTING = {"wavenets": {"very_large": {"linear_prediction": {}}, "local": {"linear_prediction": {}}}}
PREDICTING |= {"models": {"vqvae_pbt": None, "vqvae_amae": None}}
PLANS["prediction"] = make_plan(parse(merge(read_yaml(ROOT / "config.yaml"), PREDICTING)))
PLANS["learnt codebook"] = make_plan(parse(merge(read_yaml(ROOT / "config.yaml"), LEARNT_CODEBOOK)))
TRAININGS = [
    pytest.param(plan, training, id=f"{name or 'default'}-{training.name}")
    for name, plan in PLANS.items()
    for training in plan.trained
]
TINY = PLANS["test/tiny.yaml"]


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrow convolutions keep less on a CPU: their input once, with its padding, and not once a tap."""
    monkeypatch.setattr(wavenet, "WIDE", 0)


def build(plan: Plan, training: Training) -> System:
    """Its network, with fresh weights."""
    read = {stream: plan.sequences[name] for stream, name in training.inputs.items()}
    inputs = {stream: input_of(stream, name=of.name, classes=of.classes) for stream, of in read.items()}
    return KINDS[training.kind].build(training.settings, inputs)


def bytes_kept(system: System, batch: Batch) -> int:
    """Bytes that autograd keeps of one batch."""
    kept = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        system(batch, torch_generator("kept"))
    return sum(storage.nbytes() for storage in kept.values())


def window(length: int) -> Batch:
    """A window of audio or codes, and of what linear predictors say of it."""
    steps = torch.zeros(1, length, dtype=torch.int64)
    return {"steps": steps, "predicted": torch.zeros(1, length, 2), "past": steps}


@pytest.mark.parametrize(("plan", "training"), TRAININGS)
def test_sizes_are_those_of_the_built_networks(plan: Plan, training: Training) -> None:
    # nothing is allocated and nothing computed
    with FakeTensorMode():
        system = build(plan, training).eval()
        slope = (bytes_kept(system, window(8192)) - bytes_kept(system, window(4096))) / 4096
    assert training.size.parameters == sum(parameter.numel() for parameter in system.parameters())
    assert training.size.kept * FLOAT_BYTES == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize(("plan", "training"), TRAININGS)
def test_mixed_precision_keeps_about_half(plan: Plan, training: Training) -> None:
    with FakeTensorMode():
        system = build(plan, training).eval()
        with torch.autocast("cpu", torch.bfloat16):
            slope = (bytes_kept(system, window(8192)) - bytes_kept(system, window(4096))) / 4096
    if training.size.kept > 1000:
        assert slope / (training.size.kept * FLOAT_BYTES) == pytest.approx(KEPT_OF_BFLOAT16, rel=0.12)


@pytest.mark.parametrize(("plan", "training"), TRAININGS)
def test_narrow_convolutions_keep_no_more_on_a_cpu(
    plan: Plan, training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeTensorMode():
        system, batch = build(plan, training).eval(), window(training.settings.training.window)
        side_by_side = bytes_kept(system, batch)
        monkeypatch.undo()
        assert bytes_kept(system, batch) <= side_by_side


def test_needs_are_of_the_precision() -> None:
    training = TINY.trainings["vqvae8.amae8"]
    settings = training.settings.model_copy(
        update={"training": training.settings.training.model_copy(update={"precision": "bf16-mixed"})}
    )
    full, mixed = need_of(training, 8), need_of(replace(training, settings=settings), 8)
    assert mixed.activations == pytest.approx(KEPT_OF_BFLOAT16 * full.activations, rel=1e-4)
    assert mixed.state == full.state


def test_needs_grow_with_the_audio_seen() -> None:
    training = TINY.trainings["vqvae8.amae8"]
    settings, need = training.settings.training, need_of(training, 8)
    assert need.audio_seen == settings.steps * settings.batch * settings.accumulate * settings.window * 8
    weights = FLOAT_BYTES * training.size.parameters
    assert need.state in (4 * weights, 5 * weights) and need.memory > need.state and need.disk > weights


def test_a_population_costs_its_members_and_keeps_the_states_that_are_gone_on_from() -> None:
    (training,) = [training for training in TINY.trained if training.population]
    plain = replace(training, settings=training.settings.model_copy(update={"population": None}))
    assert (members(training), members(plain)) == (2, 1)
    # the first generation's 2 states, and 2 checkpoints of each member of the second
    assert (kept_states(training), kept_states(plain)) == (6, 2)
    assert need_of(training, 1).memory == need_of(plain, 1).memory


def test_memory_is_asked_for_by_what_a_step_keeps() -> None:
    small, large = (plan.trainings["thin-on-audio"] for plan in (PLANS[""], PLANS["paper.yaml"]))
    for training in (small, large):
        assert training_megabytes(training, 0) > 3000 + 1.4 * need_of(training, 1).memory / 1e6
    # the paper's windows fill a GPU's memory, and not the machine's
    assert training_megabytes(large, 1) < 10_000 < 20_000 < training_megabytes(large, 0)
    assert training_megabytes(large, 4) == 4 * training_megabytes(large, 1)


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"layers": 3, "embedding": 10},
        {"direction": "forward"},
        {"direction": "forward", "layers": 2, "film": "first"},
        {"inputs": "onsets", "kernel": 5},
        {"film": "first", "kernel": 3},
        {"film": "second", "relu": True},
    ],
)
@pytest.mark.parametrize("width", [16, 48])
def test_sizes_of_mel2mels_are_those_of_the_built_ones(over: dict[str, Any], width: int) -> None:
    settings = Mel2Mel.model_validate({"training": {"steps": 1, "batch": 1, "window": 2}, "width": width, **over})
    size = mel2mel_size(settings, 176, 80, 7)
    system = Mel2MelSystem(settings, 80, 88, 7)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())

    def kept(length: int) -> int:
        frames = {"mel": torch.zeros(1, length, 80), "roll": torch.zeros(1, length, 176)}
        return bytes_kept(system, {**frames, "instrument": torch.ones(1, dtype=torch.int64)})

    assert size.kept * FLOAT_BYTES == pytest.approx((kept(256) - kept(128)) / 128, rel=0.05)


@pytest.mark.parametrize(
    "over",
    [
        {"layers": 1},
        {"layers": 2, "timing": False},
        {"layers": 6, "width": 64},
        {"mlp": 4.0, "attention": 1.0, "heads": 4},
        {"layers": 4, "conditioner": {"channels": 48, "blocks": 1}},
    ],
)
@pytest.mark.parametrize("upper", [0, 30])
def test_sizes_of_transformers_are_those_of_the_built_ones(over: dict[str, Any], upper: int) -> None:
    raw = {"training": {"steps": 1, "batch": 1, "window": 2}, "context": 512, "blocks": 16, **over}
    settings, ratio = Transformer.model_validate(raw), 8
    size = transformer_size(settings, 50, upper, ratio)
    inputs = {"steps": input_of(classes=50)}
    if upper:
        inputs["upper"] = input_of("upper", classes=upper, hop=ratio)
    system = build_transformer(settings, inputs)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())

    def kept(length: int) -> int:
        conditions = {"position": torch.zeros(1, dtype=torch.int64), "track_length": torch.full((1,), length)}
        codes = {"steps": torch.zeros(1, length, dtype=torch.int64)}
        codes["upper"] = torch.zeros(1, length // ratio, dtype=torch.int64)
        return bytes_kept(system, {**conditions, **codes} if upper else {**conditions, "steps": codes["steps"]})

    assert size.kept * FLOAT_BYTES == pytest.approx((kept(512) - kept(256)) / 256, rel=0.02)


ONE_STEP = {"steps": 1, "batch": 1, "window": 128}
PARTS_OF_FOUR = {"parts": input_of("parts", classes=130, channels=4)}


def kept_a_step(system: System, stream: str, steps: Any) -> float:
    def kept(frames: int) -> int:
        return bytes_kept(
            system,
            {"mel": torch.zeros(1, frames, 80), "roll": torch.zeros(1, frames, 176), stream: steps(1, 128 * frames)},
        )

    return (kept(256) - kept(128)) / (128 * 128)


@pytest.mark.parametrize("head", ["oscillators", "istft"])
@pytest.mark.parametrize(("channels", "blocks", "rows"), [(64, 2, 0), (192, 4, 176)])
def test_sizes_of_vocoders_of_one_pass_are_about_those_of_the_built_ones(
    head: str, channels: int, blocks: int, rows: int
) -> None:
    over = {"head": head, "channels": channels, "blocks": blocks}
    settings = OnePassVocoder.model_validate({"training": ONE_STEP, **over})
    form = 80, 128, 16000, rows
    size, system = one_pass_size(settings, *form), OnePassVocoderSystem(settings, *form)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())
    assert size.kept * FLOAT_BYTES == pytest.approx(kept_a_step(system, "waveform", torch.randn), rel=0.25)


@pytest.mark.parametrize(
    "over",
    [
        {"hop": 32},
        {"hop": 2, "channels": 16, "depth": 1, "codebook": {"classes": 64, "dimension": 8}},
        {"hop": 64, "codebook": {"classes": 64, "quantisers": 4}, "loss": {"spectrum": "log_mel", "peaks": 0.02}},
        {"hop": 8, "loss": {"spectral": 0}},
    ],
)
def test_sizes_of_vqvaes_are_about_those_of_the_built_ones(over: dict[str, Any]) -> None:
    settings = VQVAE.model_validate({"training": ONE_STEP, **over})
    size, system = vqvae_size(settings), VQVAESystem(settings, 16000)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())
    kept = [bytes_kept(system, {"waveform": torch.randn(1, length)}) for length in (4096, 8192)]
    assert size.kept * FLOAT_BYTES == pytest.approx((kept[1] - kept[0]) / 4096, rel=0.01)


@pytest.mark.parametrize("strides", [(8, 16), (4,), (2, 8)])
@pytest.mark.parametrize("prediction", [None, {"perturb": None}])
def test_sizes_of_wavenet_vocoders_are_those_of_the_built_ones(strides: tuple[int, ...], prediction: Any) -> None:
    shape = {"stacks": 1, "layers_per_stack": 3, "residual_channels": 16, "gate_channels": 32, "skip_channels": 24}
    local = {"local_model": {**shape, "linear_prediction": prediction}, "upsampling": {"strides": strides}}
    settings = MelWaveNet.model_validate({"training": ONE_STEP, **local})
    size, system = mel_wavenet_size(settings, 256, 80, 128), MelWaveNetSystem(settings, 256, 80, 128)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())
    if prediction is None:
        steps = kept_a_step(system, "steps", lambda *form: torch.zeros(form, dtype=torch.int64))
        assert size.kept * FLOAT_BYTES == pytest.approx(steps, rel=0.05)


@pytest.mark.parametrize("hop", [8, 64])
@pytest.mark.parametrize("prediction", [None, {"perturb": None}])
def test_sizes_of_wavenet_decoders_are_those_of_the_built_ones(hop: int, prediction: Any) -> None:
    shape = {"stacks": 1, "layers_per_stack": 3, "residual_channels": 16, "gate_channels": 32, "skip_channels": 24}
    local = {"local_model": {**shape, "linear_prediction": prediction}, "modulator": {"channels": 48, "blocks": 2}}
    settings = WaveNetDecoder.model_validate({"training": ONE_STEP, **local})
    size, system = wavenet_decoder_size(settings, 256, 32, hop), WaveNetDecoderSystem(settings, 256, 32, hop)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())

    def kept(length: int) -> int:
        return bytes_kept(system, window(length) | {"upper": torch.zeros(1, length // hop, dtype=torch.int64)})

    if prediction is None:
        assert size.kept * FLOAT_BYTES == pytest.approx((kept(4096) - kept(2048)) / 2048, rel=0.02)


def kept_a_sixteenth(system: System, channels: int = 4) -> float:
    def kept(measures: int) -> int:
        return bytes_kept(system, {"parts": torch.zeros(1, 16 * measures, channels, dtype=torch.int64)})

    return (kept(6) - kept(4)) / 32


@pytest.mark.parametrize(
    "over", [{}, {"latent": 64}, {"width": 48, "context": 16, "dropout": 0.0}, {"layers": 2, "latent": 5}]
)
def test_sizes_of_autoregressive_parts_are_about_those_of_the_built_ones(over: dict[str, Any]) -> None:
    settings = AutoregressiveParts.model_validate({"training": ONE_STEP, **over})
    size, system = autoregressive_size(settings, 4, 130), KINDS[settings.kind].build(settings, PARTS_OF_FOUR)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())
    assert size.kept * FLOAT_BYTES == pytest.approx(kept_a_sixteenth(system), rel=0.15)


@pytest.mark.parametrize("over", [{}, {"subsets": 0, "latent": 16}, {"version": "convolutional"}])
def test_sizes_of_rmvaes_are_about_those_of_the_built_ones(over: dict[str, Any]) -> None:
    settings = RMVAE.model_validate({"training": ONE_STEP, **over})
    size, system = rmvae_size(settings, 4, 130), KINDS[settings.kind].build(settings, PARTS_OF_FOUR)
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())
    assert size.kept * FLOAT_BYTES == pytest.approx(kept_a_sixteenth(system), rel=0.15)


@pytest.mark.parametrize("version", ["recurrent", "convolutional"])
def test_sizes_of_polyphonic_rmvaes_are_about_those_of_the_built_ones(version: str) -> None:
    settings = RMVAE.model_validate({"training": ONE_STEP, "version": version})
    size = rmvae_size(settings, 2, 256)
    system = KINDS[settings.kind].build(settings, {"parts": input_of("parts", classes=256, channels=256)})
    assert size.parameters == sum(parameter.numel() for parameter in system.parameters())
    assert size.kept * FLOAT_BYTES == pytest.approx(kept_a_sixteenth(system, 256), rel=0.15)


@pytest.mark.parametrize("version", ["recurrent", "convolutional"])
@pytest.mark.parametrize("size", ["medium", "large"])
def test_parameters_of_larger_rmvaes_are_those_of_the_built_ones(version: str, size: str) -> None:
    settings = RMVAE.model_validate({"training": ONE_STEP, "version": version, "size": size})
    with FakeTensorMode():
        system = KINDS[settings.kind].build(settings, PARTS_OF_FOUR)
    assert rmvae_size(settings, 4, 130).parameters == sum(parameter.numel() for parameter in system.parameters())
