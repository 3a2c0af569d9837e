"""Levels drawn by transformers: every window, slide, prime, kill and label gives what full passes would."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_models import input_of
from small_transformers import settings_of, system_of
from torch import Tensor

from descant.commands.draw import draw as draw_command
from descant.config.transformers import check_slides, slide_steps
from descant.errors import ConfigError, SamplingError
from descant.modelfacts import LabelFacts, ModelFacts
from descant.modelfile import ModelFile, write_model
from descant.runs.interruption import Interrupted
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.files import read_steps
from descant.sampling.generate import sequences, uniforms
from descant.sampling.levels import LevelSettings
from descant.sampling.slides import window_starts
from descant.sampling.transformer_levels import Conditions, draw_transformer, label_ids
from descant.steps import write_steps
from descant.systems.transformer import Asked, TransformerSystem

RATIO, BATCH, CONTEXT = 4, 2, 32
SETTINGS = LevelSettings(3, DrawSettings(0.9, 0.95), EngineSettings("numba"), save_every_seconds=0)


def upper_of(steps: int) -> Tensor:
    return torch.randint(7, (BATCH, -(-steps // RATIO)), generator=torch.Generator().manual_seed(2))


@torch.inference_mode()
def by_full_passes(
    system: TransformerSystem,
    upper: Tensor | None,
    steps: int,
    starts: tuple[int, ...],
    prime: Tensor | None = None,
    guidance: float = 1.0,
    labels: dict[str, Tensor] | None = None,
) -> Tensor:
    """The same draw with nothing kept: each step by a full pass over its window."""
    numbers = uniforms(SETTINGS.seed, sequences(BATCH), 0, steps)
    drawn = torch.zeros(BATCH, 0, dtype=torch.int64) if prime is None else prime
    entries = -(-steps // system.hop)
    conditions, unlabelled = (system.conditions(upper, 0, entries, Asked(steps, asked)) for asked in (labels or {}, {}))
    while (done := drawn.shape[1]) < steps:
        # the first window that it lies in
        start = next(start for start in starts if done < start + CONTEXT or start == starts[-1])
        seen = torch.cat([drawn[:, start:], torch.zeros(BATCH, 1, dtype=torch.int64)], dim=1)
        logits, without = (
            system.network(seen, None if each is None else each[:, start : done + 1])[:, -1]
            for each in (conditions, unlabelled)
        )
        logits = without + guidance * (logits - without)
        drawn = torch.cat([drawn, draw(logits, numbers[:, done], 0.9, 0.95)[:, None]], dim=1)
    return drawn


@pytest.mark.parametrize("primed", [0, 8, 40])
@pytest.mark.parametrize("slide", [None, 0.125, 0.5, 1.0])
@pytest.mark.parametrize("upsampler", [False, True])
def test_every_window_and_prime_equals_full_passes(
    upsampler: bool, slide: float | None, primed: int, tmp_path: Path
) -> None:
    steps = 3 * CONTEXT + 12
    system = system_of(upper=7, ratio=RATIO) if upsampler else system_of()
    upper = upper_of(steps) if upsampler else None
    prime = torch.randint(11, (BATCH, primed), generator=torch.Generator().manual_seed(5)) if primed else None
    drawn = draw_transformer(system, upper, BATCH, steps, SETTINGS, tmp_path, Conditions(slide=slide), prime)
    # a cache that rolls on sees all that came before, as its strided layers do in one pass
    starts = (0,) if slide is None else window_starts(steps, CONTEXT, round(slide * CONTEXT))
    assert np.array_equal(drawn, by_full_passes(system, upper, steps, starts, prime))
    assert slide is None or np.array_equal(
        drawn[:, :CONTEXT], by_full_passes(system, upper, steps, (0,), prime)[:, :CONTEXT]
    )


@pytest.mark.parametrize("slide", [None, 0.25])
def test_a_killed_level_goes_on_to_the_same_steps(slide: float | None, tmp_path: Path) -> None:
    steps, system = 90, system_of(upper=7, ratio=RATIO)
    conditions, kills = Conditions(slide=slide), 0
    prime = torch.randint(11, (BATCH, 16), generator=torch.Generator().manual_seed(6))
    asked = (system, upper_of(steps), BATCH, steps, SETTINGS)
    begun = (conditions, prime, (3, 1))
    whole = draw_transformer(*asked, tmp_path / "whole", *begun)
    while True:
        with (
            patch("descant.sampling.generate.workflow_is_gone", return_value=True),
            patch("descant.sampling.generate.BLOCK", 16),
        ):
            try:
                drawn = draw_transformer(*asked, tmp_path / "killed", *begun)
                break
            except Interrupted:
                kills += 1
    assert kills == 5 and np.array_equal(drawn, whole)


@pytest.mark.parametrize("guidance", [0.0, 1.0, 3.0])
def test_labels_are_followed_and_gone_beyond(guidance: float, tmp_path: Path) -> None:
    system = system_of(labels={"artist": 3})
    for number in (1, 3):
        drawn = draw_transformer(
            system, None, BATCH, 60, SETTINGS, tmp_path / str(number), Conditions({"artist": number}, guidance)
        )
        labels = {"artist": torch.tensor([number])}
        assert np.array_equal(drawn, by_full_passes(system, None, 60, (0,), guidance=guidance, labels=labels))


@pytest.mark.parametrize("slide", [None, 0.5])
def test_picked_candidates_go_on_as_if_drawn_in_one_go(slide: float | None, tmp_path: Path) -> None:
    """With timing, which is given the length of the whole from the first step on."""
    steps, short, picks = 90, 21, (3, 1)
    prior, conditions = system_of(), Conditions(slide=slide)
    asked = (prior, None, 4)
    whole = draw_transformer(*asked, steps, SETTINGS, tmp_path / "whole", conditions)
    begun = replace(conditions, length=steps)
    candidates = draw_transformer(*asked, short, SETTINGS, tmp_path / "candidates", begun)
    assert np.array_equal(candidates, whole[:, :short])
    alone = draw_transformer(*asked, short, SETTINGS, tmp_path / "alone", conditions)
    assert not np.array_equal(alone, candidates), "timing makes no difference here: the law above says little"
    prime = torch.from_numpy(candidates[list(picks)].astype(np.int64))
    gone_on = draw_transformer(prior, None, 2, steps, SETTINGS, tmp_path / "on", conditions, prime, picks)
    assert np.array_equal(gone_on, whole[list(picks)])
    # and so do the levels below
    upsampler, fine = system_of(upper=11, ratio=RATIO), RATIO * steps
    above = torch.from_numpy(whole.astype(np.int64))
    all_below = draw_transformer(upsampler, above, 4, fine, SETTINGS, tmp_path / "below", conditions)
    below = draw_transformer(
        upsampler, above[list(picks)], 2, fine, SETTINGS, tmp_path / "picked", conditions, None, picks
    )
    assert np.array_equal(below, all_below[list(picks)])


def test_guidance_without_labels_draws_as_without_it(tmp_path: Path) -> None:
    system = system_of()
    plain, guided = (
        draw_transformer(system, None, BATCH, 40, SETTINGS, tmp_path / name, conditions)
        for name, conditions in (("plain", Conditions()), ("guided", Conditions(guidance=4.0)))
    )
    assert np.array_equal(plain, guided)


def test_a_label_that_is_not_known_is_refused_with_the_nearest() -> None:
    known = {"artist": LabelFacts(names=("bach", "brahms"), digest="")}
    facts = ModelFacts(kind="transformer", settings={}, inputs=(input_of(labels=known),), steps=1)
    assert label_ids(facts, {"artist": "brahms", "genre": "jazz"}) == {"artist": 2}
    assert label_ids(facts, {}) == {}
    with pytest.raises(SamplingError, match="'bacch'; did you mean 'bach'"):
        label_ids(facts, {"artist": "bacch"})


@given(st.integers(1, 400), st.integers(1, 8), st.integers(1, 8))
def test_windows_cover_the_sequence_and_end_with_it(steps: int, ratio: int, slide: int) -> None:
    context = 8 * ratio
    starts = window_starts(steps, context, slide * ratio)
    assert starts[0] == 0 and starts[-1] == max(0, steps - context)
    assert all(0 < later - start <= context for start, later in pairwise(starts))
    if steps > context:
        assert len(starts) == 1 + -(-(steps - context) // (slide * ratio))
    # where the sequence ends with a code of the level above, every window begins with one
    if steps % ratio == 0:
        assert all(start % ratio == 0 for start in starts)


def test_counts_of_windows_are_those_that_were_computed_by_hand() -> None:
    """A minute at 16 kHz: hop 32, context 8192, half a window's slide: 7 windows, 27,344 steps seen again."""
    starts = window_starts(30_000, 8192, 4096)
    assert len(starts) == 7 and 7 * 8192 - 30_000 == 27_344


def test_a_slide_within_a_code_is_refused_with_one_that_is_not() -> None:
    """Jukebox's issue 236: a hop of 0.1 of 8192 starts at 819, within a code of 4."""
    with pytest.raises(ConfigError, match="move by 819") as refused:
        check_slides((0.1, 0.5), (8192, 8192, 8192), (8, 32, 128))
    assert "0.100098" in refused.value.cure and slide_steps(0.100098, 8192, 4) == 820
    assert slide_steps(0.125, 8192, 4) == 1024
    check_slides((0.5, 0.5, 0.1), (8192, 8192, 8192), (8, 32, 128))
    with pytest.raises(ConfigError, match="ends within a code"):
        check_slides((0.5,), (8190, 8190), (8, 32))


def test_the_command_draws_both_levels(tmp_path: Path) -> None:
    names = {"artist": LabelFacts(names=("bach",), digest="")}
    settings = settings_of(labels=["artist"])
    prior, upsampler = system_of(labels={"artist": 1}), system_of(upper=11, ratio=RATIO, labels={"artist": 1})
    for name, kind, system in (("prior", "transformer", prior), ("upsampler", "upsampler", upsampler)):
        # a second of 100 steps, as the small systems count
        steps = input_of(classes=11, sample_rate=100, labels=names)
        given = (input_of("upper", classes=11, hop=RATIO, sample_rate=100),) if kind == "upsampler" else ()
        facts = ModelFacts(kind=kind, settings=settings.model_dump(mode="json"), inputs=(steps, *given), steps=1)
        write_model(tmp_path / f"{name}.safetensors", ModelFile(facts, system.state_dict()))
    sampling = json.dumps({"count": BATCH, "labels": {"artist": "bach"}, "guidance": 2.0, "slides": [0.5]})
    top, bottom, runs = tmp_path / "top.npy", tmp_path / "bottom.npy", tmp_path / "runs"
    draw_command(sampling, tmp_path / "prior.safetensors", 20, top, level=1, runs=runs)
    draw_command(sampling, tmp_path / "upsampler.safetensors", 78, bottom, given=top, runs=runs)
    assert read_steps(top, 11).shape == (BATCH, 20) and read_steps(bottom, 11).shape == (BATCH, 78)
    # candidates 2 and 0 go on, and are upsampled alone
    few, branched = json.dumps({"count": 3}), tmp_path / "candidates.npy"
    draw_command(few, tmp_path / "prior.safetensors", 8, branched, level=1, runs=runs, whole=20)
    picked, all_three = tmp_path / "picked.npy", tmp_path / "all.npy"
    draw_command(few, tmp_path / "prior.safetensors", 12, picked, prime=branched, level=1, runs=runs, pick=[2, 0])
    draw_command(few, tmp_path / "prior.safetensors", 20, all_three, level=1, runs=runs)
    assert torch.equal(read_steps(picked, 11), read_steps(all_three, 11)[[2, 0]])
    assert torch.equal(read_steps(picked, 11)[:, :8], read_steps(branched, 11)[[2, 0]])
    with pytest.raises(SamplingError, match="none of the number 3"):
        draw_command(few, tmp_path / "prior.safetensors", 12, picked, prime=branched, runs=runs, pick=[3])
    with pytest.raises(SamplingError, match="draws given codes"):
        draw_command(sampling, tmp_path / "upsampler.safetensors", 78, bottom, runs=runs)
    write_steps(top, np.zeros((BATCH, 5), np.uint8))
    with pytest.raises(SamplingError, match="too few"):
        draw_command(sampling, tmp_path / "upsampler.safetensors", 78, bottom, given=top, runs=runs)
