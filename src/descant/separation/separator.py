"""What every separator is: 44.1 kHz stereo in, the mix and its stems out, block by block in step."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from descant.audio.files import Block, probe, read_blocks, resample_blocks, to_mono
from descant.errors import DescantError

RATE = 44100
CHANNELS = 2
ACCOMPANIMENT, VOCALS = "accompaniment", "vocals"


class SeparationError(DescantError):
    """Separation cannot start or go on."""


class TrackError(Exception):
    """This one track cannot be separated; the rest can."""


@dataclass(frozen=True)
class Separated:
    """A stretch of a track.

    Attributes:
        mix: float32 ``(frames, 2)``, what was separated.
        stems: float32 ``(frames, 2)`` each, the same stretch of every stem, by its name.
    """

    mix: Block
    stems: Mapping[str, Block]


class StemNetwork(Protocol):
    """A network that separates a stream.

    Attributes:
        bandwidth: Hz; the network leaves nothing above it in any stem.
    """

    bandwidth: float

    def separate(self, blocks: Iterable[Block]) -> Iterator[Separated]:
        """Separate a stream in constant memory.

        Args:
            blocks: float32 ``(frames, 2)`` at 44.1 kHz.

        Yields:
            Stretches that laid end to end are as long as the blocks.

        Raises:
            SeparationError: when the network cannot go on.
        """
        ...

    def close(self) -> None:
        """Free what the network holds."""
        ...


class Separator(Protocol):
    """Takes tracks apart.

    Attributes:
        name: what people read: method, model, what it runs on.
        bandwidth: Hz; nothing above it is in any stem, and checks look below it.
        has_all_stems: whether the stems must add up to the mix.
    """

    name: str
    bandwidth: float
    has_all_stems: bool

    def separate(self, track: Path, source: str) -> Iterator[Separated]:
        """Separate a track in constant memory.

        Args:
            track: file of its audio, of any rate and any number of channels.
            source: its name in the corpus, as it can be shown.

        Yields:
            Stretches at 44.1 kHz.

        Raises:
            TrackError: when this track cannot be separated.
            SeparationError: when no track can.
            AudioFileError: when the track cannot be read.
        """
        ...

    def close(self) -> None:
        """Free what the separator holds."""
        ...


class NetworkSeparator:
    """Separates with a network that is loaded once for all tracks.

    Args:
        name: what people read.
        network: loaded.
    """

    has_all_stems = True

    def __init__(self, name: str, network: StemNetwork) -> None:
        self.name = name
        self.bandwidth = network.bandwidth
        self._network = network

    def separate(self, track: Path, source: str) -> Iterator[Separated]:
        """Separate a track; its name is not needed."""
        return self._network.separate(stereo_blocks(track))

    def close(self) -> None:
        """Free the network."""
        self._network.close()


def stereo(block: Block) -> Block:
    """Make two channels of any number: mono is doubled, more than two are mixed by their mean and doubled.

    Args:
        block: float32 ``(frames, channels)``.

    Returns:
        float32 ``(frames, 2)``.
    """
    mixed = block if block.shape[1] == CHANNELS else to_mono(block)[:, None]
    return np.broadcast_to(mixed, (len(block), CHANNELS))


def stereo_blocks(path: Path | bytes) -> Iterator[Block]:
    """Read an audio file as 44.1 kHz stereo in constant memory.

    Args:
        path: of an audio file.

    Yields:
        float32 ``(frames, 2)``, never empty.

    Raises:
        AudioFileError: when it cannot be read.
    """
    rate = probe(path).rate
    sides = itertools.tee(stereo(block) for block in read_blocks(path))
    channels = (resample_blocks(_channel(side, n), rate, RATE) for n, side in enumerate(sides))
    # both come in blocks of the same lengths, as what soxr gives out follows the lengths of its input alone
    for pair in zip(*channels, strict=True):
        yield np.stack(pair, axis=1)


def _channel(blocks: Iterable[Block], number: int) -> Iterator[Block]:
    for block in blocks:
        yield block[:, number]
