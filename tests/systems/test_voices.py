"""Models of music in voices begin windows on measures, and refuse what is no music in voices."""

from pathlib import Path

import pytest
from chorales import pack_chorales
from small_models import input_of

from descant.config.part_models import RMVAE, AutoregressiveParts
from descant.errors import SequenceError
from descant.systems.registry import KINDS
from descant.training.windows import Windows

TRAINING = {"steps": 1, "batch": 1, "window": 32}
SECTIONS = [RMVAE.model_validate({"training": TRAINING}), AutoregressiveParts.model_validate({"training": TRAINING})]


@pytest.mark.parametrize("settings", SECTIONS, ids=lambda settings: settings.kind)
@pytest.mark.parametrize(("channels", "classes"), [(0, 256), (4, 2), (0, 0)])
def test_another_sequence_is_refused(settings: RMVAE | AutoregressiveParts, channels: int, classes: int) -> None:
    with pytest.raises(SequenceError, match="no music in voices"):
        KINDS[settings.kind].build(settings, {"parts": input_of("parts", channels=channels, classes=classes)})


@pytest.mark.parametrize("settings", SECTIONS, ids=lambda settings: settings.kind)
def test_windows_begin_on_measures(settings: RMVAE | AutoregressiveParts, tmp_path: Path) -> None:
    system = KINDS[settings.kind].system
    windows = Windows({"parts": pack_chorales(tmp_path)}, "train", 32, 1, system.align)
    batch, (_, positions) = windows.batch(0, 0, 50)["parts"], windows.drawn(0, 0, 50)
    assert batch.shape == (50, 32, 4) and set(positions % 16) == {0} and set(positions // 16) == set(range(7))
