"""Waveforms that tests measure: packed as recordings are, and rendered as models' samples are."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio.clips import to_16_bit
from descant.audio.rendered import Rendered, open_rendered, write_rendered
from descant.recordings import open_recordings
from descant.sequences import Labels, PackedSequence, SequenceWriter

Audio = npt.NDArray[np.floating]


def record(folder: Path, tracks: Iterable[tuple[str, str, Audio, Labels]], rate: int) -> PackedSequence:
    """Pack recordings, each an id, a split, audio ``(time,)`` and labels, and open them."""
    with SequenceWriter(folder, 0, 1, rate, dtype=np.int16) as writer:
        for track, split, audio, labels in tracks:
            writer.add(track, split, labels, iter([to_16_bit(audio)]))
    return open_recordings(folder)


def render(folder: Path, samples: Audio, rate: int, primed: int = 0) -> Rendered:
    """Render samples ``(count, time)`` into a new folder, and open them."""
    folder.mkdir(parents=True)
    write_rendered(folder, iter(samples), len(samples), rate, primed)
    return open_rendered(folder)
