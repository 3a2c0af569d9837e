"""The search of a model's drawn codes, by thresholds that codes of held-out music have set."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from descant.config.novelty import Novelty
from descant.evaluation.material import spread_evenly
from descant.evaluation.novelty.calibration import Calibration, Scored, calibrate, matches_left_out
from descant.evaluation.novelty.codes import SEED, UNREACHED, SharedRuns, shared_runs
from descant.evaluation.novelty.results import CODES, CodesSearch, Hit, Share
from descant.sequences import PackedSequence

# two seeds: a threshold is never lower (ours)
LEAST_RUN = 2 * SEED


def search_codes(settings: Novelty, codes: PackedSequence, drawn: npt.NDArray[np.unsignedinteger]) -> CodesSearch:
    """Search a model's drawn top codes for runs of the training codes.

    Args:
        settings: of the configuration.
        codes: the packed codes of its stack.
        drawn: codes ``(batch, steps)``, what the model was primed with left out.
    """
    steps, rate = drawn.shape[1], settings.false_positives
    if steps < settings.shortest_seconds * codes.rate:
        failure = (
            f"the drawn codes are shorter than {settings.shortest_seconds:g} s: they last {steps / codes.rate:.1f} s"
        )
        unused = Calibration.unused(failure)
        return CodesSearch(unused, unused, codes.rate, [], [], [])
    held_out = _held_out_codes(codes, steps, settings.calibration_windows)
    excerpts = np.stack([part for _, _, part in held_out]) if held_out else np.zeros((0, steps), dtype=np.int64)
    known = shared_runs(excerpts, codes)
    places = [(track, start / codes.rate) for track, start, _ in held_out]
    without = [Scored(*place, runs.exact.length) for place, runs in zip(places, known, strict=True)]
    within = [Scored(*place, runs.tolerant.length) for place, runs in zip(places, known, strict=True)]
    exact, tolerant = (_whole(calibrate(scored, rate, LEAST_RUN, steps)) for scored in (without, within))
    used = [(one, scored) for one, scored in ((exact, without), (tolerant, within)) if one.threshold is not None]
    found = shared_runs(drawn, codes, _least(exact), _least(tolerant))
    left_out = [window for _, scored in used for window in matches_left_out(scored, rate, LEAST_RUN)]
    return CodesSearch(
        exact=exact,
        tolerant=tolerant,
        codes_a_second=codes.rate,
        shares=[Share(steps / codes.rate, runs.matched / codes.rate) for runs in found] if used else [],
        hits=[hit for number, runs in enumerate(found) for hit in _hits(codes, number, runs, exact, tolerant)],
        floor=_floor(without, left_out, steps, codes.rate) if used else [],
    )


def _whole(calibration: Calibration) -> Calibration:
    """Runs have whole lengths, and so have their thresholds."""
    if calibration.threshold is None:
        return calibration
    return replace(calibration, threshold=float(math.ceil(calibration.threshold)))


def _least(calibration: Calibration) -> int:
    return UNREACHED if calibration.threshold is None else int(calibration.threshold)


def _held_out_codes(codes: PackedSequence, steps: int, most: int) -> list[tuple[str, int, npt.NDArray[Any]]]:
    """Parts of validation and test tracks as long as a drawn sequence, spread evenly: track, start, codes."""
    tracks = [*codes.tracks("validation"), *codes.tracks("test")]
    # halves overlap, as in the search of notes: short held-out music gives enough of them
    places = [(track, start) for track in tracks for start in range(0, track.length - steps + 1, max(1, steps // 2))]
    spread = spread_evenly(places, most)
    return [(track.track, start, codes.steps(track)[start : start + steps]) for track, start in spread]


def _hits(
    codes: PackedSequence, number: int, runs: SharedRuns, exact: Calibration, tolerant: Calibration
) -> Iterator[Hit]:
    names = {track.track: track.labels.name for track in codes.tracks("train")}
    for run, calibration, is_exact in ((runs.exact, exact, True), (runs.tolerant, tolerant, False)):
        if run.length:
            place = run.track, names[run.track], run.track_start / codes.rate
            found = (run.start / codes.rate, run.length / codes.rate, *calibration.judge(run.length), *place)
            yield Hit(CODES, number, *found, is_exact=is_exact)


def _floor(searched: Sequence[Scored], matched: Sequence[Scored], steps: int, rate: float) -> list[Share]:
    """Searched and matched seconds of each held-out track; of a part that matches its longest run counts."""
    longest: dict[tuple[str, float], float] = {}
    for window in matched:
        place = (window.track, window.start)
        longest[place] = max(longest.get(place, 0.0), window.score)
    tracks = dict.fromkeys(window.track for window in searched)
    return [
        Share(
            sum(window.track == track for window in searched) * steps / rate,
            sum(length for (name, _), length in longest.items() if name == track) / rate,
        )
        for track in tracks
    ]
