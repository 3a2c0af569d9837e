"""Write piano rolls of the scores that were rendered."""

import logging
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import typer
from tqdm import tqdm

from descant.commands import cli
from descant.corpus.notes import notes_by_track
from descant.errors import CorpusError
from descant.recordings import open_recordings
from descant.scores.notes import PERCUSSION
from descant.scores.roll import HIGHEST, LOWEST, ROWS, roll_blocks
from descant.sequences import SequenceWriter

log = logging.getLogger(__name__)


def roll(
    notes: Annotated[Path, typer.Option(help="Parquet table of the notes of all tracks that 'pack' wrote")],
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform")],
    step: Annotated[int, typer.Option(min=1, help="audio samples from one frame to the next")],
    output: Annotated[Path, typer.Option(help="folder to write the packed rolls to")],
) -> None:
    """Turn the notes of every track into frames of struck and held piano keys, float16, beside its recording.

    Percussion, and notes that a piano has no key for, are left out and counted.
    """
    waveform, by_track = open_recordings(recordings), notes_by_track(notes)
    rate, total, kept = waveform.sample_rate, 0, 0
    with SequenceWriter(output, 0, step, rate, channels=ROWS, dtype=np.float16) as writer:
        for track in tqdm(waveform.tracks(), disable=None, unit="track"):
            identity, written = next(by_track, ("", None))
            if written is None or identity != track.track:
                raise CorpusError(
                    f"track {track.track} has no notes, as recordings have none",
                    "learn from scores: set corpus.source to scores or midi",
                )
            played = written.filter(_on_piano_keys(written))
            onset, end, pitch, velocity = (played[name].to_numpy() for name in ("onset", "end", "pitch", "velocity"))
            blocks = roll_blocks(onset, end, pitch, velocity, -(-track.length // step), rate / step)
            writer.add(track.track, track.split, track.labels, blocks)
            total, kept = total + len(written), kept + len(played)
    log.info("%d notes, and %d left out: percussion, or no key of a piano", kept, total - kept)


def _on_piano_keys(notes: pa.Table) -> pa.ChunkedArray:
    pitch = notes["pitch"]
    on_keys = pc.and_(pc.greater_equal(pitch, LOWEST), pc.less_equal(pitch, HIGHEST))
    return pc.and_(on_keys, pc.not_equal(notes["program"], PERCUSSION))


if __name__ == "__main__":
    cli.run(roll)
