"""Histograms of pieces in parts and how far they are apart, and pieces that networks draw."""

import numpy as np
import pytest
import torch
from chorales import chorale as drawn_chorale
from grids import any_grids, chorale
from hypothesis import assume, given
from hypothesis import strategies as st

from descant.config.evaluation import PartsTable
from descant.config.part_models import RMVAE, AutoregressiveParts, RecurrentShape
from descant.evaluation.parts_drawings import (
    DURATION,
    HARMONIC,
    MELODIC,
    PITCH,
    all_drawings,
    begun_at,
    distances,
    features,
    goes_on_from,
    pooled,
    to_be_heard,
)
from descant.sampling.rmvae import go_on
from descant.scores.parts import CLASSES, HELD, Grid, ranges, sounding, transposed
from descant.scores.voice_leading import count_voice_leading
from descant.systems.autoregressive_parts import AutoregressivePartsSystem
from descant.systems.rmvae import RMVAESystem

TRAINING = {"steps": 1, "batch": 1, "window": 64}


@pytest.fixture(scope="module")
def system() -> AutoregressivePartsSystem:
    torch.manual_seed(0)
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": TRAINING})
    return AutoregressivePartsSystem(section, 4, CLASSES).eval()


def test_features_by_hand() -> None:
    grid = np.array([[60, 50], [HELD, 52], [64, HELD], [129, 40]], np.uint8)
    found = {key: [values.tolist() for values in of_voice] for key, of_voice in features(grid).items()}
    assert found == {
        PITCH: [[60, 64], [50, 52, 40]],
        DURATION: [[2, 1], [1, 2, 1]],
        MELODIC: [[4], [2, -12]],
        # at the last sixteenth the upper voice rests
        HARMONIC: [[10, 8, 12]],
    }


@given(st.integers(-12, 12))
def test_a_key_away_only_pitches_are_another_way_apart(semitones: int) -> None:
    far = distances(features(transposed(chorale(), semitones)), features(chorale()))
    assert far[PITCH] == pytest.approx([abs(semitones)] * 4)
    assert [far[key] for key in (DURATION, MELODIC, HARMONIC)] == [[0.0] * 4, [0.0] * 4, [0.0] * 3]


@given(any_grids(), any_grids())
def test_distances_are_symmetric_and_none_where_there_is_nothing(one: Grid, other: Grid) -> None:
    there, back = distances(features(one), features(other)), distances(features(other), features(one))
    for key, values in there.items():
        for value, mirrored, seen, known in zip(
            values, back[key], features(one)[key], features(other)[key], strict=True
        ):
            assert value == pytest.approx(mirrored) and (value is None) == (not len(seen) or not len(known))


@given(any_grids(most=30), st.integers(0, 29))
def test_a_grid_from_a_step_on_sounds_as_before(grid: Grid, step: int) -> None:
    assume(step < len(grid))
    assert np.array_equal(sounding(begun_at(grid, step)), sounding(grid)[step:])


def test_pooled_is_the_notes_of_all() -> None:
    one = features(chorale())
    both = pooled([chorale(), chorale()])
    assert all(np.array_equal(both[key][0], np.tile(one[key][0], 2)) for key in one) and pooled([]) == {}


def test_pieces_are_drawn_with_the_rules_and_without(system: AutoregressivePartsSystem) -> None:
    settings, music = PartsTable(pieces=2, measures=2), [drawn_chorale(3, seed) for seed in range(3)]
    real, drawn, masked = all_drawings(system, music, music, settings, 1)
    assert [one.material for one in (real, drawn, masked)] == ["test pieces", "drawn", "drawn by the rules"]
    assert (real.pieces, real.measures, drawn.pieces, drawn.measures) == (3, 9, 2, 4)
    assert set(real.distances[PITCH]) == {0.0}
    assert (masked.rates.fifths_per_piece, masked.rates.octaves_per_piece, masked.rates.range_percent) == (0, 0, 0)
    assert drawn.rates.range_percent


def test_what_is_heard_keeps_the_rules(system: AutoregressivePartsSystem) -> None:
    music = [drawn_chorale(3, seed) for seed in range(3)]
    (grid,) = to_be_heard(system, music, music, PartsTable(pieces=1, measures=2), 1)
    counted = count_voice_leading(grid, ranges(music))
    assert len(grid) == 32
    assert (counted.out_of_range, counted.parallel_fifths, counted.parallel_octaves) == (0, 0, 0) < (counted.notes,)


def test_an_rmvae_goes_on_from_real_music(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("descant.layers.rmvae.RECURRENT", {"small": RecurrentShape((6, 5), (4, 1), (8,), (8, 1))})
    torch.manual_seed(0)
    built = RMVAESystem(RMVAE.model_validate({"training": TRAINING, "offset": 2}), 4, CLASSES).eval()
    grids = [drawn_chorale(measures, 1) for measures in (1, 3, 10)]
    found = goes_on_from(built, grids, 2)
    assert [len(grid) for grid in found] == [32, 32, 32]
    heard = to_be_heard(built, grids, grids, PartsTable(pieces=2, measures=2), 1)
    assert len(heard) == 2 and all(map(np.array_equal, heard, found))
    # of the last one eight measures are read
    whole = go_on(built, torch.from_numpy(grids[2][:128].astype(np.int64))[None], 2)[0].numpy().astype(np.uint8)
    assert np.array_equal(sounding(found[2]), sounding(whole)[-32:])
