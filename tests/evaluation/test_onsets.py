"""Onset correlation: 1 for the same rhythm at any level and pitch, near 0 for another, against librosa's envelope."""

import json
from pathlib import Path

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_reading import make_page, read_page

from descant.evaluation.onsets import onset_correlation
from descant.evaluation.renderings import RenderingsSummary
from descant.report.pages.front import read_finding
from descant.results import read_json, write_json

RATE = 16000


def strokes(seed: int, seconds: float = 4.0, pitch: float = 440.0) -> np.ndarray:
    """Decaying tones at random times."""
    random, time = np.random.default_rng(seed), np.arange(round(seconds * RATE)) / RATE
    audio = 1e-4 * random.standard_normal(len(time))
    for start in random.uniform(0, seconds - 0.2, 10):
        after = np.maximum(time - start, 0)
        audio += 0.2 * (time >= start) * np.exp(-8 * after) * np.sin(2 * np.pi * pitch * after)
    return audio


@settings(max_examples=8, deadline=None)
@given(st.floats(0.1, 2.0), st.integers(0, 9))
def test_level_does_not_count(level: float, seed: int) -> None:
    assert onset_correlation(strokes(seed), level * strokes(seed), RATE, 0.0) == pytest.approx(1, abs=0.02)


def test_the_same_rhythm_at_another_pitch_is_near_and_another_rhythm_is_far() -> None:
    same = onset_correlation(strokes(1), strokes(1, pitch=620.0), RATE, 0.03)
    other = [onset_correlation(strokes(1), strokes(seed), RATE, 0.03) for seed in range(2, 12)]
    assert same > 0.9 and abs(np.mean(other)) < 0.3 and max(other) < same


def test_smoothing_forgives_what_is_a_little_late() -> None:
    late = np.concatenate([np.zeros(round(0.03 * RATE)), strokes(1)])[: 4 * RATE]
    sharp, soft = (onset_correlation(strokes(1), late, RATE, smooth) for smooth in (0.0, 0.05))
    assert soft > sharp + 0.2


def test_without_smoothing_it_is_the_correlation_of_librosa_s_envelopes() -> None:
    def envelope(audio: np.ndarray) -> np.ndarray:
        mel = librosa.feature.melspectrogram(y=audio.astype(np.float32), sr=RATE, n_fft=1024, hop_length=160, n_mels=40)
        return librosa.onset.onset_strength(S=librosa.power_to_db(mel), sr=RATE)

    expected = np.corrcoef(envelope(strokes(1)), envelope(strokes(2)))[0, 1]
    assert onset_correlation(strokes(1), strokes(2), RATE, 0.0) == pytest.approx(expected, abs=1e-4)


def test_silence_has_no_onset() -> None:
    assert onset_correlation(strokes(1), np.zeros(4 * RATE), RATE, 0.03) is None


def test_the_page_and_the_finding_show_the_summary(tmp_path: Path) -> None:
    figures = {
        "mu-law alone": {"value": 0.999, "low": 0.99, "high": 1.0},
        "vqvae8": {"value": 0.5, "low": 0.4, "high": 0.6},
        "another test track": {"value": 0.1, "low": None, "high": None},
    }
    summary = {"missing": [], "confidence": 0.95, "excerpts": 5, "renderings": figures}
    write_json(tmp_path / "summary.json", summary)
    assert read_json(RenderingsSummary, tmp_path / "summary.json").renderings["vqvae8"].low == 0.4
    page = read_page(make_page("onsets", tmp_path / "page.html", summary=tmp_path / "summary.json", models={}))
    assert "0.500" in page.text and "[0.400, 0.600]" in page.text and "quantisation alone" in page.text
    words = str(read_finding("onsets", tmp_path / "summary.json", {}, ()))
    assert "vqvae8 0.50. Another piece has 0.10." in words
    write_json(tmp_path / "summary.json", {**summary, "renderings": {}, "missing": ["not reported: short"]})
    page = read_page(make_page("onsets", tmp_path / "page.html", summary=tmp_path / "summary.json", models={}))
    assert "not reported: short" in page.text and not page.all("table")
    assert json.loads((tmp_path / "summary.json").read_text())["renderings"] == {}
