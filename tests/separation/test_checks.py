import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.files import Block
from descant.separation.checks import Measures, Meter, verdict
from descant.separation.separator import RATE, Separated

SOUND = Measures(100, 0.5, -9.0, -90.0, -9.0, 11000.0, True)


def tone(pitch: float, seconds: float = 1.0) -> Block:
    """A tone that swells and fades, so that it has no edges."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.5 * np.hanning(len(time)) * np.sin(2 * np.pi * pitch * time)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def measured(mix: Block, stems: dict[str, Block], cuts: tuple[int, ...] = (), bandwidth: float = 11025) -> Measures:
    meter = Meter(next(iter(stems)), bandwidth)
    for part in np.split(np.arange(len(mix)), cuts):
        meter.add(Separated(mix[part], {name: stem[part] for name, stem in stems.items()}))
    return meter.measures()


def test_levels_are_those_of_the_energies() -> None:
    accompaniment, vocals = tone(300), 0.1 * tone(1000)
    found = measured(accompaniment + vocals, {"accompaniment": accompaniment, "vocals": vocals})
    energy = np.square(vocals).sum() / np.square(accompaniment + vocals).sum()
    assert found.vocal_level_db == pytest.approx(10 * np.log10(energy), abs=0.05)
    assert found.removed_db == pytest.approx(found.vocal_level_db, abs=0.01)
    assert found.residual_db < -120
    assert found.peak == np.abs(accompaniment).max() and found.frames == len(vocals) and found.is_finite


@given(st.lists(st.integers(0, 44099), max_size=3))
def test_they_do_not_depend_on_the_blocks(cuts: list[int]) -> None:
    mix, vocals = tone(300) + 0.2 * tone(2000), 0.2 * tone(2000)
    stems = {"accompaniment": mix - vocals, "vocals": vocals}
    whole, parts = (dataclasses.astuple(measured(mix, stems, at)) for at in ((), tuple(sorted(cuts))))
    assert parts == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("pitch", [500, 5000, 15000])
def test_bandwidth_is_where_the_stem_ends(pitch: float) -> None:
    assert measured(tone(pitch), {"vocals": tone(pitch)}).bandwidth_hz == pytest.approx(pitch, abs=600)
    assert measured(tone(pitch), {"vocals": 0 * tone(pitch)}).bandwidth_hz == 0


def test_what_lies_above_the_network_is_not_missed() -> None:
    low, high = tone(1000), tone(16000)
    assert measured(low + high, {"accompaniment": low, "vocals": 0 * low}).residual_db < -80
    assert measured(low + high, {"accompaniment": low, "vocals": 0 * low}, bandwidth=22050).residual_db > -6


def test_one_stem_alone_has_no_residual() -> None:
    found = measured(tone(300), {"accompaniment": tone(300)})
    assert found.residual_db is None and found.vocal_level_db is None


def test_measured_stems_are_judged() -> None:
    mix, vocals = tone(300) + 0.3 * tone(900), 0.3 * tone(900)
    other = tone(5000)

    def judged(stems: dict[str, Block], has_all_stems: bool = True) -> tuple[str, str]:
        return verdict(measured(mix, stems), len(mix), has_all_stems)

    assert judged({"accompaniment": mix - vocals, "vocals": vocals}) == ("", "")
    assert "do not add up" in judged({"accompaniment": mix - vocals, "vocals": 0.5 * vocals})[0]
    assert judged({"accompaniment": mix - vocals, "vocals": 0.5 * vocals}, False) == ("", "")
    assert "is the mix" in judged({"accompaniment": mix, "vocals": 0 * vocals})[0]
    copy = np.rint(mix * 32767).astype(np.float32) / 32767
    assert "is the mix" in judged({"accompaniment": copy}, False)[0]
    assert "silent" in judged({"vocals": 1e-5 * vocals, "accompaniment": mix})[0]
    assert "NaN" in judged({"accompaniment": mix * np.nan, "vocals": vocals})[0]
    assert "resembles the mix little" in judged({"accompaniment": other}, False)[1]
    assert "resembles the mix little" in judged({"accompaniment": -mix}, False)[1]


@pytest.mark.parametrize(
    ("change", "failure", "remark"),
    [
        ({}, "", ""),
        ({"frames": 99}, "99 frames of 100", ""),
        ({"removed_db": -88.0}, "", "as good as the mix"),
        ({"removed_db": -130.0}, "is the mix", ""),
        ({"residual_db": None}, "do not add up", ""),
        ({"residual_db": -39.0}, "do not add up", ""),
    ],
)
def test_figures_are_judged(change: dict[str, object], failure: str, remark: str) -> None:
    found = verdict(dataclasses.replace(SOUND, **change), 100, True)
    assert [bool(text) for text in found] == [bool(failure), bool(remark)]
    assert failure in found[0] and remark in found[1]
