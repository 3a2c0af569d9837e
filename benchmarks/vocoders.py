"""Vocoders: what each makes of true mel frames after so many minutes of training on one core, and how fast it is.

    python benchmarks/vocoders.py

Pieces of the embedded corpus are rendered on the piano, each as long as ``--seconds``; every eighth is held out for the
table, every eighth for validation. Each vocoder is trained by the product's own loop for so many steps as take about
``--minutes`` of CPU time, which is measured first; with 0 it is as it begins. Of each held-out piece one clip is made
and compared with its recording: correlation of constant-Q spectra; log-spectral distance; mean absolute difference of
log-mel frames; F-measure of the notes that basic-pitch hears, against those of the score by onset (50 ms) and pitch;
and how many times faster than real time one thread makes it. The original and its mu-law stand for what can be
reached, Griffin-Lim for what needs no training.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer

from descant.audio import mulaw
from descant.audio.clips import from_16_bit, to_16_bit
from descant.audio.files import read_blocks, to_mono
from descant.audio.griffin_lim import griffin_lim
from descant.audio.mel import log_mel
from descant.config.corpus import Scores
from descant.config.mel import MEL, ROLL, Mel
from descant.config.structure import Transcription
from descant.config.vocoders import OnePassVocoder
from descant.corpus.rendering import render
from descant.corpus.scores import BUILTIN, locate, read_pieces
from descant.evaluation.cqt import cqt_correlation
from descant.evaluation.distortion import log_spectral_distance
from descant.evaluation.note_f1 import note_f1
from descant.evaluation.transcription.notes import Note as Heard
from descant.evaluation.transcription.transcriber import Transcriber
from descant.scores.notes import Note
from descant.scores.roll import ROWS, roll_blocks
from descant.sequences import Labels, PackedSequence, SequenceWriter, Track, open_sequence
from descant.systems.base import WAVEFORM
from descant.systems.one_pass_vocoder import OnePassVocoderSystem
from descant.training.devices import Devices
from descant.training.session import Session, build_trainer

RATE, FRAMES = 16000, Mel()
STEP = FRAMES.step
HELD_OUT = {3: "test", 7: "validation"}
HEADS, MINUTES = ["oscillators", "istft", "oscillators+roll", "istft+roll"], [0, 2.5]
BATCH, WINDOW_FRAMES = 8, 96
TIMED_STEPS = 30
START_SECONDS, EDGE_SECONDS = 4.0, 0.1
Audio = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Corpus:
    """Rendered pieces: their streams, and the notes of each by its track."""

    streams: dict[str, PackedSequence]
    notes: dict[str, tuple[Note, ...]]


@dataclass(frozen=True)
class Clip:
    """Of a held-out piece: samples, mel frames, roll, and the notes that begin in it, in seconds from its start."""

    audio: Audio
    mel: Audio
    roll: Audio
    notes: list[Heard]


def rendered(folder: Path, pieces: int, seconds: float) -> Corpus:
    """Render pieces, and pack them."""
    scores = Scores(limit=pieces, seconds_per_piece=seconds, render_rate=RATE)
    notes = {}
    with (
        SequenceWriter(folder / WAVEFORM, 0, 1, RATE, dtype=np.int16) as waveform,
        SequenceWriter(folder / MEL, 0, STEP, RATE, channels=FRAMES.bands, dtype=np.float16) as mel,
        SequenceWriter(folder / ROLL, 0, STEP, RATE, channels=ROWS, dtype=np.float16) as roll,
    ):
        for number, piece in enumerate(read_pieces(scores)):
            flac, track = folder / "piece.flac", f"{number:016x}"
            score = locate(BUILTIN, piece.path)
            notes[track] = render(score, piece.quarters_per_minute, 0, scores, flac).notes
            samples = to_16_bit(np.concatenate([to_mono(block) for block in read_blocks(flac)]))
            split, labels = HELD_OUT.get(number % 8, "train"), Labels(piece.title)
            waveform.add(track, split, labels, [samples])
            mel.add(track, split, labels, log_mel([from_16_bit(samples)], RATE, FRAMES))
            roll.add(track, split, labels, roll_of(notes[track], -(-len(samples) // STEP)))
    return Corpus({name: open_sequence(folder / name) for name in (WAVEFORM, MEL, ROLL)}, notes)


def roll_of(notes: tuple[Note, ...], frames: int) -> Iterator[np.ndarray[Any, np.dtype[np.float16]]]:
    """The piano roll of notes."""
    onset, end, pitch, velocity = (
        np.array([getattr(note, name) for note in notes]) for name in ("onset", "end", "pitch", "velocity")
    )
    return roll_blocks(onset, end, pitch, velocity, frames, RATE / STEP)


def mel_of(audio: Audio) -> Audio:
    """Mel frames of audio."""
    return np.concatenate(list(log_mel([audio], RATE, FRAMES))).astype(np.float32)


def clip_of(corpus: Corpus, track: Track, seconds: float) -> Clip:
    """The clip of a track, some seconds from its beginning."""
    waveform, mel, roll = (corpus.streams[name] for name in (WAVEFORM, MEL, ROLL))
    first = round(START_SECONDS * RATE / STEP)
    frames = min(round(seconds * RATE / STEP), track.length // STEP - first)
    own = next(other for other in mel.tracks() if other.track == track.track)
    begin, end = first * STEP / RATE, (first + frames) * STEP / RATE
    # notes that begin at the very edge may be heard or not
    kept = [note for note in corpus.notes[track.track] if begin + EDGE_SECONDS <= note.onset < end - EDGE_SECONDS]
    return Clip(
        from_16_bit(waveform.steps(track)[first * STEP : (first + frames) * STEP]),
        np.asarray(mel.steps(own)[first : first + frames], dtype=np.float32),
        np.asarray(roll.steps(own)[first : first + frames], dtype=np.float32),
        [Heard(note.onset - begin, note.end - begin, note.pitch, 1.0) for note in kept],
    )


def trained(
    corpus: Corpus, head: str, minutes: float, learning_rate: float, folder: Path
) -> tuple[OnePassVocoderSystem, str]:
    """A vocoder after so many minutes, and what it took."""

    def session(steps: int) -> Session:
        training = {
            "steps": steps,
            "batch": BATCH,
            "window": WINDOW_FRAMES * STEP,
            "learning_rate": learning_rate,
            "schedule": {"warmup_steps": steps // 30, "decay": "cosine", "final_fraction": 0.02},
            "betas": [0.9, 0.99],
            "weight_decay": 0.01,
            "clip_norm": 5.0,
            "average_decay": 0.98,
            "log_every": 50,
            "validate_every": 10**6,
            "checkpoint_every": 10**6,
        }
        section = OnePassVocoder.model_validate(
            {"head": head.removesuffix("+roll"), "reads_roll": "+" in head, "training": training}
        )
        return Session("one_pass_vocoder", section, folder / "runs", 1, Devices())

    def run(steps: int) -> tuple[OnePassVocoderSystem, float]:
        trainer = build_trainer(session(steps), corpus.streams)
        began = time.process_time()
        trainer.run()
        assert isinstance(trainer.averaged, OnePassVocoderSystem)
        return trainer.averaged.eval(), time.process_time() - began

    a_step = (run(1 + TIMED_STEPS)[1] - run(1)[1]) / TIMED_STEPS if minutes else 1.0
    steps = round(60 * minutes / a_step)
    system, spent = run(steps)
    return system, f"{head}, {steps} steps in {spent / 60:.1f} min" if steps else f"{head}, untrained"


def heard_f1(transcriber: Transcriber, audio: Audio, notes: list[Heard]) -> float:
    """F-measure of the notes heard, by onset and pitch."""
    last = len(audio) / RATE - EDGE_SECONDS
    heard = [note for note in transcriber.transcribe(audio, RATE) if EDGE_SECONDS <= note.start < last]
    return note_f1(notes, heard) or 0.0


def measure(name: str, clips: list[Clip], make: Callable[[Clip], Audio], transcriber: Transcriber) -> dict[str, object]:
    """A row of the table."""
    made, spent = [], 0.0
    for clip in clips:
        began = time.process_time()
        made.append(make(clip))
        spent += time.process_time() - began
    pairs = list(zip(clips, made, strict=True))
    seconds = sum(len(clip.audio) for clip in clips) / RATE
    return {
        "what": name,
        "CQT r": round(float(np.mean([cqt_correlation(clip.audio, audio, RATE) for clip, audio in pairs])), 3),
        "LSD, dB": round(float(np.mean([log_spectral_distance(clip.audio, audio) for clip, audio in pairs])), 2),
        "mel L1": round(float(np.mean([np.abs(mel_of(audio) - clip.mel).mean() for clip, audio in pairs])), 3),
        "note F1": round(float(np.mean([heard_f1(transcriber, audio, clip.notes) for clip, audio in pairs])), 3),
        "x real time": round(seconds / spent) if spent > 0.01 else "",
    }


def vocoded(system: OnePassVocoderSystem) -> Callable[[Clip], Audio]:
    """Makes a clip's audio from its mel frames."""
    return lambda clip: np.concatenate(list(system.synthesise(clip.mel, clip.roll if system.reads_roll else None, 1)))


def rows(
    corpus: Corpus, heads: list[str], minutes: list[float], learning_rate: float, folder: Path
) -> Iterator[dict[str, object]]:
    """The table."""
    clips = [clip_of(corpus, track, 10.0) for track in corpus.streams[WAVEFORM].tracks("test")]
    transcriber = Transcriber(Transcription())
    yield measure("original", clips, lambda clip: clip.audio, transcriber)
    yield measure("mu-law", clips, lambda clip: mulaw.decode(mulaw.encode(clip.audio)), transcriber)
    griffin_lim(clips[0].mel[:50], RATE, FRAMES)  # compiles
    yield measure("Griffin-Lim", clips, lambda clip: griffin_lim(clip.mel, RATE, FRAMES), transcriber)
    for head in heads:
        for length in minutes:
            system, name = trained(corpus, head, length, learning_rate, folder)
            yield measure(name, clips, vocoded(system), transcriber)


def main(
    minutes: Annotated[
        list[float], typer.Option(help="of CPU time that a head is trained for; several times")
    ] = MINUTES,
    head: Annotated[list[str], typer.Option(help="'oscillators' or 'istft'; several times")] = HEADS,
    learning_rate: Annotated[float, typer.Option(help="at its peak")] = 1.5e-3,
    pieces: Annotated[int, typer.Option(min=8, help="of the embedded list")] = 39,
    seconds: Annotated[float, typer.Option(min=20, help="rendered of each piece")] = 60.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
) -> None:
    """Print a table."""
    torch.set_num_threads(threads)
    warnings.filterwarnings("ignore", module="librosa")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        corpus = rendered(folder, pieces, seconds)
        lengths = corpus.streams[WAVEFORM].index.groupby("split")["length"].sum() / RATE
        print(", ".join(f"{split}: {length:.0f} s" for split, length in lengths.items()), flush=True)
        for number, row in enumerate(rows(corpus, head, minutes, learning_rate, folder)):
            if not number:
                print(f"| {' | '.join(row)} |\n{'|---' * len(row)}|")
            print(f"| {' | '.join(map(str, row.values()))} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
