"""Whether notes begin where they did: correlation of onset strength between music and what its codes decode to."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from descant.audio.files import Block
from descant.evaluation.reconstruction_results import Material
from descant.evaluation.renderings import Figure, Measure, RenderingsGiven, summarise_renderings
from descant.evaluation.structure.features import FRAME_SECONDS, onset_strength
from descant.results import Computation, write_json

# fewer frames than in a second correlate by chance (ours)
MEASURE = Measure(shortest_seconds=1.0, absent="no onset in any excerpt")


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
    envelopes = [onset_strength(audio, sample_rate) for audio in (reference, other)]
    first, second = (
        gaussian_filter1d(one, smooth_seconds / FRAME_SECONDS) if smooth_seconds else one for one in envelopes
    )
    if not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def measure(given: RenderingsGiven, folder: Path) -> None:
    """Write ``summary.json``."""

    def figure_of(material: Material) -> Figure:
        rate, smooth = material.audio.sample_rate, given.evaluation.onsets.smooth_seconds

        def correlation(place: int, audio: Block) -> float | None:
            return onset_correlation(material.originals[place], audio, rate, smooth)

        return correlation

    write_json(folder / "summary.json", summarise_renderings(given, MEASURE, figure_of))


COMPUTATION = Computation(RenderingsGiven, measure)
