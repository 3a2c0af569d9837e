"""A trained Mel2Mel on whole held-out tracks: its three losses by instrument.

    python benchmarks/mel2mel.py results/training/small-from-roll/model.safetensors

Validation during training looks at windows of some seconds; here each track is played from end to end. Rows are means
over the frames of a split's tracks: all of them, then those of each instrument. The sequences are those of its run.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from descant.config.mel import MEL, ROLL
from descant.modelfile import check_streams, read_model
from descant.sequences import INSTRUMENT, open_sequence
from descant.systems.mel2mel import SCALES, Mel2MelSystem, squared_error
from descant.systems.restore import restore

ALL = "all"


def main(
    model: Annotated[Path, typer.Argument(help="model.safetensors of a Mel2Mel, in the results of its run")],
    threads: Annotated[int, typer.Option(help="CPU threads")] = 1,
) -> None:
    """Print the losses of validation and test tracks, by instrument."""
    torch.set_num_threads(threads)
    file = read_model(model)
    streams = {name: open_sequence(model.parents[2] / "sequences" / name) for name in (MEL, ROLL)}
    check_streams(file, streams)
    system = restore(file, Mel2MelSystem)
    ids = {name: number for number, name in enumerate(file.facts.learnt.labels[INSTRUMENT].names, start=1)}
    rows = []
    for split in ("validation", "test"):
        for of_mel, of_roll in zip(*(streams[name].tracks(split) for name in (MEL, ROLL)), strict=True):
            true, roll = (
                torch.from_numpy(np.asarray(streams[name].steps(track), np.float32))[None]
                for name, track in ((MEL, of_mel), (ROLL, of_roll))
            )
            with torch.inference_mode():
                timbre = system.timbres(torch.tensor([ids.get(of_mel.labels.instrument, 0)]))
                said = system.play(roll, timbre)
                losses = {loss: float(squared_error(loss, said, true)) * of_mel.length for loss in SCALES}
            for instrument in (ALL, of_mel.labels.instrument):
                rows.append({"split": split, INSTRUMENT: instrument, "tracks": 1, "frames": of_mel.length, **losses})
    total = pd.DataFrame(rows).groupby(["split", INSTRUMENT], sort=False).sum()
    total[list(SCALES)] = total[list(SCALES)].div(total["frames"], axis=0)
    print(total.drop(columns="frames").to_string(float_format=lambda value: f"{value:.5f}"))


if __name__ == "__main__":
    typer.run(main)
