"""The two searches of a model's drawn audio, each by a threshold that held-out music has set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from descant.audio.rendered import Rendered
from descant.config.novelty import Novelty
from descant.evaluation.novelty.calibration import Calibration, Scored, calibrate, matches_left_out, with_planted
from descant.evaluation.novelty.features import Features
from descant.evaluation.novelty.results import FINGERPRINT, NOTES, AudioCalibration, AudioSearch, Hit, Share
from descant.evaluation.novelty.search import Found, search_fingerprints, search_notes
from descant.evaluation.novelty.windows import Cut, covered_seconds, drawn_windows, held_out_windows, planted_windows
from descant.sequences import PackedSequence

# Haitsma & Kalker 2002 call 0.35 of the bits the same recording, over 3 s of a large collection of songs; music of one
# instrument in one room agrees more, and ours is stricter
LEAST_AGREEMENT = 0.8
# four cells that agree wholly: where held-out music shares nothing at all, a threshold is never lower (ours)
LEAST_ALIGNED = 1.0
Search = Callable[[Sequence[npt.NDArray[np.floating]]], list[Found | None]]


@dataclass(frozen=True)
class _Check:
    """One search of audio: how its windows are cut, how it is done, and the bounds of its scores."""

    name: str
    cut: Cut
    search: Search
    least: float
    most: float


def _checks(settings: Novelty, samples: int, rate: int, features: Features) -> list[_Check]:
    """Both searches for clips of so many samples; none where these are too short."""
    if samples < settings.shortest_seconds * rate:
        return []
    window = min(samples, round(settings.window_seconds * rate))
    aligned = min(samples, round(settings.alignment_seconds * rate))

    def fingerprints(windows: Sequence[npt.NDArray[np.floating]]) -> list[Found | None]:
        return search_fingerprints(windows, rate, features.tracks("train"))

    def notes(windows: Sequence[npt.NDArray[np.floating]]) -> list[Found | None]:
        return search_notes(windows, rate, features.tracks("train"))

    hop = max(1, round(settings.hop_seconds * rate))
    return [
        _Check(FINGERPRINT, Cut(window, hop), fingerprints, LEAST_AGREEMENT, 1.0),
        _Check(NOTES, Cut(aligned, max(hop, aligned // 2)), notes, LEAST_ALIGNED, aligned / rate),
    ]


def calibrate_audio(
    settings: Novelty, recordings: PackedSequence, features: Features, samples: int, seed: int
) -> AudioCalibration:
    """Set the thresholds of both searches of audio, for drawn clips of so many samples."""
    rate = recordings.sample_rate
    calibrations, matched, searched = {}, list[tuple[str, float, float]](), list[tuple[str, float, float]]()
    for check in _checks(settings, samples, rate, features):
        held_out = held_out_windows(recordings, check.cut, settings.calibration_windows)
        found = zip(held_out, check.search([window.audio for window in held_out]), strict=True)
        scored = [Scored(window.group, window.start, place.score) for window, place in found if place is not None]
        planted = planted_windows(recordings, check.cut.length, settings.planted, seed, transpose=check.name == NOTES)
        calibration = calibrate(scored, settings.false_positives, check.least, check.most)
        copies = check.search(planted) if calibration.threshold is not None else []
        calibration = with_planted(calibration, [copy.score if copy else 0.0 for copy in copies])
        calibrations[check.name] = calibration
        if calibration.threshold is not None:
            seconds = check.cut.length / rate
            left_out = matches_left_out(scored, settings.false_positives, check.least)
            matched += [(window.track, window.start, window.start + seconds) for window in left_out]
            searched += [(window.track, window.start, window.start + seconds) for window in scored]
    failure = f"the drawn clips are shorter than {settings.shortest_seconds:g} s: they last {samples / rate:.1f} s"
    unused = Calibration.unused(failure)
    return AudioCalibration(
        clip_seconds=samples / rate,
        training_seconds=features.seconds("train"),
        window_seconds=min(samples / rate, settings.window_seconds),
        alignment_seconds=min(samples / rate, settings.alignment_seconds),
        fingerprint=calibrations.get(FINGERPRINT, unused),
        notes=calibrations.get(NOTES, unused),
        floor=_floor(searched, matched),
    )


def _floor(searched: Sequence[tuple[str, float, float]], matched: Sequence[tuple[str, float, float]]) -> list[Share]:
    """Covered and matched seconds of each held-out track."""

    def seconds(parts: Sequence[tuple[str, float, float]], track: str) -> float:
        return covered_seconds([(start, end) for name, start, end in parts if name == track])

    tracks = dict.fromkeys(name for name, _, _ in searched)
    return [Share(seconds(searched, track), seconds(matched, track)) for track in tracks]


def search_audio(
    settings: Novelty, calibration: AudioCalibration, rendered: Rendered, features: Features
) -> AudioSearch:
    """Search a model's drawn audio by the searches that can be used for clips of its length.

    Raises:
        SamplingError: when a file of the drawn audio cannot be read.
    """
    rate = rendered.sample_rate
    names = dict(features.index[["track", "name"]].itertuples(index=False, name=None))
    used = {FINGERPRINT: calibration.fingerprint, NOTES: calibration.notes}
    hits: list[Hit] = []
    windows = silent = 0
    checks = [check for check in _checks(settings, rendered.shortest, rate, features) if used[check.name].threshold]
    for check in checks:
        drawn = drawn_windows(rendered, check.cut)
        for window, found in zip(drawn, check.search([window.audio for window in drawn]), strict=True):
            windows += 1
            if found is None:
                silent += 1
            elif found.track:
                place = found.track, names[found.track], found.track_start, found.transposition
                where = int(window.group), window.start + found.start, found.seconds
                hits.append(Hit(check.name, *(*where, *used[check.name].judge(found.score), *place)))
    lengths = [sample.drawn / rate for sample in rendered.samples] if checks else []
    shares = []
    for number, seconds in enumerate(lengths):
        matches = [hit for hit in hits if hit.is_match and hit.sequence == number]
        matched = covered_seconds([(hit.start, hit.start + hit.seconds) for hit in matches])
        shares.append(Share(seconds, min(seconds, matched)))
    return AudioSearch(shares, hits, windows, silent)
