"""Copies that are planted among real renderings are found, and music that is none is not."""

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from descant.audio import mulaw
from descant.config.novelty import Novelty
from descant.evaluation.novelty.drawn import calibrate_audio, search_audio
from descant.evaluation.novelty.features import Features
from descant.evaluation.novelty.results import FINGERPRINT, NOTES, AudioCalibration
from descant.sequences import PackedSequence

pytestmark = pytest.mark.slow

RATE = 16000
CLIP = 5 * RATE


@pytest.fixture(scope="module")
def calibration(rendered: PackedSequence, features: Features) -> AudioCalibration:
    return calibrate_audio(Novelty(), rendered, features, CLIP, seed=1)


def training_clips(sequence: PackedSequence, count: int, length: int = CLIP) -> npt.NDArray[np.uint8]:
    """Excerpts ``(count, length)`` of training tracks, each of another, begun anywhere but in their first second."""
    random = np.random.default_rng(5)
    tracks = sequence.tracks("train")
    clips = []
    for number in range(count):
        steps = sequence.steps(tracks[number % len(tracks)])
        start = int(random.integers(RATE, len(steps) - length))
        clips.append(steps[start : start + length])
    return np.stack(clips)


def found(classes: npt.NDArray[np.uint8], calibration: AudioCalibration, features: Features, *checks: str) -> set[int]:
    """Numbers of the clips that any of these searches matches."""
    hits = search_audio(Novelty(), calibration, classes, RATE, features).hits
    return {hit.sequence for hit in hits if hit.is_match and hit.check in checks}


def test_ten_copies_are_found_at_their_places(
    rendered: PackedSequence, features: Features, calibration: AudioCalibration
) -> None:
    # quieter, so that every mu-law class differs
    quieter = mulaw.encode(0.6 * mulaw.decode(training_clips(rendered, 10)))
    search = search_audio(Novelty(), calibration, quieter, RATE, features)
    sure = {hit.sequence: hit for hit in search.hits if hit.check == FINGERPRINT and hit.is_match}
    assert set(sure) == set(range(10))
    assert [sure[number].track for number in range(10)] == [track.track for track in rendered.tracks("train")[:10]]
    assert all(share.matched == share.seconds == 5 for share in search.shares)


def test_a_hundred_unrelated_clips_are_not_found(
    rendered: PackedSequence, features: Features, calibration: AudioCalibration
) -> None:
    """Held-out music backwards: real notes in an order that no training track has, and silence, noise and a drone."""
    held_out = [rendered.steps(track) for track in (*rendered.tracks("validation"), *rendered.tracks("test"))]
    clips = [steps[start : start + CLIP][::-1] for steps in held_out for start in range(0, len(steps) - CLIP, 2 * RATE)]
    random = np.random.default_rng(0)
    drone = mulaw.encode(0.3 * np.sin(2 * np.pi * 220 * np.arange(CLIP) / RATE))
    others = [np.full(CLIP, 128, np.uint8), random.integers(0, 256, CLIP).astype(np.uint8), drone]
    unrelated = np.stack([*clips[:97], *others])
    assert len(unrelated) == 100
    assert found(unrelated, calibration, features, FINGERPRINT, NOTES) == set()


@pytest.mark.parametrize("semitones", [1, -1])
def test_a_copy_a_semitone_off_is_found_by_its_notes(
    rendered: PackedSequence, features: Features, calibration: AudioCalibration, semitones: int
) -> None:
    longer = training_clips(rendered, 10, length=6 * RATE)
    ratio = 2 ** (semitones / 12)
    shifted = np.stack([mulaw.encode(soxr.resample(mulaw.decode(row), ratio, 1.0)[:CLIP]) for row in longer])
    assert found(shifted, calibration, features, FINGERPRINT) == set()
    search = search_audio(Novelty(), calibration, shifted, RATE, features)
    hits = [hit for hit in search.hits if hit.check == NOTES and hit.is_match]
    assert len(hits) >= 8
    assert {hit.transposition for hit in hits} == {semitones}
    tracks = [track.track for track in rendered.tracks("train")]
    assert all(hit.track == tracks[hit.sequence] for hit in hits)


def test_the_calibration_tells_what_it_rests_on(calibration: AudioCalibration) -> None:
    for part in (calibration.fingerprint, calibration.notes):
        assert part.threshold is not None and part.tracks == 8 and part.windows >= 60
        assert part.false_positives <= part.windows / 20
        assert part.planted == 40 and part.found >= 30
    assert sum(share.seconds for share in calibration.floor) == pytest.approx(8 * 30, abs=10)


def test_four_seconds_are_enough_and_two_are_told_to_be_too_few(rendered: PackedSequence, features: Features) -> None:
    four = calibrate_audio(Novelty(), rendered, features, 4 * RATE, seed=1)
    assert four.fingerprint.threshold is not None and four.window_seconds == 4
    two = calibrate_audio(Novelty(), rendered, features, 2 * RATE, seed=1)
    assert two.fingerprint.threshold is None and "shorter than 3 s: they last 2.0 s" in two.fingerprint.failure
    search = search_audio(Novelty(), two, training_clips(rendered, 2, 2 * RATE), RATE, features)
    assert not search.shares and not search.hits
