"""Agreement of raters against a textbook's example and against the analysis of variance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.listening.reliability import agreement, variance_components

# Shrout & Fleiss (1979), table 2: four judges rate six targets
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_intraclass_correlations_of_shrout_and_fleiss() -> None:
    targets, raters = np.indices(SHROUT_FLEISS.shape)
    found = agreement(SHROUT_FLEISS.ravel(), raters.ravel(), targets.ravel())
    assert found.single == pytest.approx(0.29, abs=0.005)
    assert found.average == pytest.approx(0.62, abs=0.005)
    assert found.raters_per_clip == 4
    others = (SHROUT_FLEISS.sum(1) - SHROUT_FLEISS[:, 0]) / 3
    assert found.leave_one_out[0] == pytest.approx(np.corrcoef(SHROUT_FLEISS[:, 0], others)[0, 1])


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 999))
def test_for_complete_data_components_are_those_of_the_analysis_of_variance(
    raters: int, targets: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(3, 1, (targets, raters))
    target, rater = np.indices(values.shape)
    grand = values.mean()
    rows, columns = values.mean(1) - grand, values.mean(0) - grand
    of_targets = raters * (rows**2).sum() / (targets - 1)
    of_raters = targets * (columns**2).sum() / (raters - 1)
    rest = ((values - grand - rows[:, None] - columns) ** 2).sum() / ((targets - 1) * (raters - 1))
    found = variance_components(values.ravel(), rater.ravel(), target.ravel())
    assert found is not None
    assert found.residual == pytest.approx(rest)
    assert found.target == pytest.approx((of_targets - rest) / raters)
    assert found.rater == pytest.approx((of_raters - rest) / targets)


def test_components_are_unbiased_when_each_rater_hears_a_part() -> None:
    random, found = np.random.default_rng(0), []
    places = np.arange(30 * 6)
    raters, targets = places // 6, places * 7 % 20
    for _ in range(300):
        values = random.normal(0, 0.5, 30)[raters] + random.normal(0, 0.4, 20)[targets]
        components = variance_components(values + random.normal(0, 0.8, len(places)), raters, targets)
        assert components is not None
        found.append((components.rater, components.target, components.residual))
    assert np.mean(found, axis=0) == pytest.approx([0.25, 0.16, 0.64], abs=0.02)


def test_what_is_not_defined_is_absent() -> None:
    alone = agreement(np.array([1.0, 2.0, 3.0]), np.array([0, 0, 0]), np.array([0, 1, 2]))
    assert (alone.single, alone.average, alone.components, alone.leave_one_out) == (None, None, None, {0: None})
    constant = agreement(np.full(9, 3.0), np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3))
    assert constant.single is None and set(constant.leave_one_out.values()) == {None}
