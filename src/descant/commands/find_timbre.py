"""Find the point of a Mel2Mel's space of timbres that fits a recording of a known score best."""

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from descant.audio.mel import log_mel
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.corpus import Folder
from descant.config.find_timbre import FindTimbre
from descant.config.mel import ROLL, Mel
from descant.corpus.decode import Bounds, track_file, verify
from descant.corpus.mono import mono_blocks
from descant.corpus.playable import playable, roll_of
from descant.errors import PlayError
from descant.evaluation.material import spread_evenly
from descant.evaluation.timbre import DECIBELS
from descant.modelfile import read_model
from descant.results import write_json
from descant.scores.notes import Note
from descant.scores.roll import ROWS
from descant.sequences import INSTRUMENT
from descant.systems.find_timbre import Found, Search, cut_parts
from descant.systems.mel2mel import Mel2MelSystem
from descant.systems.restore import restore

PART_SECONDS = 4.0
# a recording's length is the score's within these factors, or so many seconds: what rings on, and silence (ours)
SHORTEST, LONGEST, SLACK_SECONDS = 0.8, 1.25, 3.0
# of a recording, below the floor of any network's frames
LOWEST_DB = -300.0


@dataclass(frozen=True)
class FoundTimbre:
    """``timbre.json``.

    Attributes:
        point: that fits best; `play` takes it as an instrument.
        loss: there.
        loss_name: which loss it is: the one that the row's network was trained on.
        instruments: the loss at every instrument's own point.
        nearest: the instrument whose point is nearest.
        distance: of it from there.
        gain_db: with it the recording is as loud as the network plays it.
        offset_seconds: by which the recording begins after the score.
        recording_seconds: length.
        score_seconds: up to the end of the last note.
        compared_seconds: of both.
    """

    point: list[float]
    loss: float
    loss_name: str
    instruments: dict[str, float]
    nearest: str
    distance: float
    gain_db: float
    offset_seconds: float
    recording_seconds: float
    score_seconds: float
    compared_seconds: float


def check_lengths(recording: str, recorded: float, score: str, written: float) -> None:
    """Refuse a recording that is no performance of a score by its length.

    Args:
        recording: its name.
        recorded: its length, seconds.
        score: its name.
        written: its length, seconds.

    Raises:
        PlayError: saying both lengths.
    """
    if min(SHORTEST * written, written - SLACK_SECONDS) <= recorded <= max(LONGEST * written, written + SLACK_SECONDS):
        return
    raise PlayError(
        f"{recording} is {recorded:.1f} s long and {score} lasts {written:.1f} s: one is not the other's performance",
        "give the score of this recording at the tempo that it is played at, or cut one of them",
    )


def choose_parts(notes: Sequence[Note], frames: int, length: int, most: int, rate: float) -> Sequence[int]:
    """The first frames of parts that are compared: those in which a note is held, spread evenly.

    Args:
        notes: of the score.
        frames: that both the score and the recording have.
        length: of a part, frames.
        most: how many parts at most.
        rate: frames a second.
    """
    held = np.zeros(frames // length + 1, dtype=bool)
    for note in notes:
        held[int(note.onset * rate) // length : int(note.end * rate) // length + 1] = True
    parts = [part * length for part in range(frames // length) if held[part]]
    return spread_evenly(parts or [frames - length], most)


def find_timbre(
    settings: Annotated[str, typer.Option(help="the section find_timbre, as JSON text")],
    mel: Annotated[str, typer.Option(help="the section mel, as JSON text")],
    mel2mel: Annotated[Path, typer.Option(help="model file of the Mel2Mel")],
    output: Annotated[Path, typer.Option(help="JSON file to write")],
    folder: Annotated[
        str, typer.Option(help="the section corpus.folder, as JSON text: what a file may decode to")
    ] = "{}",
    downmix: options.Downmixed = "auto",
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Find the timbre of a recording, given its score: the network stays as it is, and only a point of its space moves.

    Each instrument's point and their middle are tried; from those that fit best the loss is followed to where it is
    least. Nothing is drawn at random.
    """
    device = set_up_torch(threads, gpus)
    wanted, frames_of = cli.parse_settings(FindTimbre, settings), cli.parse_settings(Mel, mel)
    limits, model = cli.parse_settings(Folder, folder), read_model(mel2mel)
    system, names = restore(model, Mel2MelSystem).to(device), model.facts.learnt.labels[INSTRUMENT].names
    names = names or ("all of the corpus",)
    sample_rate, rate = model.facts.learnt.sample_rate, model.facts.by_stream[ROLL].rate
    notes = playable(wanted.score)
    written = max(note.end for note in notes)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".listening-") as name:
        bounds = Bounds(limits.max_minutes * 60, int(limits.max_decoded_gib * 2**30))
        outcome = verify(os.fsencode(wanted.recording), Path(name), bounds)
        if not outcome.is_used:
            raise PlayError(f"{wanted.recording.name} cannot be used: {outcome.reason}", "give another recording")
        check_lengths(wanted.recording.name, outcome.seconds, wanted.score.name, written)
        frames = max(1, math.floor(min(written, outcome.seconds) * rate))
        length, reach = min(frames, math.ceil(PART_SECONDS * rate)), round(wanted.offset * rate)
        starts = choose_parts(notes, frames, length, max(1, round(wanted.seconds / PART_SECONDS)), rate)
        rolls = cut_parts(roll_of(notes, math.ceil(written * rate), rate), starts, length, ROWS, 0.0)
        audio = mono_blocks(track_file(Path(name), outcome.track), sample_rate, downmix)
        heard = log_mel(audio, sample_rate, frames_of.model_copy(update={"floor_db": LOWEST_DB}))
        earlier = [start - reach for start in starts]
        recorded = cut_parts(heard, earlier, length + 2 * reach, frames_of.bands, LOWEST_DB / DECIBELS)
    if recorded.max() <= frames_of.floor_db / DECIBELS:
        raise PlayError(
            f"{wanted.recording.name} is silent where {wanted.score.name} has notes", "give the score of this recording"
        )
    found = Search(system, rolls, recorded, frames_of.floor_db / DECIBELS).run()
    seconds = outcome.seconds, written, len(starts) * length / rate
    result = _result(found, names, system, rate, seconds)
    write_json(output, result)
    point = ", ".join(f"{value:.6g}" for value in result.point)
    print(
        f"{wanted.recording.name}: point [{point}], nearest {result.nearest}; loss {result.loss:.4g}, at instruments' "
        f"own points {min(result.instruments.values()):.4g} at least"
    )


def _result(
    found: Found, names: Sequence[str], system: Mel2MelSystem, rate: float, seconds: tuple[float, float, float]
) -> FoundTimbre:
    point = found.best.point
    distances = [float(np.linalg.norm(one.point - point)) for one in found.instruments]
    nearest = int(np.argmin(distances))
    return FoundTimbre(
        point.tolist(),
        found.best.loss,
        system.headline,
        {name: fit.loss for name, fit in zip(names, found.instruments, strict=True)},
        names[nearest],
        distances[nearest],
        found.best.gain * DECIBELS,
        found.lag / rate,
        *seconds,
    )


if __name__ == "__main__":
    cli.run(find_timbre)
