"""Piano rolls: what is played, frame by frame, as a network reads it (Hawthorne et al. 2018; Kim et al. 2019)."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

# of a piano
LOWEST, HIGHEST = 21, 108
KEYS = HIGHEST - LOWEST + 1
# onsets first, then the keys that are held
ROWS = 2 * KEYS
LOUDEST = 127
BLOCK_FRAMES = 1 << 13


def roll_blocks(
    onset: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
    pitch: npt.NDArray[np.integer],
    velocity: npt.NDArray[np.integer],
    frames: int,
    rate: float,
) -> Iterator[npt.NDArray[np.float16]]:
    """Notes of one track as its roll, block by block, at a cost that is linear in notes and frames.

    A note begins in the frame that is nearest to its onset, and is held from there to the one that is nearest to its
    end, for one frame at least. Of notes that meet in one place the loudest stays.

    Args:
        onset: seconds ``(notes,)``, in any order.
        end: seconds ``(notes,)``.
        pitch: MIDI numbers ``(notes,)`` of keys of a piano, 21 to 108.
        velocity: ``(notes,)``, 1 to 127.
        frames: of the track; what begins after them is left out.
        rate: frames a second, the first one at 0 s.

    Yields:
        ``(block, 176)``: velocity / 127 of the keys that are struck in rows 0 to 87, of those that are held in rows 88
        to 175, else 0.
    """
    heard = onset * rate < frames
    first = np.minimum(np.rint(onset[heard] * rate), frames - 1)
    last = np.clip(np.rint(end[heard] * rate), first + 1, frames)
    order = np.argsort(first, kind="stable")
    first, last = first[order].astype(np.int64), last[order].astype(np.int64)
    key, loudness = (pitch[heard].astype(np.int64) - LOWEST)[order], (velocity[heard] / LOUDEST)[order]
    held = np.zeros(0, dtype=np.int64)
    for start in range(0, frames, BLOCK_FRAMES):
        stop = min(start + BLOCK_FRAMES, frames)
        begun = np.arange(*np.searchsorted(first, [start, stop]))
        block = np.zeros((stop - start, ROWS), dtype=np.float16)
        sounding = np.concatenate([held, begun])
        for note in sounding:
            begins, row = first[note] - start, key[note]
            if begins >= 0:
                block[begins, row] = max(block[begins, row], loudness[note])
            place = block[max(begins, 0) : last[note] - start, KEYS + row]
            np.maximum(place, loudness[note], out=place, casting="same_kind")
        held = sounding[last[sounding] > stop]
        yield block
