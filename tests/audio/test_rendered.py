"""Rendered audio is read as it was written, its prime apart from what was drawn; what is torn is refused."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from waveforms import render

from descant.audio.clips import from_16_bit, to_16_bit
from descant.audio.facts import sample_facts
from descant.audio.rendered import open_rendered
from descant.errors import SamplingError

RATE = 8000


def noise(count: int, samples: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, samples))


def test_16_bits_are_exact_both_ways() -> None:
    every = np.arange(-(1 << 15), 1 << 15, dtype=np.int16)
    np.testing.assert_array_equal(to_16_bit(from_16_bit(every)), every)


@given(primed=st.integers(0, 90), start=st.integers(0, 5), length=st.integers(1, 5))
def test_what_was_drawn_is_read_and_the_prime_is_not(
    tmp_path_factory: pytest.TempPathFactory, primed: int, start: int, length: int
) -> None:
    audio = noise(2, 100)
    rendered = render(tmp_path_factory.mktemp("rendered") / "r", audio, RATE, primed)
    expected = from_16_bit(to_16_bit(audio))
    assert rendered.shortest == 100 - primed and rendered.sample_rate == RATE
    for number, row in enumerate(expected):
        np.testing.assert_array_equal(rendered.read(number), row[primed:])
        part = rendered.read(number, start, start + length)
        np.testing.assert_array_equal(part, row[primed + start : primed + start + length])
        np.testing.assert_array_equal(rendered.read(number, -primed), row)


def test_files_are_16_bit_and_the_table_shows_of_them(tmp_path: Path) -> None:
    audio = noise(101, 50)
    rendered = render(tmp_path / "r", audio, RATE)
    names = [sample.file for sample in rendered.samples]
    assert names == sorted(names) == sorted(path.name for path in (tmp_path / "r").glob("*.flac"))
    assert soundfile.info(tmp_path / "r" / names[0]).subtype == "PCM_16"
    facts = sample_facts(audio[7], RATE)
    assert rendered.samples[7].facts.peak == pytest.approx(facts.peak, abs=1e-6)
    assert rendered.samples[7].facts.rms_dbfs == pytest.approx(facts.rms_dbfs, abs=1e-6)


def test_what_is_torn_is_refused(tmp_path: Path) -> None:
    rendered = render(tmp_path / "r", noise(1, 2000), RATE)
    path = tmp_path / "r" / "00.flac"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SamplingError, match=r"00\.flac"):
        rendered.read(0)
    soundfile.write(path, np.zeros(10), RATE)
    with pytest.raises(SamplingError, match=r"00\.flac"):
        rendered.read(0)
    path.unlink()
    with pytest.raises(SamplingError, match=r"00\.flac"):
        rendered.read(0)
    for text in (
        "file,seconds\n00.flac,x\n",
        "",
        "file,sample_rate,samples,primed,seconds,peak,rms_dbfs,silent_share\n",
    ):
        (tmp_path / "r" / "samples.csv").write_text(text)
        with pytest.raises(SamplingError, match="run snakemake again"):
            open_rendered(tmp_path / "r")
