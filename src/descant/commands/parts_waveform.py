"""Play the pieces in parts that are held out, as real music to compare what networks draw with."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from descant.audio.clips import to_16_bit
from descant.commands import cli, options
from descant.config.corpus import RENDER_RATE
from descant.corpus.parts_audio import audio_of
from descant.corpus.splits import TRAIN
from descant.scores.forms import FORMS, form_of
from descant.sequences import SequenceWriter, open_checked


def parts_waveform(
    sequence: options.SequenceFolder,
    output: Annotated[Path, typer.Option(help="folder of the packed sequence to write: samples of 16 bits")],
) -> None:
    """Pack the audio of all pieces but those of training, which stay unheard."""
    packed = open_checked(sequence)
    unpacked = FORMS[form_of(packed.classes)].unpacked
    held_out = [track for track in packed.tracks() if track.split != TRAIN]
    with SequenceWriter(output, 0, 1, RENDER_RATE, dtype=np.int16) as writer:
        for track in tqdm(held_out, disable=None, unit="piece"):
            writer.add(track.track, track.split, track.labels, [to_16_bit(audio_of(unpacked(packed.steps(track))))])


if __name__ == "__main__":
    cli.run(parts_waveform)
