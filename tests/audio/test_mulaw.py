import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from descant.audio import mulaw

ALL = np.arange(256, dtype=np.uint8)


def bounds(code: int) -> tuple[float, float]:
    """The interval of one class by hand: (2c - 1)/255 - 1 companded, put through ((1 + mu)^|y| - 1)/mu."""

    def expand(companded: Fraction) -> float:
        magnitude = (256.0 ** float(abs(companded)) - 1) / 255
        return math.copysign(magnitude, companded)

    low = Fraction(2 * code - 1, 255) - 1
    return expand(max(low, Fraction(-1))), expand(min(low + Fraction(2, 255), Fraction(1)))


def test_inverse_on_every_class() -> None:
    np.testing.assert_array_equal(mulaw.encode(mulaw.decode(ALL)), ALL)


def test_hand_worked_values() -> None:
    # 256^(1/2) = 16 and 256^(1/4) = 4, so y = 1/2 stands for 15/255 and y = 1/4 for 3/255, exactly
    for companded, audio in ((Fraction(1, 2), 15 / 255), (Fraction(1, 4), 3 / 255), (Fraction(3, 4), 63 / 255)):
        expected = math.floor((companded + 1) / 2 * 255 + Fraction(1, 2))
        assert mulaw.encode(np.array([audio * (1 + 1e-9)]))[0] == expected
        negative = math.floor((1 - companded) / 2 * 255 + Fraction(1, 2))
        assert mulaw.encode(np.array([-audio * (1 + 1e-9)]))[0] in (negative, negative - 1)
    assert list(mulaw.encode(np.array([-1.0, 0.0, 1.0]))) == [0, 128, 255]
    # the last class but one is y = 253/255
    assert mulaw.decode(np.array([254], dtype=np.uint8))[0] == pytest.approx((256 ** (253 / 255) - 1) / 255, rel=1e-6)


@pytest.mark.parametrize("code", range(256))
def test_each_class_covers_its_interval(code: int) -> None:
    low, high = bounds(code)
    inside = np.linspace(low, high, 9)[1:-1]
    assert set(mulaw.encode(inside)) == {code}


def test_odd_symmetry_and_monotone() -> None:
    audio = mulaw.decode(ALL)
    np.testing.assert_allclose(audio, -audio[::-1], atol=1e-7)
    assert (np.diff(audio) > 0).all()


def test_agrees_with_the_formula_in_numpy() -> None:
    audio = np.random.default_rng(0).uniform(-1, 1, 10_000)
    companded = np.sign(audio) * np.log(1 + 255 * np.abs(audio)) / np.log(256)
    expected = np.digitize(companded, (2 * np.arange(256) - 1) / 255 - 1) - 1
    np.testing.assert_array_equal(mulaw.encode(audio), expected)


@given(st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=50))
def test_monotone_and_clipped(values: list[float]) -> None:
    audio = np.sort(np.array(values, dtype=np.float32))
    codes = mulaw.encode(audio).astype(int)
    assert (np.diff(codes) >= 0).all()
    assert (codes[audio >= 1] == 255).all() and (codes[audio <= -1] == 0).all()


@given(st.floats(-1, 1))
def test_error_is_within_half_a_class(value: float) -> None:
    code = mulaw.encode(np.array([value]))
    low, high = bounds(int(code[0]))
    assert low - 1e-7 <= value <= high + 1e-7
    assert low - 1e-7 <= float(mulaw.decode(code)[0]) <= high + 1e-7


def test_against_g711_as_libsndfile_decodes_it(tmp_path: Path) -> None:
    # G.711 draws the curve with straight segments of 13 bits: its 256 levels lie within one class of the curve's own
    levels = np.arange(-32768, 32768, dtype=np.int16)
    path = tmp_path / "g711.wav"
    soundfile.write(path, levels, 8000, subtype="ULAW")
    decoded = np.unique(soundfile.read(path, dtype="float64")[0])
    assert len(decoded) == 255  # plus and minus zero are one level
    ours = mulaw.encode(decoded / np.abs(decoded).max()).astype(int)
    ranks = np.concatenate([np.arange(0, 127), [127.5], np.arange(129, 256)])
    assert np.abs(ours - ranks).max() <= 2
    assert (np.diff(ours) >= 0).all()
