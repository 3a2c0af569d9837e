"""Tracks that are shorter than a window are counted before anything is trained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import ROOT

from descant.config.loading import load
from descant.errors import CorpusError
from descant.plan.plan import make_plan
from descant.plan.windows import Window, check_windows, usable_in_words, windows

CONFIG = load(ROOT / "config.yaml")
ASKED = windows(CONFIG, make_plan(CONFIG))
RATE = CONFIG.audio.sample_rate


def window(name: str) -> Window:
    return next(each for each in ASKED if each.training == name)


def test_every_training_of_the_rows_has_one() -> None:
    assert [each.training for each in ASKED] == [training.name for training in make_plan(CONFIG).trained]
    upper = window("vqvae8.amae8")
    assert (upper.rows, upper.key, upper.steps, upper.hop) == (
        ("vqvae_amae",),
        "adas.amae8.training.window",
        CONFIG.adas["amae8"].training.window,
        8,
    )
    assert window("vqvae8").rows == ("hop8", "vqvae_pbt", "vqvae_amae")
    assert window("codes-on-vqvae64").key == "priors.codes.training.window"


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 512))
def test_a_track_fits_where_its_codes_fill_the_window(samples: int, steps: int, hop: int) -> None:
    codes = -(-samples // hop)
    assert Window("x", (), "x", steps, hop).fits(samples) == (codes >= steps)


def test_windows_that_no_track_fills_are_refused_with_row_key_and_cure() -> None:
    second = [RATE] * 5
    with pytest.raises(CorpusError) as shown:
        check_windows(ASKED, {"train": second, "validation": second, "test": []}, RATE)
    lines = shown.value.problem.splitlines()
    assert any("priors.codes.training.window is 1,024 steps, 4.1 s" in line and "(row hop64)" in line for line in lines)
    assert all("1.0 s" in line for line in lines[1:])
    assert not any("priors.large" in line for line in lines), "a window of 1,024 samples fits"
    assert "rows" in shown.value.cure
    check_windows(ASKED, {"train": [10 * RATE], "validation": [10 * RATE], "test": []}, RATE)
    with pytest.raises(CorpusError, match=r"longest track for validation has 0\.0 s"):
        check_windows(ASKED, {"train": [10 * RATE], "validation": [], "test": []}, RATE)


def test_what_each_training_can_use_is_counted() -> None:
    tracks = {"train": [10 * RATE] * 3 + [RATE] * 3, "validation": [], "test": []}
    shown = list(usable_in_words(ASKED, tracks, RATE))
    (line,) = [line for line in shown if line.startswith("codes-on-vqvae64 ")]
    assert "3 of 6 tracks, 0.5 of 0.6 min" in line and "priors.codes.training.window, 4.1 s" in line
    assert not [line for line in shown if line.startswith("large-on-audio ")]
    assert not list(usable_in_words(ASKED, {"train": [100 * RATE]}, RATE))


def test_windows_of_scores_are_in_quarter_notes() -> None:
    asked = [Window("small-on-parts", ("bach",), "part_models.small.training.window", 128, 1)]
    with pytest.raises(CorpusError) as shown:
        check_windows(asked, {"train": [112, 128], "validation": [112]}, 4, "quarter")
    assert "is 128 steps, 32.0 quarter notes, but the longest track for validation has 28.0 q" in shown.value.problem
    assert "longer scores" in shown.value.cure
    check_windows(asked, {"train": [128], "validation": [128]}, 4, "quarter")
