"""What samples continue: the end of a stretch of a recording, as audio and as the codes of every level.

A prime is encoded by itself, so that its codes know nothing of what came after it in the recording. It is cut at its
start to whole codes of the top level, so that what is drawn follows its last sample.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from descant.audio import mulaw
from descant.audio.clips import from_16_bit, to_16_bit
from descant.audio.facts import sample_facts
from descant.audio.files import AudioFileError
from descant.config.corpus import Downmix
from descant.config.models import Prime
from descant.corpus.mono import mono_blocks
from descant.errors import SamplingError
from descant.recordings import read_recording
from descant.sequencefacts import smallest_dtype
from descant.sequences import PackedSequence, Track
from descant.systems.ada import ADASystem
from descant.systems.vqvae import VQVAESystem

HELD_OUT = ("validation", "test")
Waveforms = npt.NDArray[np.int16]


def read_prime(prime: Prime, recordings: PackedSequence, count: int, downmix: Downmix) -> Waveforms:
    """The stretches that samples continue, as they were recorded.

    Args:
        prime: which recording, and which part of it.
        recordings: of the corpus; a file is resampled to their rate.
        count: samples that are drawn.
        downmix: how the channels of a file become one, as the corpus' do.

    Returns:
        int16 ``(1, samples)`` where all samples continue one recording, else ``(count, samples)``.

    Raises:
        SamplingError: when there is no such recording, it is too short, cannot be read, or is silent.
    """
    rate = recordings.sample_rate
    first, length = round(prime.start * rate), max(1, round(prime.seconds * rate))
    if prime.file is not None:
        name = f"sampling.prime.file {prime.file}"
        return _checked(name, _from_file(Path(prime.file), first, length, rate, downmix), length, rate)[None]
    rows = []
    for track in _tracks(str(prime.track), recordings, count):
        audio = to_16_bit(read_recording(recordings, track, first, first + length))
        rows.append(_checked(f"track {track.track} of sampling.prime.track", audio, length, rate))
    return np.stack(rows)


def _tracks(wanted: str, recordings: PackedSequence, count: int) -> list[Track]:
    """The track of each sample, or the one of all."""
    if wanted in HELD_OUT:
        tracks = recordings.tracks(wanted)
        return [tracks[number % len(tracks)] for number in range(count)]
    tracks = [track for track in recordings.tracks() if track.track == wanted]
    cure = "give 'test', 'validation', or the id of a track of these splits in results/corpus/tracks.csv"
    if not tracks:
        raise SamplingError(f"sampling.prime.track is {wanted!r}, and the corpus has no such track", cure)
    if tracks[0].split not in HELD_OUT:
        raise SamplingError(f"sampling.prime.track {wanted} was trained on: it may be known by heart", cure)
    return tracks


def _from_file(path: Path, first: int, length: int, rate: int, downmix: Downmix) -> Waveforms:
    if not path.is_file():
        raise SamplingError(
            f"sampling.prime.file names {path}, and there is no such file",
            "give the path of a recording, seen from the folder that snakemake runs in",
        )
    parts, done = [np.zeros(0, np.float32)], 0
    try:
        for block in mono_blocks(path, rate, downmix):
            parts.append(block[max(0, first - done) : max(0, first + length - done)])
            done += len(block)
            if done >= first + length:
                break
    except AudioFileError as error:
        raise SamplingError(
            f"sampling.prime.file {path} cannot be read: {error.problem}", "convert it to FLAC or WAV"
        ) from error
    audio = np.concatenate(parts)
    if not np.isfinite(audio).all():
        raise SamplingError(f"sampling.prime.file {path} holds samples that are no numbers", "give another recording")
    return to_16_bit(audio)


def _checked(name: str, audio: Waveforms, length: int, rate: int) -> Waveforms:
    if len(audio) < length:
        raise SamplingError(
            f"{name} ends {(length - len(audio)) / rate:.2f} s before the prime does",
            "lower sampling.prime.start or sampling.prime.seconds",
        )
    if sample_facts(from_16_bit(audio), rate).silent_share == 1:
        raise SamplingError(f"{name} is silent where the prime is", "set sampling.prime.start to where there is sound")
    return audio


def cut_to_codes(waveforms: Waveforms, hop: int, rate: int) -> Waveforms:
    """Cut primes ``(rows, samples)`` at their start to whole codes of so many samples.

    Raises:
        SamplingError: when they are shorter than one code.
    """
    length = waveforms.shape[1] // hop * hop
    if not length:
        raise SamplingError(
            f"a prime of {waveforms.shape[1]} samples is shorter than one code of the top level, {hop} samples",
            f"set sampling.prime.seconds to at least {math.ceil(1000 * hop / rate) / 1000:g}",
        )
    return waveforms[:, -length:]


def encode_levels(
    waveforms: Waveforms, adas: Sequence[ADASystem], device: torch.device
) -> list[npt.NDArray[np.unsignedinteger[Any]]]:
    """Primes as the steps of every level.

    Args:
        waveforms: ``(rows, samples)``, whole codes of the top level.
        adas: the stack, bottom first.
        device: that the ADAs are on.

    Returns:
        The mu-law classes ``(rows, samples)``, then the codes of each level ``(rows, codes)``, bottom first.
    """
    levels: list[npt.NDArray[np.unsignedinteger[Any]]] = [mulaw.encode(from_16_bit(waveforms))]
    for ada in adas:
        rows = [np.concatenate(list(ada.code_blocks(row, device))) for row in levels[-1]]
        levels.append(np.stack(rows).astype(smallest_dtype(ada.codes)))
    return levels


def encode_each(
    waveforms: Waveforms, coders: Sequence[VQVAESystem], device: torch.device
) -> list[npt.NDArray[np.unsignedinteger[Any]]]:
    """Primes as the codes of levels that each encode the waveform by themselves.

    Args:
        waveforms: ``(rows, samples)``, whole codes of every level.
        coders: the levels, finest first.
        device: that they are on.

    Returns:
        The codes of each level ``(rows, codes)``, finest first.
    """
    return [
        np.stack([np.concatenate(list(coder.code_blocks(row, device))) for row in waveforms]).astype(
            smallest_dtype(coder.codes)
        )
        for coder in coders
    ]
