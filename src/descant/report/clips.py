"""Things to listen to: what was drawn, and held-out music beside it."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from descant.audio.clips import flac_bytes
from descant.audio.facts import SampleFacts, sample_facts
from descant.audio.rendered import open_rendered
from descant.errors import SamplingError
from descant.evaluation.composed import LIST, Composed, Written
from descant.evaluation.figures import mel_figure
from descant.evaluation.material import spread_evenly
from descant.formatting import clock, decimal
from descant.recordings import read_recording
from descant.report.blocks import Clip, Picture
from descant.report.render import data_uri
from descant.results import read_json
from descant.sequences import PackedSequence


def facts_in_words(facts: SampleFacts) -> str:
    """The plain figures of a sample as one line."""
    level = "digital silence" if facts.rms_dbfs is None else f"{decimal(facts.rms_dbfs, 1)} dBFS RMS"
    percent = max(1, math.floor(100 * facts.silent_share + 0.5))
    silent = f"{percent} % of it silent" if facts.silent_share else "none of it silent"
    return f"{facts.seconds:.1f} s, peak {facts.peak:.2f}, {level}, {silent}"


def make_clip(name: str, detail: str, facts: SampleFacts, audio: bytes, figure: bytes) -> Clip:
    """Put together what there is to hear, see and say of a sample, from a FLAC and a PNG file."""
    words = facts_in_words(facts)
    shown = f"Waveform and mel spectrogram of {name}: {words}."
    return Clip(name, detail, facts.seconds, words, data_uri(audio, "audio/flac"), data_uri(figure, "image/png"), shown)


def clip_of(name: str, detail: str, audio: npt.NDArray[np.floating], sample_rate: int, title: str) -> Clip:
    """A clip of audio.

    Args:
        name: its heading.
        detail: a line under it, or empty.
        audio: floats ``(time,)`` or ``(time, channels)``, which are seen as their mean; full scale is 1.
        sample_rate: Hz.
        title: written over the figure.
    """
    mono = audio if audio.ndim == 1 else audio.mean(axis=1)
    figure = mel_figure(mono, sample_rate, title)
    return make_clip(name, detail, sample_facts(mono, sample_rate), flac_bytes(audio, sample_rate), figure)


def sample_clips(folder: Path, show: int) -> list[Clip]:
    """The first samples that a model drew; their audio is embedded as it is.

    Raises:
        SamplingError: when a file is missing.
    """
    clips = []
    for number, sample in enumerate(open_rendered(folder).samples[:show], start=1):
        audio = folder / sample.file
        try:
            content, figure = audio.read_bytes(), audio.with_suffix(".png").read_bytes()
        except OSError as error:
            problem = f"{sample.file} or its figure cannot be read: {error.strerror}"
            raise SamplingError(problem, "delete the folder of audio and run snakemake again") from error
        primed = f"its first {sample.primed / sample.sample_rate:.2f} s were given, not drawn" if sample.primed else ""
        clips.append(make_clip(f"Sample {number}", primed, sample.facts, content, figure))
    return clips


def real_clips(recordings: PackedSequence, excerpts: int, seconds: float) -> list[Clip]:
    """Excerpts from the middle of held-out tracks, spread evenly over the test split.

    Args:
        recordings: of the corpus.
        excerpts: how many at most.
        seconds: length of each; a shorter track is taken whole.
    """
    tracks = [track for track in recordings.tracks("test") if track.length]
    length, rate = max(1, round(seconds * recordings.sample_rate)), recordings.sample_rate
    clips = []
    for track in spread_evenly(tracks, excerpts):
        start = max(0, (track.length - length) // 2)
        audio = read_recording(recordings, track, start, start + length)
        name = track.labels.name or f"Track {track.track}"
        clips.append(clip_of(name, f"from {clock(start // rate)}", audio, rate, track.labels.name or track.track))
    return clips


def picture(name: str, content: bytes, words: str, size: tuple[int, int]) -> Picture:
    """A picture from a PNG file's content."""
    return Picture(name, data_uri(content, "image/png"), words, *size)


def composed_clip(folder: Path, piece: Written, title: str, name: str) -> Clip:
    """A clip of a piece that a network composed.

    Args:
        folder: of the composition.
        piece: of its list.
        title: of the clip.
        name: that assistive technology reads out.

    Raises:
        SamplingError: when its audio cannot be read.
    """
    try:
        audio, rate = soundfile.read(folder / f"{piece.file}.flac", dtype="float32")
    except (soundfile.SoundFileError, OSError) as error:
        raise unreadable(folder, error) from error
    written = (
        f"written by the network: {', '.join(piece.written)}" if piece.written else "nothing of it is the network's"
    )
    return clip_of(title, f"{piece.measures} measures; {written}", audio, rate, name)


def unreadable(folder: Path, error: Exception) -> SamplingError:
    """What is raised where a file of a composition cannot be read."""
    return SamplingError(f"{folder.name} cannot be read: {error}", "delete it and run snakemake again")


def answer_clip(folder: Path) -> Clip:
    """A clip of the answer to a composition's task: the first one, or what is left when the last voice was redone.

    Raises:
        SamplingError: when it cannot be read.
    """
    composed = read_json(Composed, folder / LIST)
    answers = [piece for piece in composed.pieces if piece.written]
    title = composed.title or "As asked"
    return composed_clip(folder, answers[-1 if composed.task == "redo" else 0], title, title)
