"""What is trained on is one channel of 8 bits: how it comes from a track's channels, and what is left of its music."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio import mulaw
from descant.audio.files import AudioReader, Block, resample_blocks, to_mono
from descant.config.corpus import Downmix

# The largest difference between samples that mu-law distinguishes from silence; it is just above the smallest, 8.6e-5
SILENCE = 1e-4
# The mean of channels that do not resemble each other is 3 dB below them, that of sound in one of two channels 6 dB;
# below that, channels cancel. Ours, as all below
MOST_LOST_DB = 10.0
# A part is lost where its mean is so far below its loudest channel
PART_FRAMES = 2048
PART_LOST_DB, SHARE_REMARKED, SHARE_LOST = 20.0, 0.05, 0.5
LEAST_SNR_DB, LEAST_CLASSES = 20.0, 32
EXPANDED = mulaw.decode(np.arange(mulaw.CLASSES, dtype=np.uint8))


class Mixer:
    """Mixes a track's channels to one, block by block, and measures what that loses.

    Args:
        channels: of the track.
        chosen: the channel that is taken by itself; None for the mean of all.
    """

    def __init__(self, channels: int, chosen: int | None) -> None:
        self._chosen = chosen
        self._energies = np.zeros(channels)
        self._mixed = 0.0
        self._frames = self._parts = self._lost = 0
        self.low, self.high = np.inf, -np.inf

    def mix(self, block: Block) -> Block:
        """Mix a block.

        Args:
            block: ``(frames, channels)``.

        Returns:
            float32 ``(frames,)``.
        """
        mixed = to_mono(block) if self._chosen is None else np.ascontiguousarray(block[:, self._chosen])
        if len(mixed):
            self.low, self.high = min(self.low, float(mixed.min())), max(self.high, float(mixed.max()))
            starts = np.arange(0, len(mixed), PART_FRAMES)
            # float32 sums of a part are exact enough for decibels
            mixes = np.add.reduceat(np.square(mixed), starts)
            self._mixed += float(mixes.sum(dtype=np.float64))
            self._frames += len(mixed)
            if len(self._energies) > 1:
                self._compare(np.add.reduceat(np.square(block), starts, axis=0), mixes)
        return mixed

    def _compare(self, energies: Block, mixes: Block) -> None:
        self._energies += energies.sum(axis=0, dtype=np.float64)
        loudest = energies.max(axis=1)
        is_audible = loudest > PART_FRAMES * SILENCE**2
        self._parts += int(is_audible.sum())
        self._lost += int((is_audible & (mixes < loudest * 10 ** (-PART_LOST_DB / 10))).sum())

    @property
    def power(self) -> float:
        """Mean square of the mix."""
        return self._mixed / self._frames if self._frames else 0.0

    @property
    def loudest(self) -> int:
        """The channel with the most energy, the first of those that are equal."""
        return int(self._energies.argmax())

    @property
    def lost_db(self) -> float:
        """How far the mix is below the loudest channel, decibels."""
        loudest = float(self._energies.max())
        return 10 * float(np.log10(loudest / max(self._mixed, 1e-30 * loudest))) if loudest else 0.0

    @property
    def lost_share(self) -> float:
        """Share of the parts that are no silence in which the channels cancel each other."""
        return self._lost / self._parts if self._parts else 0.0

    @property
    def cancels(self) -> bool:
        """Whether the mean of the channels is a loss of music."""
        return self.lost_db > MOST_LOST_DB or self.lost_share > SHARE_LOST


class Mono:
    """A track as it is before it is companded: mono, at the models' rate. One pass over its audio for each choice.

    Args:
        path: of its audio.
        sample_rate: of the result, Hz.
        downmix: how the channels become one; ``auto`` takes the mean, and the loudest channel where the mean cancels.

    Raises:
        AudioFileError: when the audio cannot be read.
    """

    def __init__(self, path: Path, sample_rate: int, downmix: Downmix) -> None:
        self._path, self._rate = path, sample_rate
        with AudioReader(path) as reader:
            self.channels, self._from_rate = reader.facts.channels, reader.facts.rate
        self.downmix = downmix
        self.chosen = {"left": 0, "right": min(1, self.channels - 1)}.get(downmix)
        if self.channels > 1 and downmix == "loudest":
            self.chosen = self._measured().loudest
        self.mixer = Mixer(self.channels, self.chosen)
        # what the mean of the channels came to, where it was tried
        self.mean: Mixer | None = None

    def _measured(self) -> Mixer:
        mixer = Mixer(self.channels, None)
        with AudioReader(self._path) as reader:
            for block in reader.blocks():
                mixer.mix(block)
        return mixer

    @property
    def is_certain(self) -> bool:
        """Whether the choice stands before the track was read."""
        return self.channels == 1 or self.downmix != "auto"

    def decide(self) -> None:
        """Take the loudest channel where the mean cancels, by what was read, or by reading it where nothing was."""
        mixer = self.mixer if self.mixer.high >= self.mixer.low else self._measured()
        if not self.is_certain and self.chosen is None and mixer.cancels:
            self.chosen, self.mean = mixer.loudest, mixer

    def blocks(self) -> Iterator[Block]:
        """The samples by the choice that stands, and :attr:`mixer` measures them.

        Yields:
            float32, each ``(frames,)``.

        Raises:
            AudioFileError: when the audio cannot be read.
        """
        self.mixer = Mixer(self.channels, self.chosen)
        with AudioReader(self._path) as reader:
            yield from resample_blocks(
                (self.mixer.mix(block) for block in reader.blocks()), self._from_rate, self._rate
            )


class Listener:
    """What is left of a track once it is companded to 256 classes."""

    def __init__(self) -> None:
        self._counts = np.zeros(mulaw.CLASSES, dtype=np.int64)
        self._sum = self._squares = self._noise = 0.0
        self._samples = 0
        self._low, self._high = np.inf, -np.inf

    def add(self, block: Block, classes: npt.NDArray[np.uint8]) -> None:
        """Take the next samples ``(frames,)`` and what they were companded to."""
        if not len(block):
            return
        self._counts += np.bincount(classes, minlength=mulaw.CLASSES)
        error = block - EXPANDED[classes]
        self._noise += float(np.dot(error, error))
        self._squares += float(np.dot(block, block))
        self._sum += float(block.sum(dtype=np.float64))
        self._samples += len(block)
        self._low, self._high = min(self._low, float(block.min())), max(self._high, float(block.max()))

    def verdict(self, mono: Mono, sample_rate: int) -> tuple[str, str]:
        """What people should know.

        Args:
            mono: that made the samples, and was read to its end.
            sample_rate: of the samples, Hz.

        Returns:
            Why the track cannot be trained on, or empty; and a remark, or empty.
        """
        if not self._samples or self._high - self._low < SILENCE:
            return self._silence(mono, sample_rate), ""
        remarks = [_remark_on_mix(mono)]
        mean = self._sum / self._samples
        variance = max(self._squares / self._samples - mean**2, 0.0)
        snr = 10 * np.log10(max(variance, 1e-30) / max(self._noise / self._samples, 1e-30))
        power = self._squares / self._samples
        if mono.mixer.power > power * 10 ** (MOST_LOST_DB / 10):
            lost = 10 * np.log10(mono.mixer.power / power)
            loss = f"{lost:.0f} dB of its sound are lost"
            remarks.append(f"audio.sample_rate, {sample_rate} Hz, is too low for it: {loss}")
        if mean**2 > variance:
            remarks.append(f"a constant value (DC) of {mean:.2f} in it is stronger than the sound")
        used = int(np.count_nonzero(self._counts))
        if snr < LEAST_SNR_DB or used < LEAST_CLASSES:
            level = 10 * np.log10(max(variance, 1e-30))
            left = f"{used} of its {mulaw.CLASSES} classes and a signal-to-noise ratio of {snr:.0f} dB"
            remarks.append(f"at {level:.0f} dBFS mu-law leaves {left}")
        return "", "; ".join(filter(None, remarks))

    def _silence(self, mono: Mono, sample_rate: int) -> str:
        if mono.mixer.high - mono.mixer.low >= SILENCE:
            return f"silent at audio.sample_rate, {sample_rate} Hz: all of its sound is above what that rate holds"
        if mono.chosen is None and mono.channels > 1:
            return "silent: its channels cancel each other; set corpus.downmix to auto or loudest"
        if mono.channels > 1:
            return f"silent: channel {mono.chosen + 1 if mono.chosen is not None else 1} alone is used, and is empty"
        return "silent"


def _remark_on_mix(mono: Mono) -> str:
    mixer = mono.mean or mono.mixer
    if mono.channels == 1:
        return ""
    if mono.chosen is not None and mono.is_certain:
        return ""
    remark = ""
    if mixer.lost_db > MOST_LOST_DB:
        below = f"{mixer.lost_db:.0f} dB below the loudest" if mixer.power > SILENCE**2 else "silent"
        remark = f"the mean of its channels is {below}"
    elif mixer.lost_share > SHARE_REMARKED:
        share = f"{mixer.lost_share:.0%}"
        remark = f"in {share} of it the mean of its channels is over {PART_LOST_DB:.0f} dB below the loudest"
    return f"{remark}; channel {mono.chosen + 1} alone is used" if mono.chosen is not None else remark


def mono_blocks(path: Path, sample_rate: int, downmix: Downmix) -> Iterator[Block]:
    """A track as it is before it is companded: mono, at the models' rate.

    Args:
        path: of its audio.
        sample_rate: of the result, Hz.
        downmix: how its channels become one.

    Yields:
        float32, each ``(frames,)``.

    Raises:
        AudioFileError: when the audio cannot be read.
    """
    mono = Mono(path, sample_rate, downmix)
    mono.decide()
    return mono.blocks()
