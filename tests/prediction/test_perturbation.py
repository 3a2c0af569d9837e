"""Perturbed pasts: how much, how loud, and the same whenever they are made."""

import numpy as np
import pytest

from descant.audio import mulaw
from descant.config.networks import Perturbation
from descant.prediction.perturbation import perturb_track

TONE = mulaw.encode(0.2 * np.sin(np.arange(400_000) / 5))


def perturbed(settings: Perturbation, seed: int = 1, track: str = "a") -> np.ndarray:
    return np.concatenate([*perturb_track(TONE, settings, seed, track)])


def test_shares_of_the_stretches_are_noisy_hidden_or_as_they_were() -> None:
    settings = Perturbation(noisy=0.3, hidden=0.2, stretch=500)
    stretches = perturbed(settings).reshape(-1, 500)
    hidden = (stretches == 128).all(axis=1)
    same = (stretches == TONE.reshape(-1, 500)).all(axis=1)
    # 800 stretches: five standard deviations are 0.08
    assert hidden.mean() == pytest.approx(0.2, abs=0.08)
    assert same.mean() == pytest.approx(0.5, abs=0.09)


@pytest.mark.parametrize("level", [-20.0, 0.0])
def test_noise_has_its_level_by_the_music(level: float) -> None:
    settings = Perturbation(noisy=1, least_level=level, most_level=level)
    added = mulaw.SAMPLES[perturbed(settings)].astype(float) - mulaw.SAMPLES[TONE]
    measured = 10 * np.log10(np.mean(added**2) / np.mean(mulaw.SAMPLES[TONE].astype(float) ** 2))
    assert measured == pytest.approx(level, abs=0.5)


def test_it_follows_from_seed_and_track_alone() -> None:
    settings = Perturbation()
    np.testing.assert_array_equal(perturbed(settings), perturbed(settings))
    assert (perturbed(settings) != perturbed(settings, seed=2)).any()
    assert (perturbed(settings) != perturbed(settings, track="b")).any()


def test_what_is_neither_noisy_nor_hidden_stays() -> None:
    np.testing.assert_array_equal(perturbed(Perturbation(noisy=0)), TONE)
