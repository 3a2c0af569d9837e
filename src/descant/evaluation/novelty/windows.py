"""The windows that are searched for: of drawn audio, of held-out tracks, and of training tracks planted as copies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from descant.audio import mulaw
from descant.audio.rendered import Rendered
from descant.evaluation.material import Excerpt, spread_evenly
from descant.recordings import read_recording
from descant.seeds import derive_seed
from descant.sequences import PackedSequence, Track

# how far below the copy the noise lies that is planted with it, dB
NOISE_DB = 20.0
SEMITONE = 2 ** (1 / 12)


@dataclass(frozen=True)
class Cut:
    """How audio is cut into windows.

    Attributes:
        length: of a window, samples.
        hop: from one to the next, samples.
    """

    length: int
    hop: int

    def starts(self, samples: int) -> list[int]:
        """Where windows begin in so many samples, so that all are covered; none where they are shorter than one."""
        last = samples - self.length
        return [] if last < 0 else list(dict.fromkeys([*range(0, last, self.hop), last]))


def drawn_windows(rendered: Rendered, cut: Cut) -> list[Excerpt]:
    """Windows of what a model drew, by the number of the sample; what it was primed with is not searched."""
    return [
        Excerpt(str(number), start / rendered.sample_rate, rendered.read(number, start, start + cut.length))
        for number, sample in enumerate(rendered.samples)
        for start in cut.starts(sample.drawn)
    ]


def held_out_windows(recordings: PackedSequence, cut: Cut, most: int) -> list[Excerpt]:
    """Windows of validation and test tracks, at most so many, spread evenly over all of them."""
    tracks = [*recordings.tracks("validation"), *recordings.tracks("test")]
    places = [(track, start) for track in tracks for start in cut.starts(track.length)]
    return [_excerpt(recordings, *place, cut.length) for place in spread_evenly(places, most)]


def planted_windows(
    recordings: PackedSequence, length: int, count: int, seed: int, transpose: bool = False
) -> list[npt.NDArray[np.float32]]:
    """Copies as a model might draw them: excerpts of training tracks with a little noise, through mu-law.

    Args:
        recordings: of the corpus.
        length: samples of each.
        count: how many; fewer only where no training track is that long.
        seed: of the draw.
        transpose: whether each is resampled to sound a semitone higher or lower, and as much faster or slower.
    """
    read = int(length * SEMITONE) + 2 if transpose else length
    tracks = [track for track in recordings.tracks("train") if track.length >= read]
    if not tracks:
        return []
    random = np.random.default_rng(derive_seed(seed, "planted", length, int(transpose)))
    # a track as often as it is long
    shares = np.array([track.length for track in tracks], dtype=np.float64)
    planted = []
    for number in random.choice(len(tracks), count, p=shares / shares.sum()):
        track = tracks[int(number)]
        audio = _excerpt(recordings, track, int(random.integers(track.length - read + 1)), read).audio
        if transpose:
            ratio = SEMITONE ** int(random.choice([-1, 1]))
            audio = soxr.resample(audio, ratio, 1.0)[:length]
        level = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) * 10 ** (-NOISE_DB / 20)
        noisy = audio + level * random.standard_normal(len(audio))
        # the coarsest numbers that any family of models draws
        planted.append(mulaw.decode(mulaw.encode(noisy)))
    return planted


def _excerpt(recordings: PackedSequence, track: Track, start: int, length: int) -> Excerpt:
    audio = read_recording(recordings, track, start, start + length)
    return Excerpt(track.track, start / recordings.sample_rate, audio)


def covered_seconds(parts: Sequence[tuple[float, float]]) -> float:
    """Seconds that intervals ``(start, end)`` cover together."""
    total, reached = 0.0, -np.inf
    for start, end in sorted(parts):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return float(total)
