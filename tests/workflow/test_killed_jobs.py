"""A few of the kills of ``make storm``."""

from pathlib import Path

import pytest
from killed_jobs import SAVE_EVERY, kill_again_and_again, pack_noise, training

pytestmark = pytest.mark.slow


def test_a_training_survives_sigkill(tmp_path: Path) -> None:
    pack_noise(tmp_path / "noise")
    whole = training(tmp_path / "trained", tmp_path / "noise", 90).finish()
    storm = kill_again_and_again(training(tmp_path / "killed", tmp_path / "noise", 90), whole, kills=3, seed=3)
    assert storm.kills == 3 and storm.resumed and storm.lost <= SAVE_EVERY
    assert storm.differences == []
