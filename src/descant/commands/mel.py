"""Write log-mel spectrograms of the recordings."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from descant.audio.clips import from_16_bit
from descant.audio.mel import log_mel
from descant.commands import cli, options
from descant.config.mel import Mel
from descant.recordings import open_recordings
from descant.sequences import SequenceWriter


def mel(
    settings: options.Settings,
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform")],
    output: Annotated[Path, typer.Option(help="folder to write the packed spectrograms to")],
) -> None:
    """Turn every track into frames of mel bands, float16; tracks, their order and their splits stay the same."""
    bands, waveform = cli.parse_settings(Mel, settings), open_recordings(recordings)
    waveform.check_bytes()
    rate = waveform.sample_rate
    with SequenceWriter(output, 0, bands.step, rate, channels=bands.bands, dtype=np.float16) as writer:
        for track in tqdm(waveform.tracks(), disable=None, unit="track"):
            audio = map(from_16_bit, waveform.blocks(track))
            writer.add(track.track, track.split, track.labels, log_mel(audio, rate, bands))


if __name__ == "__main__":
    cli.run(mel)
