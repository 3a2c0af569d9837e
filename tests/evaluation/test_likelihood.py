"""Likelihoods: windows score a track as one pass over the whole of it does."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import input_of
from small_transformers import settings_of
from torch import nn

from descant.config.networks import ADA, WaveNetShape
from descant.evaluation.likelihood import (
    ada_bits,
    asked_of,
    codes_by_track,
    prior_bits,
    score_split,
    transformer_bits,
)
from descant.layers.bits import bits_per_step
from descant.modelfacts import LabelFacts
from descant.sequences import Labels, PackedSequence, Track
from descant.systems.ada import ADASystem
from descant.systems.transformer import Above, Asked, TransformerSystem
from descant.systems.wavenet import WaveNetSystem

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def prior(tiny_shape: Callable[..., WaveNetShape], lively: Callable[[nn.Module], nn.Module]) -> WaveNetSystem:
    torch.manual_seed(0)
    system = WaveNetSystem(tiny_shape(), 16).eval()
    lively(system)
    return system


@pytest.fixture(scope="module")
def ada(tiny_ada: Callable[..., ADA], lively: Callable[[nn.Module], nn.Module]) -> ADASystem:
    torch.manual_seed(1)
    system = ADASystem(tiny_ada(hop=4), 16).eval()
    lively(system)
    return system


@settings(max_examples=20)
@given(length=st.integers(1, 150), window=st.integers(1, 170), seed=st.integers(0, 2**31))
def test_a_prior_scores_in_windows_as_in_one_pass(prior: WaveNetSystem, length: int, window: int, seed: int) -> None:
    steps = np.random.default_rng(seed).integers(0, 16, length).astype(np.uint8)
    with torch.no_grad():
        whole = float(prior.bits(torch.from_numpy(steps.astype(np.int64))[None]).double().sum())
    assert prior_bits(prior, steps, window, CPU) == pytest.approx(whole, rel=1e-5)


@settings(max_examples=20)
@given(length=st.integers(1, 160), window=st.integers(1, 170), seed=st.integers(0, 2**31))
def test_an_ada_scores_in_windows_as_in_one_pass(ada: ADASystem, length: int, window: int, seed: int) -> None:
    """Of any length: what fills the last hop, here zeros, changes no step before it and is not counted."""
    random = np.random.default_rng(seed)
    steps = random.integers(0, 16, length).astype(np.uint8)
    codes = random.integers(0, 8, -(-length // 4)).astype(np.uint8)
    full = np.concatenate([steps, np.zeros(-length % 4, np.uint8)])
    with torch.no_grad():
        quantised = ada.bottleneck.embed(torch.from_numpy(codes.astype(np.int64))[None])
        bits = ada.bits_given(torch.from_numpy(full.astype(np.int64))[None], quantised)
        whole = float(bits[0, :length].double().sum())
    assert ada_bits(ada, steps, codes, window, CPU) == pytest.approx(whole, rel=1e-5)


def test_too_short_a_context_would_be_noticed(prior: WaveNetSystem) -> None:
    # were windows scored without what comes before them, the figure would be another
    steps = np.random.default_rng(0).integers(0, 16, 120).astype(np.uint8)
    alone = sum(prior_bits(prior, steps[start : start + 10], 10, CPU) for start in range(0, 120, 10))
    assert alone != pytest.approx(prior_bits(prior, steps, 10, CPU), rel=1e-3)


def test_other_codes_give_other_bits(ada: ADASystem) -> None:
    random = np.random.default_rng(0)
    steps = random.integers(0, 16, 80).astype(np.uint8)
    codes = random.integers(0, 8, 20).astype(np.uint8)
    assert ada_bits(ada, steps, codes, 16, CPU) != pytest.approx(ada_bits(ada, steps, 7 - codes, 16, CPU), rel=1e-3)


@pytest.mark.parametrize("window", [1, 7, 1000])
def test_a_uniform_model_scores_eight_bits_a_step(tiny_shape: Callable[..., WaveNetShape], window: int) -> None:
    system = WaveNetSystem(tiny_shape(), 256).eval()
    with torch.no_grad():
        system.wavenet.logits.weight.zero_()
        system.wavenet.logits.bias.fill_(0.7)
    steps = np.random.default_rng(0).integers(0, 256, 70).astype(np.uint8)
    assert prior_bits(system, steps, window, CPU) == pytest.approx(8 * 70, rel=1e-6)


@settings(max_examples=20)
@given(length=st.integers(1, 90), window=st.integers(1, 100))
def test_a_uniform_ada_scores_every_sample_once_whatever_its_hop(
    tiny_ada: Callable[..., ADA], length: int, window: int
) -> None:
    system = ADASystem(tiny_ada(hop=8), 256).eval()
    with torch.no_grad():
        system.local_model.logits.weight.zero_()
        system.local_model.logits.bias.fill_(0.7)
    steps = np.random.default_rng(0).integers(0, 256, length).astype(np.uint8)
    codes = np.zeros(-(-length // 8), np.uint8)
    assert ada_bits(system, steps, codes, window, CPU) == pytest.approx(8 * length, rel=1e-6)


@pytest.fixture(scope="module")
def coded(sequence_of: Callable[..., PackedSequence], tmp_path_factory: pytest.TempPathFactory) -> PackedSequence:
    """A sequence of three test tracks, each step of which stands for four samples."""
    sequence = sequence_of(tmp_path_factory.mktemp("coded"), {"train": (50,), "test": (40, 9, 25)})
    return replace(sequence, hop=4)


@pytest.mark.parametrize(
    ("limit", "lengths"), [(None, [40, 9, 25]), (80, [20, 9, 20]), (77, [20, 9, 20]), (999, [40, 9, 25])]
)
def test_a_split_is_scored_up_to_the_limit_in_samples(
    coded: PackedSequence, limit: int | None, lengths: list[int]
) -> None:
    seen: dict[str, np.ndarray] = {}

    def count(steps: np.ndarray, track: str) -> float:
        seen[track] = np.array(steps)
        return 2.0 * len(steps)

    table = score_split(coded, "test", limit, count)
    tracks = coded.tracks("test")
    assert table["track"].tolist() == [track.track for track in tracks] == list(seen)
    assert table["steps"].tolist() == lengths
    assert table["samples"].tolist() == [4 * length for length in lengths]
    assert table["bits"].tolist() == [2.0 * length for length in lengths]
    for track, length in zip(tracks, lengths, strict=True):
        np.testing.assert_array_equal(seen[track.track], coded.steps(track)[:length])


def test_a_split_without_tracks_gives_an_empty_table_of_the_same_columns(coded: PackedSequence) -> None:
    table = score_split(coded, "validation", None, lambda steps, track: 0.0)
    assert table.empty and table.columns.tolist() == ["track", "steps", "samples", "bits"]


def test_codes_are_found_by_their_track(coded: PackedSequence) -> None:
    by_track = codes_by_track(coded)
    assert by_track.keys() == set(coded.index["track"])
    for track in coded.tracks():
        np.testing.assert_array_equal(by_track[track.track], coded.steps(track))


@settings(max_examples=10)
@given(length=st.integers(1, 150), window=st.integers(1, 170))
def test_a_predictor_sees_the_whole_track_whatever_the_windows(
    tiny_shape: Callable[..., WaveNetShape], lively: Callable[[nn.Module], nn.Module], length: int, window: int
) -> None:
    torch.manual_seed(0)
    prediction = {"order": 16, "window": 64, "every": 10}
    prior = WaveNetSystem(tiny_shape(linear_prediction=prediction), 256).eval()
    lively(prior)
    # quiet, so that what is far away is still in the scale
    steps = np.random.default_rng(length).integers(110, 146, length).astype(np.uint8)
    with torch.no_grad():
        whole = float(prior.bits(torch.from_numpy(steps.astype(np.int64))[None]).double().sum())
    assert prior_bits(prior, steps, window, CPU) == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("above", [None, Above(7, 4)])
@pytest.mark.parametrize("length", [1, 31, 70])
def test_a_transformer_scores_what_it_learns(above: Above | None, length: int) -> None:
    torch.manual_seed(2)
    system = TransformerSystem(settings_of(labels=["artist"]), 11, 50.0, above, {"artist": 2}).eval()
    torch.nn.init.normal_(system.transformer.logits.weight)
    steps = np.random.default_rng(length).integers(0, 11, length)
    codes = None if above is None else np.random.default_rng(1).integers(0, 7, -(-length // 4))
    asked = Asked(length, {"artist": torch.tensor([1])})
    found = transformer_bits(system, steps, codes, asked, CPU)
    batch = {"steps": steps, "artist": np.array(1), "position": np.array(0), "track_length": np.array(length)}
    if codes is not None:
        # a whole number of codes, of which the last is not scored in full: what fills it comes after all else
        batch |= {"steps": np.pad(steps, (0, -length % 4)), "upper": codes}
    tensors = {name: torch.from_numpy(np.asarray(value, dtype=np.int64))[None] for name, value in batch.items()}
    with torch.no_grad():
        upper, labels = tensors.get("upper"), {"artist": tensors["artist"]}
        logits = system.transformer(tensors["steps"], system._conditions(tensors, upper, labels))
        expected = bits_per_step(logits, tensors["steps"])[0, :length].sum()
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_fresh_transformers_have_the_bits_of_uniform_draws() -> None:
    system = TransformerSystem(settings_of(), 2048, 50.0, None, {}).eval()
    steps = np.arange(100)
    assert transformer_bits(system, steps, None, Asked(100), CPU) == pytest.approx(100 * 11.0)


def test_a_track_is_told_its_labels_and_an_unknown_one() -> None:
    facts = LabelFacts(names=("Bach", "Mozart"), digest="")
    learnt = input_of(labels={"artist": facts})
    for artist, number in (("Bach", 1), ("Mozart", 2), ("Satie", 0), ("", 0)):
        asked = asked_of(learnt, Track("a", 0, 99, "test", Labels(artist=artist)))
        assert asked.length == 99 and int(asked.labels["artist"]) == number
