"""Reconstruction by level: excerpts of test tracks, decoded from their true codes, against the originals.

A feed-forward decoder gives one waveform. A stack's decoder samples: it draws one of the many that go with the codes,
so its signal-to-noise ratio is low by nature; two draws of the same codes show how far that alone sets them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from descant.audio import mulaw
from descant.audio.files import Block
from descant.config.evaluation import Reconstruction
from descant.errors import SamplingError, SequenceError
from descant.evaluation.distortion import log_spectral_distance, snr_db, spectral_convergence_db
from descant.evaluation.material import Excerpt, spread_evenly, white_noise
from descant.npy import map_array
from descant.recordings import read_recording
from descant.sequences import PackedSequence, Track, filled

DRAWS = 2  # the least that show how far draws are apart
MULAW, OTHER, NOISE = "mu-law alone", "another test track", "white noise of the same level"
COLUMNS = (
    "rendering", "track", "start", "samples", "snr_db", "lsd_db", "convergence_db", "draws_snr_db", "draws_lsd_db",
    "added_lsd_db",
)  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """Part of a track, counted in audio samples."""

    track: Track
    start: int
    length: int


def choose_stretches(audio: PackedSequence, settings: Reconstruction) -> list[Stretch]:
    """The middles of test tracks, spread evenly over the split; tracks that are too short are left out.

    Raises:
        SequenceError: when the sequence is not audio.
    """
    if audio.hop != 1 or audio.classes != mulaw.CLASSES:
        raise SequenceError("the sequence holds codes, which are no audio", "give the sequence named 'audio'")
    length = max(1, round(settings.seconds * audio.sample_rate))
    tracks = [track for track in audio.tracks("test") if track.length >= length]
    chosen = spread_evenly(tracks, settings.excerpts)
    return [Stretch(track, (track.length - length) // 2, length) for track in chosen]


def pieces_of(stretches: Sequence[Stretch]) -> list[str]:
    """What each stretch is music of: its track, or of rendered scores the piece by name, which several may play."""
    tracks = [stretch.track for stretch in stretches]
    rendered = [track.labels.title and track.labels.instrument for track in tracks]
    return [track.labels.piece if named else track.track for track, named in zip(tracks, rendered, strict=True)]


def instruments_of(stretches: Sequence[Stretch]) -> list[str]:
    """What plays each stretch; empty where it is not known."""
    return [stretch.track.labels.instrument for stretch in stretches]


def others_of(pieces: Sequence[str]) -> list[int] | None:
    """For each stretch the place of the next one that is of another piece; None where all are of one."""
    if len(set(pieces)) < 2:
        return None
    twice = [*enumerate(pieces), *enumerate(pieces)]
    return [next(at for at, other in twice[place + 1 :] if other != piece) for place, piece in enumerate(pieces)]


def tracks_of(stretches: Sequence[Stretch], made: PackedSequence, what: str) -> list[Track]:
    """The track of each stretch in a sequence that was made of the audio, or beside it.

    Args:
        stretches: of :func:`choose_stretches`.
        made: the other sequence.
        what: its steps are, for the error.

    Raises:
        SequenceError: when it does not have these tracks, at these lengths.
    """
    tracks = {track.track: track for track in made.tracks("test")}
    found = [tracks.get(stretch.track.track) for stretch in stretches]
    same = [
        track
        for track, stretch in zip(found, stretches, strict=True)
        if track is not None and track.length == -(-stretch.track.length // made.hop)
    ]
    if len(same) < len(found):
        raise SequenceError(
            f"the {what} are not of the audio's test tracks", "delete results/sequences and run snakemake again"
        )
    return same


def codes_of(stretches: Sequence[Stretch], codes: PackedSequence) -> npt.NDArray[np.int64]:
    """The true codes that cover stretches, all of them as often as they are drawn.

    A stretch may begin and end within a code: what is drawn beyond it is left out by :func:`cut_draws`.

    Args:
        stretches: of :func:`choose_stretches`, at least one.
        codes: a stack's packed codes.

    Returns:
        int64 ``(draws * stretches, codes)``, the first draw of all before the second.

    Raises:
        SequenceError: when it holds no codes of these tracks.
    """
    rows = []
    for stretch, track in zip(stretches, tracks_of(stretches, codes, "codes"), strict=True):
        first = stretch.start // codes.hop
        # one more than the length takes, for a stretch that begins within a code; at a track's end the last once more
        count = -(-stretch.length // codes.hop) + 1
        rows.append(filled(codes.steps(track)[first : first + count], count))
    return np.tile(np.stack(rows).astype(np.int64), (DRAWS, 1))


def cut_draws(drawn: npt.NDArray[np.uint8], stretches: Sequence[Stretch], hop: int) -> npt.NDArray[np.uint8]:
    """What was drawn of the codes of stretches, cut to the stretches.

    Args:
        drawn: mu-law classes ``(draws * stretches, codes * hop)``.
        stretches: of :func:`choose_stretches`, in the order of :func:`codes_of`.
        hop: audio samples to a code.

    Returns:
        ``(draws * stretches, length)``.

    Raises:
        SequenceError: when it was drawn of other codes.
    """
    starts = [stretch.start % hop for stretch in stretches] * DRAWS
    length = stretches[0].length
    if drawn.shape != (len(starts), (-(-length // hop) + 1) * hop):
        raise SequenceError("the ADAs given are not those of the codes", "give every ADA of the stack")
    return np.stack([row[start : start + length] for row, start in zip(drawn, starts, strict=True)])


def read_originals(stretches: Sequence[Stretch], recordings: PackedSequence) -> list[Block]:
    """Stretches as they were recorded, before they were companded.

    Args:
        stretches: of :func:`choose_stretches`.
        recordings: of the same corpus.

    Returns:
        float32 ``(length,)`` each.

    Raises:
        SequenceError: when they are not the recordings of these tracks.
    """
    tracks = {track.track: track for track in recordings.tracks("test")}
    originals = []
    for stretch in stretches:
        track, stop = tracks.get(stretch.track.track), stretch.start + stretch.length
        if track is None or track.length < stop:
            raise SequenceError(
                "the recordings are not of the audio's test tracks", "delete results/sequences and run snakemake again"
            )
        originals.append(read_recording(recordings, track, stretch.start, stop))
    return originals


def read_draws(path: Path, stretches: Sequence[Stretch]) -> npt.NDArray[np.uint8]:
    """What was drawn of a stack's codes: mu-law classes ``(draws, stretches, samples)``.

    Raises:
        SamplingError: when the file is torn or holds another number of samples.
    """
    cure = f"delete {path} and run snakemake again"
    try:
        drawn = map_array(path)
    except (OSError, ValueError) as error:
        raise SamplingError(f"{path} cannot be read: {error}", cure) from error
    if not stretches:
        return np.zeros((DRAWS, 0, 0), np.uint8)
    if drawn.shape != (DRAWS * len(stretches), stretches[0].length) or drawn.dtype != np.uint8:
        raise SamplingError(f"{path} does not hold {DRAWS} draws of each excerpt", cure)
    return np.asarray(drawn.reshape(DRAWS, len(stretches), -1))


def measure_renderings(
    stretches: Sequence[Stretch],
    originals: Sequence[Block],
    companded: Sequence[npt.NDArray[np.uint8]],
    drawn: Mapping[str, npt.NDArray[np.uint8]],
    below: Mapping[str, str | None],
    decoded: Mapping[str, Sequence[Block]],
    sample_rate: int,
    seed: int,
) -> pd.DataFrame:
    """Compare every rendering of every excerpt with its original.

    Args:
        stretches: the excerpts.
        originals: of each, before it was companded, float32 ``(samples,)``.
        companded: of each, mu-law classes ``(samples,)``.
        drawn: by stack, of :func:`read_draws`, in the order in which they are shown.
        below: the one among them that each stands upon; None where that is the audio.
        decoded: by level, what its feed-forward decoder makes of each excerpt, float32 ``(samples,)``.
        sample_rate: Hz.
        seed: of the noise.

    Returns:
        A row a rendering and excerpt, ``COLUMNS``: quantisation alone (the floor), every stack's first draw, what each
        feed-forward decoder makes, and two ceilings: the excerpt of another track, and noise. ``draws_*`` compare the
        second draw with the first; ``added_lsd_db`` is what the top level adds to the distance of the rendering below
        it. What is not defined is absent (NaN).
    """
    rows: list[dict[str, object]] = []
    for number, (stretch, original) in enumerate(zip(stretches, originals, strict=True)):
        quantised = mulaw.decode(companded[number])
        noise = white_noise(Excerpt(stretch.track.track, float(stretch.start), original), seed).audio
        rows.append(_row(MULAW, stretch, original, quantised, sample_rate))
        for stack, draws in drawn.items():
            first, second = (mulaw.decode(draw[number]) for draw in draws)
            row = _row(stack, stretch, original, first, sample_rate)
            row["draws_snr_db"] = snr_db(first, second)
            row["draws_lsd_db"] = log_spectral_distance(first, second)
            rows.append(row)
        for level, made in decoded.items():
            rows.append(_row(level, stretch, original, made[number], sample_rate))
        if len(originals) > 1:
            rows.append(_row(OTHER, stretch, original, originals[number - 1], sample_rate))
        rows.append(_row(NOISE, stretch, original, noise, sample_rate))
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({name: "float64" for name in COLUMNS[4:]})
    for stack in drawn:
        own, under = (
            frame[frame["rendering"] == name].set_index("track")["lsd_db"] for name in (stack, below[stack] or MULAW)
        )
        frame.loc[frame["rendering"] == stack, "added_lsd_db"] = (own - under).to_numpy()
    return frame


def _row(rendering: str, stretch: Stretch, original: Block, audio: Block, sample_rate: int) -> dict[str, object]:
    return {
        "rendering": rendering,
        "track": stretch.track.track,
        "start": stretch.start,
        "samples": stretch.length,
        "snr_db": snr_db(original, audio),
        "lsd_db": log_spectral_distance(original, audio),
        "convergence_db": spectral_convergence_db(original, audio, sample_rate),
    }
