"""How near what vocoders make of mel spectrograms is to the recordings, true spectrograms and predicted ones.

The figure is that of Kim et al. (2019): correlation of constant-Q spectra, by octave and by instrument. Intervals are
over pieces: renderings of one piece on several instruments are no independent music.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from descant.audio.files import Block
from descant.evaluation.cqt import BINS_PER_OCTAVE, LEAST_RATE, correlation_by_pitch, deviations
from descant.evaluation.distortion import log_spectral_distance
from descant.evaluation.material import Excerpt, shuffled
from descant.evaluation.reconstruction import instruments_of, pieces_of
from descant.evaluation.reconstruction_results import Material, read_material
from descant.evaluation.renderings import RenderingsGiven, by_instrument, renderings_of
from descant.formatting import count
from descant.results import Computation, Summary, write_json
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, grouped_interval

# what everything is compared with, beside the renderings of `renderings_of`
INSTRUMENT, SHUFFLED = "the same piece on another instrument", "the same excerpt, shuffled"
SHUFFLED_SECONDS = 0.5


class Nearness(BaseModel):
    """How near one rendering is to the recordings.

    Attributes:
        correlation: of constant-Q spectra, mean over excerpts of the mean over pitches.
        lsd_db: log-spectral distance.
        share: its correlation over that of the same vocoder on true spectrograms; None where it is such a one.
        octaves: correlations of the seven octaves from C1 up.
        instruments: correlations by instrument.
    """

    correlation: Interval | None
    lsd_db: Interval | None
    share: Interval | None
    octaves: list[Interval | None]
    instruments: dict[str, Interval]


class SynthesisSummary(Summary):
    """All renderings, in the order in which they are shown; how many excerpts, and of how many pieces."""

    confidence: float
    excerpts: int
    pieces: int
    renderings: dict[str, Nearness]


def octave_means(pitches: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Means over the pitches of each octave that are not NaN: of ``(excerpts, 84)``, ``(excerpts, 7)``."""
    parts = pitches.reshape(len(pitches), -1, BINS_PER_OCTAVE)
    defined = ~np.isnan(parts)
    sums, counts = np.where(defined, parts, 0).sum(2), defined.sum(2)
    return _shares(sums, counts)


def _means(pitches: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    defined = ~np.isnan(pitches)
    return _shares(np.where(defined, pitches, 0).sum(1), defined.sum(1))


def _shares(sums: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def on_another_instrument(material: Material) -> list[Block] | None:
    """Of each excerpt the next one of the same piece that another instrument plays; None where one has none."""
    pieces, played = pieces_of(material.stretches), instruments_of(material.stretches)
    order, others = range(len(pieces)), []
    for place in order:
        same = [
            at
            for at in (*order[place + 1 :], *order[:place])
            if pieces[at] == pieces[place] and played[at] != played[place]
        ]
        if not same:
            return None
        others.append(material.originals[same[0]])
    return others


def _floors(given: RenderingsGiven, material: Material) -> dict[str, list[Block]]:
    rate = material.audio.sample_rate
    excerpts = [
        Excerpt(stretch.track.track, float(stretch.start), audio)
        for stretch, audio in zip(material.stretches, material.originals, strict=True)
    ]
    floors = {SHUFFLED: [shuffled(one, rate, SHUFFLED_SECONDS, given.seed).audio for one in excerpts]}
    others = on_another_instrument(material)
    return floors if others is None else {INSTRUMENT: others, **floors}


def compare_renderings(given: RenderingsGiven, material: Material, bootstrap: Bootstrap) -> dict[str, Nearness]:
    """How near every rendering of the excerpts is to the recordings."""
    rate, pieces, played = material.audio.sample_rate, pieces_of(material.stretches), instruments_of(material.stretches)
    own = [deviations(audio, rate) for audio in material.originals]
    true_frames = {one.title: one.of_true_frames for one in given.vocoded}
    correlations: dict[str, npt.NDArray[np.float64]] = {}
    found: dict[str, Nearness] = {}

    for name, rendered in (*renderings_of(given, material), *_floors(given, material).items()):
        pairs = list(zip(material.originals, rendered, strict=True))
        compared = zip(own, rendered, strict=True)
        pitches = np.stack([correlation_by_pitch(levels, deviations(audio, rate)) for levels, audio in compared])
        distances = [log_spectral_distance(original, audio) for original, audio in pairs]
        correlations[name] = means = _means(pitches)
        base = true_frames.get(name)
        found[name] = Nearness(
            correlation=grouped_interval(means, pieces, bootstrap),
            lsd_db=grouped_interval(distances, pieces, bootstrap),
            share=None if base is None else grouped_interval(means, pieces, bootstrap, of=correlations[base]),
            octaves=[grouped_interval(column, pieces, bootstrap) for column in octave_means(pitches).T],
            instruments=by_instrument(means.tolist(), played, pieces, bootstrap),
        )
    return found


def measure(given: RenderingsGiven, folder: Path) -> None:
    """Write ``summary.json``."""
    settings = given.evaluation
    material = read_material(given, bool(given.vocoded))
    pieces, missing, found = len(set(pieces_of(material.stretches))), [], {}
    if not given.vocoded:
        missing.append("no row has a vocoder, so nothing was made of spectrograms")
    elif not material.originals:
        missing.append(f"no test track is as long as an excerpt, {given.reconstruction.seconds:g} s")
    elif material.audio.sample_rate < LEAST_RATE:
        missing.append(f"the highest pitch needs a sample rate of {LEAST_RATE:,} Hz")
    else:
        if pieces < FEWEST_TRACKS:
            missing.append(f"intervals: {count(pieces, 'test piece')} long enough, {FEWEST_TRACKS} needed")
        bootstrap = Bootstrap(settings.bootstrap_draws, settings.confidence, given.seed)
        found = compare_renderings(given, material, bootstrap)
    reasons = [f"not reported: {reason}" for reason in missing]
    summary = SynthesisSummary(
        missing=reasons,
        confidence=settings.confidence,
        excerpts=len(material.originals),
        pieces=pieces,
        renderings=found,
    )
    write_json(folder / "summary.json", summary)


COMPUTATION = Computation(RenderingsGiven, measure)
