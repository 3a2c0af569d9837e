import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from waveforms import render

from descant.audio import mulaw
from descant.audio.clips import flac_bytes, to_16_bit
from descant.audio.facts import sample_facts
from descant.errors import SamplingError
from descant.evaluation.figures import TIME_LEFT, TIME_WIDTH, envelope, mel_figure, mel_levels, write_figures

RATE = 16000


def sine(hertz: float, seconds: float = 1.0, amplitude: float = 1.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def noise(seed: int, samples: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, samples).astype(np.uint8)


@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(1, 5000))
def test_flac_holds_every_class(seed: int, samples: int) -> None:
    classes = noise(seed, samples)
    audio, rate = soundfile.read(io.BytesIO(flac_bytes(mulaw.decode(classes), RATE)), dtype="float64")
    assert rate == RATE and audio.shape == (samples,)
    # half a step of 16 bits; the loudest class lies one step above the largest 16-bit value
    assert np.abs(audio - mulaw.decode(classes)).max() <= 1 / 32768 + 1e-9
    assert np.array_equal(mulaw.encode(audio), classes)


def test_16_bits_are_the_nearest() -> None:
    audio = np.array([0.0, 0.5, -1.0, 1.0, 2.0, -2.0, 1.4 / 32768])
    assert to_16_bit(audio).tolist() == [0, 16384, -32768, 32767, 32767, -32768, 1]


def test_facts_of_a_sine_of_silence_and_of_both() -> None:
    loud = sample_facts(sine(440), RATE)
    assert loud.rms_dbfs == pytest.approx(0.0, abs=1e-6) and loud.peak == pytest.approx(1.0, abs=1e-3)
    assert loud.silent_share == 0 and loud.seconds == 1
    assert sample_facts(np.zeros(RATE), RATE).rms_dbfs is None
    quantised = sample_facts(mulaw.decode(np.full(RATE, 128, np.uint8)), RATE)
    assert quantised.silent_share == 1 and quantised.rms_dbfs is not None and quantised.rms_dbfs < -70
    half = sample_facts(np.concatenate([sine(440), np.zeros(3 * RATE)]), RATE)
    assert half.silent_share == pytest.approx(0.75)
    assert half.rms_dbfs == pytest.approx(10 * np.log10(0.25), abs=1e-6)


@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.001])
def test_levels_are_dbfs(amplitude: float) -> None:
    # frames at the ends are half empty
    assert mel_levels(sine(1000, amplitude=amplitude), RATE)[:, 4:-4].max() == pytest.approx(
        20 * np.log10(amplitude), abs=0.2
    )


@pytest.mark.parametrize("samples", [1, 100, 16000])
def test_figure_has_its_size_no_metadata_and_the_same_bytes(samples: int) -> None:
    audio = mulaw.decode(noise(samples, samples))
    drawn = mel_figure(audio, RATE, "A $x^2$ & <b> title\nof two lines")
    assert drawn == mel_figure(audio, RATE, "A $x^2$ & <b> title\nof two lines")
    image = Image.open(io.BytesIO(drawn))
    assert image.size == (900, 330) and not image.info
    assert drawn != mel_figure(audio[::-1], RATE, "another")


@pytest.mark.parametrize("rate", [1000, 8000, 44100])
def test_figure_at_other_rates(rate: int) -> None:
    assert Image.open(io.BytesIO(mel_figure(sine(50, 0.5), rate, "t" * 500))).size == (900, 330)


def test_silence_is_dark_and_noise_is_bright() -> None:
    def middle(audio: np.ndarray) -> float:
        image = Image.open(io.BytesIO(mel_figure(audio, RATE, "t"))).convert("L")
        return float(np.asarray(image)[120:270, 100:800].mean())

    assert middle(np.zeros(RATE)) < 10 < 100 < middle(mulaw.decode(noise(1, RATE)))


@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(1, 3000), columns=st.integers(1, 900))
def test_envelope_touches_the_extremes_of_each_stretch(seed: int, samples: int, columns: int) -> None:
    audio = np.random.default_rng(seed).uniform(-1, 1, samples)
    low, high = envelope(audio, columns)
    parts = [part for part in np.array_split(audio, min(columns, samples)) if len(part)]
    assert len(low) == len(high) == len(parts)
    assert low.min() == audio.min() and high.max() == audio.max()
    if samples % len(parts) == 0:
        assert low.tolist() == [part.min() for part in parts] and high.tolist() == [part.max() for part in parts]


def test_time_runs_where_pages_expect_it() -> None:
    click = np.zeros(RATE)
    click[RATE // 4 : RATE // 4 + 40] = 0.9
    image = np.asarray(Image.open(io.BytesIO(mel_figure(click, RATE, ""))).convert("L"), dtype=int)
    upper_half = image[42:58]
    assert abs(int(upper_half.sum(0).argmax()) - image.shape[1] * (TIME_LEFT + TIME_WIDTH / 4)) <= 2


def test_empty_audio_is_refused() -> None:
    with pytest.raises(SamplingError, match="no audio"):
        sample_facts(np.zeros(0), RATE)
    with pytest.raises(SamplingError, match="no audio"):
        mel_figure(np.zeros(0), RATE, "t")


def test_every_sample_has_its_figure_with_the_prime_in_it(tmp_path: Path) -> None:
    audio = np.random.default_rng(3).uniform(-0.5, 0.5, (12, 800))
    rendered = render(tmp_path / "r", audio, RATE, primed=100)
    write_figures(rendered, "Model")
    names = [f"{number:02}.{kind}" for number in range(12) for kind in ("flac", "png")]
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == sorted([*names, "samples.csv"])
    heard = soundfile.read(tmp_path / "r" / "03.flac", dtype="float32")[0]
    assert (tmp_path / "r" / "03.png").read_bytes() == mel_figure(heard, RATE, "Model · sample 4")
