"""Estimates against what torch itself allocates and counts."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from descant.config.root import load
from descant.evaluation.estimate import activation_bytes, all_work, count_parameters, need_of
from descant.training.noise import torch_generator

ROOT = Path(__file__).parents[2]
CONFIG = load(ROOT / "config.yaml", ROOT / "config" / "test" / "tiny.yaml")


def test_every_training_of_the_table_is_there_once() -> None:
    names = [work.name for work in all_work(CONFIG)]
    assert len(names) == len(set(names)) == 11


@pytest.mark.parametrize("work", all_work(CONFIG), ids=lambda work: work.name)
def test_parameters_are_those_of_the_built_network(work) -> None:  # type: ignore[no-untyped-def]
    assert count_parameters(work) == sum(parameter.numel() for parameter in work.build().parameters())


@pytest.mark.parametrize("work", all_work(CONFIG)[:5], ids=lambda work: work.name)
def test_activations_are_what_autograd_keeps_of_a_whole_batch(work) -> None:  # type: ignore[no-untyped-def]
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    system = work.build().eval()
    weights = {parameter.untyped_storage().data_ptr() for parameter in system.parameters()}
    windows = torch.zeros(work.training.batch, work.training.window, dtype=torch.int64)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = system(windows, torch_generator("x"))
    activations = sum(size for pointer, size in kept.items() if pointer not in weights)
    assert result.loss.isfinite()
    assert activation_bytes(work) == pytest.approx(activations, rel=0.1)


def test_needs_grow_with_the_audio_seen() -> None:
    work = all_work(CONFIG)[0]
    need = need_of(work, 16000)
    assert need.audio_seen == work.training.steps * work.training.batch * work.training.window / 16000
    assert need.memory > 4 * need.parameters and need.disk > 4 * need.parameters


def test_a_population_costs_its_members_and_keeps_the_states_that_are_gone_on_from() -> None:
    (work,) = [work for work in all_work(CONFIG) if work.population]
    assert (work.name, work.members) == ("ada/vqvae8.vqvae8_pbt", 2)
    plain = replace(work, population=None)
    state = need_of(plain, 16000).disk - 4 * count_parameters(work)
    # the first generation's 2 states, and 2 checkpoints of each member of the second
    assert state * 6 == (need_of(work, 16000).disk - 4 * count_parameters(work)) * plain.states
    assert need_of(work, 16000).memory == need_of(plain, 16000).memory
