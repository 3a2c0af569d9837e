"""Tracks to sequences: mono, resampled, packed as 16-bit samples and, companded by mu-law, as the sequence at level 0.

Peaks are not normalised: the level of a recording is part of the music, one gain for each track would tell the
model of samples it has not heard yet, and mu-law's steps are relative, so a quiet track loses little.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from descant.audio import mulaw
from descant.audio.clips import to_16_bit
from descant.audio.files import Block, probe, read_blocks, resample_blocks, to_mono
from descant.config.corpus import Audio
from descant.corpus.decode import track_file
from descant.corpus.table import Entry
from descant.sequences import SequenceWriter

log = logging.getLogger(__name__)


def encode_track(path: Path, sample_rate: int, length_multiple: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Encode one track block by block.

    Args:
        path: of its audio.
        sample_rate: of the result, Hz.
        length_multiple: what the length is cut to a multiple of, samples.

    Yields:
        uint8 mu-law classes, each ``(steps,)``; nothing when the track is shorter than ``length_multiple``.

    Raises:
        AudioFileError: when the audio cannot be read.
    """
    return cut((mulaw.encode(block) for block in mono_blocks(path, sample_rate)), length_multiple)


def mono_blocks(path: Path, sample_rate: int) -> Iterator[Block]:
    """A track as it is before it is companded: mono, at the models' rate.

    Args:
        path: of its audio.
        sample_rate: of the result, Hz.

    Yields:
        float32, each ``(frames,)``.

    Raises:
        AudioFileError: when the audio cannot be read.
    """
    mono = (to_mono(block) for block in read_blocks(path))
    return resample_blocks(mono, probe(path).rate, sample_rate)


def cut(blocks: Iterable[npt.NDArray[np.uint8]], multiple: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Cut a stream to the largest multiple of a length that it reaches.

    Args:
        blocks: each ``(steps,)``.
        multiple: steps.

    Yields:
        Blocks of the same steps, each a multiple long, none empty.
    """
    held = np.zeros(0, dtype=np.uint8)
    for block in blocks:
        held = np.concatenate([held, block])
        whole = len(held) // multiple * multiple
        if whole:
            yield held[:whole]
            held = held[whole:]


def encode_shard(
    entries: Iterable[Entry], tracks: Path, folder: Path, waveform: Path, audio: Audio, length_multiple: int
) -> int:
    """Encode the used tracks of a shard into two sequences, no split dealt yet.

    Args:
        entries: of the shard.
        tracks: folder of their audio.
        folder: where the mu-law classes are written.
        waveform: where the 16-bit samples are written, of whole tracks.
        audio: the configuration's section.
        length_multiple: what the classes of each track are cut to a multiple of, samples.

    Returns:
        Tracks in the sequences; one that is too short is left out, and noted in the log.

    Raises:
        AudioFileError: when the audio of a track is missing or cannot be read.
    """
    kept = 0
    used = [entry for entry in entries if entry.is_used]
    rate = audio.sample_rate
    with (
        SequenceWriter(folder, mulaw.CLASSES, 1, rate) as classes,
        SequenceWriter(waveform, 0, 1, rate, dtype=np.int16) as samples,
    ):
        for entry in tqdm(used, unit="track", disable=None):
            read: list[Block] = []
            is_long_enough = False
            companded = _companded(mono_blocks(track_file(tracks, entry.track), rate), read)
            for block in cut(companded, length_multiple):
                is_long_enough = True
                classes.append(entry.track, block)
                while read:
                    samples.append(entry.track, to_16_bit(read.pop(0)))
            if not is_long_enough:
                log.info("%s: too short, %.2f s; left out", entry.source, entry.seconds)
                continue
            for rest in read:
                samples.append(entry.track, to_16_bit(rest))
            for writer in (classes, samples):
                writer.finish(entry.track, "", entry.labels)
            kept += 1
    return kept


def _companded(blocks: Iterable[Block], read: list[Block]) -> Iterator[npt.NDArray[np.uint8]]:
    """Compand blocks, each of which is added to ``read``."""
    for block in blocks:
        read.append(block)
        yield mulaw.encode(block)
