"""Whether notes begin where they did: correlation of onset strength between music and what its codes decode to."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from descant.audio import mulaw
from descant.config.evaluation import Evaluation
from descant.evaluation.material import Excerpt, white_noise
from descant.evaluation.reconstruction import MULAW, NOISE, OTHER, read_draws
from descant.evaluation.reconstruction_results import Drawn, Excerpts, Material, read_material
from descant.evaluation.structure.features import FRAME_SECONDS, measure_features
from descant.formatting import count
from descant.results import Computation, Summary, write_json
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, mean_interval

# fewer frames correlate by chance (ours)
SHORTEST_SECONDS = 1.0


class OnsetsGiven(Excerpts):
    """What the figures are made from: excerpts, what was drawn of each stack's codes, and how intervals are drawn."""

    evaluation: Evaluation
    seed: int
    stacks: list[Drawn]


class OnsetsSummary(Summary):
    """The mean correlation of every rendering that has one, quantisation alone first."""

    confidence: float
    excerpts: int
    renderings: dict[str, Interval]


def onset_correlation(
    reference: npt.NDArray[np.floating], other: npt.NDArray[np.floating], sample_rate: int, smooth_seconds: float
) -> float | None:
    """Pearson correlation of two onset-strength envelopes (spectral flux of 40 mel bands, frames of 10 ms; librosa).

    Args:
        reference: floats ``(time,)``; full scale is 1.
        other: floats ``(time,)``.
        sample_rate: Hz.
        smooth_seconds: standard deviation of the Gaussian that both are smoothed with, seconds; 0 for none.

    Returns:
        1 for equal audio whatever its level, about 0 for audio whose onsets have nothing to do with one another; None
        where one has no onset at all.
    """
    envelopes = [measure_features(audio, sample_rate).onset for audio in (reference, other)]
    first, second = (
        gaussian_filter1d(one, smooth_seconds / FRAME_SECONDS) if smooth_seconds else one for one in envelopes
    )
    if not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _renderings(given: OnsetsGiven, material: Material) -> Iterator[tuple[str, list[npt.NDArray[np.floating]]]]:
    """Every rendering of all excerpts: the floor, each stack's first draw, and two ceilings."""
    yield MULAW, [mulaw.decode(steps) for steps in material.companded]
    for one in given.stacks:
        yield one.stack, [mulaw.decode(steps) for steps in read_draws(one.drawn, material.stretches)[0]]
    if len(material.originals) > 1:
        yield OTHER, [*material.originals[1:], material.originals[0]]
    tracks = [(stretch.track.track, float(stretch.start)) for stretch in material.stretches]
    places = zip(tracks, material.originals, strict=True)
    yield NOISE, [white_noise(Excerpt(*place, audio), given.seed).audio for place, audio in places]


def measure(given: OnsetsGiven, folder: Path) -> None:
    """Write ``summary.json``."""
    settings = given.evaluation
    bootstrap = Bootstrap(settings.bootstrap_draws, settings.confidence, given.seed)
    material, missing, figures = read_material(given, bool(given.stacks)), [], {}
    rate, number = material.audio.sample_rate, len(material.originals)
    if not given.stacks:
        missing.append("no model has a stack, so there is nothing to reconstruct")
    elif not number:
        missing.append(f"no test track is as long as an excerpt, {given.reconstruction.seconds:g} s")
    elif len(material.originals[0]) < SHORTEST_SECONDS * rate:
        missing.append(
            f"onsets need excerpts of {SHORTEST_SECONDS:g} s, these are of {given.reconstruction.seconds:g} s"
        )
    else:
        if number < FEWEST_TRACKS:
            missing.append(f"intervals: {count(number, 'test track')} long enough, {FEWEST_TRACKS} needed")
        smooth = settings.onsets.smooth_seconds
        for name, rendered in _renderings(given, material):
            pairs = zip(material.originals, rendered, strict=True)
            found = [onset_correlation(*pair, rate, smooth) for pair in pairs]
            mean = mean_interval([one for one in found if one is not None], bootstrap)
            if mean is None:
                missing.append(f"{name}: no onset in any excerpt")
            else:
                figures[name] = mean
    reasons = [f"not reported: {reason}" for reason in missing]
    summary = OnsetsSummary(missing=reasons, confidence=settings.confidence, excerpts=number, renderings=figures)
    write_json(folder / "summary.json", summary)


COMPUTATION = Computation(OnsetsGiven, measure)
