"""Copies that are planted among real renderings are found, and music that is none is not."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soxr
from waveforms import render

from descant.audio import mulaw
from descant.config.novelty import Novelty
from descant.evaluation.novelty.drawn import calibrate_audio, search_audio
from descant.evaluation.novelty.features import Features
from descant.evaluation.novelty.results import FINGERPRINT, NOTES, AudioCalibration, AudioSearch
from descant.recordings import read_recording
from descant.sequences import PackedSequence

pytestmark = pytest.mark.slow

RATE = 16000
CLIP = 5 * RATE


@pytest.fixture(scope="module")
def calibration(rendered: PackedSequence, features: Features) -> AudioCalibration:
    return calibrate_audio(Novelty(), rendered, features, CLIP, seed=1)


def training_clips(sequence: PackedSequence, count: int, length: int = CLIP) -> npt.NDArray[np.float32]:
    """Excerpts ``(count, length)`` of training tracks, each of another, begun anywhere but in their first second."""
    random = np.random.default_rng(5)
    tracks = sequence.tracks("train")
    clips = []
    for number in range(count):
        track = tracks[number % len(tracks)]
        start = int(random.integers(RATE, track.length - length))
        clips.append(read_recording(sequence, track, start, start + length))
    return np.stack(clips)


Clips = npt.NDArray[np.floating]


def through_mulaw(audio: Clips) -> Clips:
    """As a model of mu-law would draw it."""
    return mulaw.decode(mulaw.encode(audio))


def search(folder: Path, audio: Clips, calibration: AudioCalibration, features: Features) -> AudioSearch:
    """What is found of clips ``(count, samples)``."""
    return search_audio(Novelty(), calibration, render(folder / "drawn", audio, RATE), features)


def test_ten_copies_are_found_at_their_places(
    rendered: PackedSequence, features: Features, calibration: AudioCalibration, tmp_path: Path
) -> None:
    found = search(tmp_path, through_mulaw(0.6 * training_clips(rendered, 10)), calibration, features)
    sure = {hit.sequence: hit for hit in found.hits if hit.check == FINGERPRINT and hit.is_match}
    assert set(sure) == set(range(10))
    assert [sure[number].track for number in range(10)] == [track.track for track in rendered.tracks("train")[:10]]
    assert all(share.matched == share.seconds == 5 for share in found.shares)


def test_a_hundred_unrelated_clips_are_not_found(
    rendered: PackedSequence, features: Features, calibration: AudioCalibration, tmp_path: Path
) -> None:
    """Held-out music backwards: real notes in an order that no training track has, and silence, noise and a drone."""
    held_out = [read_recording(rendered, track) for track in (*rendered.tracks("validation"), *rendered.tracks("test"))]
    clips = [steps[start : start + CLIP][::-1] for steps in held_out for start in range(0, len(steps) - CLIP, 2 * RATE)]
    random = np.random.default_rng(0)
    drone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(CLIP) / RATE)
    others = [np.zeros(CLIP), mulaw.decode(random.integers(0, 256, CLIP).astype(np.uint8)), drone]
    unrelated = np.stack([*clips[:97], *others])
    assert len(unrelated) == 100
    hits = search(tmp_path, through_mulaw(unrelated), calibration, features).hits
    assert not [hit for hit in hits if hit.is_match]


@pytest.mark.parametrize("semitones", [1, -1])
def test_a_copy_a_semitone_off_is_found_by_its_notes(
    rendered: PackedSequence, features: Features, calibration: AudioCalibration, semitones: int, tmp_path: Path
) -> None:
    longer = training_clips(rendered, 10, length=6 * RATE)
    ratio = 2 ** (semitones / 12)
    shifted = np.stack([soxr.resample(row, ratio, 1.0)[:CLIP] for row in longer])
    matches = [hit for hit in search(tmp_path, through_mulaw(shifted), calibration, features).hits if hit.is_match]
    hits = [hit for hit in matches if hit.check == NOTES]
    assert hits == matches
    assert len(hits) >= 8
    assert {hit.transposition for hit in hits} == {semitones}
    tracks = [track.track for track in rendered.tracks("train")]
    assert all(hit.track == tracks[hit.sequence] for hit in hits)


def test_the_calibration_shows_what_it_rests_on(calibration: AudioCalibration) -> None:
    for part in (calibration.fingerprint, calibration.notes):
        assert part.threshold is not None and part.tracks == 8 and part.windows >= 60
        assert part.false_positives <= part.windows / 20
        assert part.planted == 40 and part.found >= 30
    assert sum(share.seconds for share in calibration.floor) == pytest.approx(8 * 30, abs=10)


def test_what_a_sample_was_primed_with_is_not_searched(
    rendered: PackedSequence, features: Features, calibration: AudioCalibration, tmp_path: Path
) -> None:
    """A copy is the prime, and what was drawn after it is music that no training track has."""
    held_out = rendered.tracks("test")[0]
    fresh = read_recording(rendered, held_out, RATE, RATE + CLIP)[::-1]
    samples = np.stack([np.concatenate([copy, fresh]) for copy in training_clips(rendered, 2)])
    found = search_audio(Novelty(), calibration, render(tmp_path / "r", samples, RATE, primed=CLIP), features)
    assert not [hit for hit in found.hits if hit.is_match]
    assert [(share.seconds, share.matched) for share in found.shares] == [(5, 0)] * 2


def test_four_seconds_are_enough_and_two_are_too_few(
    rendered: PackedSequence, features: Features, tmp_path: Path
) -> None:
    four = calibrate_audio(Novelty(), rendered, features, 4 * RATE, seed=1)
    assert four.fingerprint.threshold is not None and four.window_seconds == 4
    two = calibrate_audio(Novelty(), rendered, features, 2 * RATE, seed=1)
    assert two.fingerprint.threshold is None and "shorter than 3 s: they last 2.0 s" in two.fingerprint.failure
    found = search(tmp_path, training_clips(rendered, 2, 2 * RATE), two, features)
    assert not found.shares and not found.hits
