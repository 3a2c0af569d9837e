"""Tracks to sequences: mono, resampled, packed as 16-bit samples and, companded by mu-law, as the sequence at level 0.

Peaks are not normalised: the level of a recording is part of the music, one gain for each track would leak
samples that the model has not heard yet, and mu-law's steps are relative, so a quiet track loses little.
"""

import dataclasses
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from descant.audio import mulaw
from descant.audio.clips import to_16_bit
from descant.audio.files import BLOCK_FRAMES
from descant.config.corpus import Audio, Downmix
from descant.corpus.decode import track_file
from descant.corpus.mono import Listener, Mono
from descant.corpus.table import Entry
from descant.sequences import SequenceWriter

log = logging.getLogger(__name__)
Sample = TypeVar("Sample", bound=np.generic)


def encode_shard(
    entries: Iterable[Entry],
    tracks: Path,
    folder: Path,
    waveform: Path,
    audio: Audio,
    downmix: Downmix = "auto",
) -> tuple[Entry, ...]:
    """Encode the used tracks of a shard into two sequences of the same lengths, no split dealt yet.

    Every track is whole: no network's hop cuts it.

    Args:
        entries: of the shard.
        tracks: folder of their audio.
        folder: where the mu-law classes are written.
        waveform: where the 16-bit samples are written.
        audio: the configuration's section.
        downmix: how a track's channels become one.

    Returns:
        All entries in their order: a track that is silent is set aside, and a used one has as many seconds
        as are trained on, and a remark on what mixing and mu-law took from it.

    Raises:
        AudioFileError: when the audio of a track is missing or cannot be read.
    """
    rate, encoded = audio.sample_rate, []
    with (
        SequenceWriter(folder, mulaw.CLASSES, 1, rate) as classes,
        SequenceWriter(waveform, 0, 1, rate, dtype=np.int16) as samples,
        _Spool(folder) as spool,
    ):
        for entry in tqdm(list(entries), unit="track", disable=None):
            if not entry.is_used:
                encoded.append(entry)
                continue
            mono = Mono(track_file(tracks, entry.track), rate, downmix)
            failure, remark = spool.fill(mono, rate)
            if failure:
                log.info("%s: %s; left out", entry.source, failure)
                encoded.append(entry.set_aside(failure))
                continue
            for block in spool.waveform():
                samples.append(entry.track, block)
            for steps in spool.classes():
                classes.append(entry.track, steps)
            for writer in (classes, samples):
                writer.finish(entry.track, "", entry.labels)
            reason = "; ".join(filter(None, [entry.reason, remark]))
            encoded.append(dataclasses.replace(entry, seconds=round(spool.samples / rate, 6), reason=reason))
    return tuple(encoded)


class _Spool:
    """A track as it is trained on, on disk while it is decided whether and how it is; a context that deletes it.

    Args:
        folder: where there is room.
    """

    def __init__(self, folder: Path) -> None:
        with ExitStack() as stack:
            self._waveform, self._classes = (stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(2))
            self._closing = stack.pop_all()
        self.samples = 0

    def fill(self, mono: Mono, sample_rate: int) -> tuple[str, str]:
        """Take a track, once more where its channels turn out to cancel each other; see :meth:`Listener.verdict`."""
        listener = self._read(mono)
        if not mono.is_certain:
            before = mono.chosen
            mono.decide()
            if mono.chosen != before:
                listener = self._read(mono)
        return listener.verdict(mono, sample_rate)

    def _read(self, mono: Mono) -> Listener:
        for file in (self._waveform, self._classes):
            file.seek(0)
            file.truncate()
        self.samples = 0
        listener = Listener()
        for block in mono.blocks():
            classes = mulaw.encode(block)
            listener.add(block, classes)
            self._waveform.write(to_16_bit(block).tobytes())
            self._classes.write(classes.tobytes())
            self.samples += len(block)
        return listener

    def waveform(self) -> Iterator[npt.NDArray[np.int16]]:
        """16-bit samples, each ``(steps,)``."""
        return _blocks(self._waveform, np.int16)

    def classes(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Mu-law classes, each ``(steps,)``."""
        return _blocks(self._classes, np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()


def _blocks(file: IO[bytes], kind: type[Sample]) -> Iterator[npt.NDArray[Sample]]:
    file.seek(0)
    while data := file.read(BLOCK_FRAMES * np.dtype(kind).itemsize):
        yield np.frombuffer(data, dtype=kind)
