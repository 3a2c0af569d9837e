"""Play a score with a trained Mel2Mel and its vocoder."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from tqdm import tqdm

from descant.audio.files import write_flac
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.mel import MEL, ROLL
from descant.config.models import Sampling
from descant.config.play import Play
from descant.corpus.outputs import whole_file
from descant.corpus.playable import playable, roll_of
from descant.corpus.rendering import TAIL_SECONDS
from descant.modelfile import read_model
from descant.sampling.vocoding import Vocoding, read_vocoder, vocode
from descant.scores.roll import ROWS
from descant.sequences import INSTRUMENT
from descant.systems.mel2mel import Mel2MelSystem
from descant.systems.restore import restore
from descant.systems.timbre import TimbreOverTime

Frames = npt.NDArray[np.float16] | npt.NDArray[np.float32]


def _on_disk(path: Path, blocks: Iterator[Frames], shape: tuple[int, int], dtype: npt.DTypeLike) -> Frames:
    """Blocks of frames one after another in a mapped file, so that a long score takes no more memory."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    bar = tqdm(total=shape[0], disable=None, unit="frame", unit_scale=True)
    # written and then mapped: a full disk would end a process that writes to a mapping by SIGBUS, without a word
    with path.open("wb") as file, bar:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(block.astype(dtype, copy=False).tobytes())
            bar.update(len(block))
    # torch warns of arrays that cannot be written to; what is written to this one is not kept
    frames: Frames = np.load(path, mmap_mode="c")
    return frames


def play(
    settings: Annotated[str, typer.Option(help="the section play, as JSON text")],
    sampling: Annotated[str, typer.Option(help="the section sampling, as JSON text; for a vocoder that draws")],
    mel2mel: Annotated[Path, typer.Option(help="model file of the Mel2Mel")],
    vocoder: Annotated[Path, typer.Option(help="model file of the vocoder")],
    output: Annotated[Path, typer.Option(help="FLAC file to write")],
    from_first_note: Annotated[
        bool, typer.Option("--from-first-note", help="leave out the rests that it begins with")
    ] = False,
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Play a MIDI or MusicXML score with one timbre: an instrument that was learnt, a mixture, or a way between some.

    Tempo, sustain pedal and dynamics are followed. Percussion, and notes beyond a piano's keys, are left out.
    """
    device = set_up_torch(threads, gpus)
    wanted, drawn_by = cli.parse_settings(Play, settings), cli.parse_settings(Sampling, sampling)
    composer = read_model(mel2mel)
    sound = read_vocoder(vocoder, composer)
    system, frames = restore(composer, Mel2MelSystem).to(device).eval(), composer.facts.by_stream[MEL]
    names, rate = composer.facts.learnt.labels[INSTRUMENT].names, composer.facts.by_stream[ROLL].rate
    timbres = TimbreOverTime(wanted, system, names, rate)
    notes = playable(wanted.score, wanted.quarters_per_minute, wanted.seconds, from_first_note)
    count = math.ceil((max(note.end for note in notes) + TAIL_SECONDS) * rate)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".playing-") as name:
        folder = Path(name)
        rolls = _on_disk(folder / "roll.npy", roll_of(notes, count, rate), (count, ROWS), np.float16)
        shape = count, frames.channels
        mel = _on_disk(folder / "mel.npy", system.perform(rolls, timbres), shape, np.float32)
        (sounds,) = vocode(sound, [mel], [rolls], Vocoding(drawn_by, seed, threads, runs, device))
        with whole_file(output) as temporary:
            write_flac(temporary, sounds, frames.sample_rate, 1)
    print(f"{wanted.score.name}: {count / rate:.1f} s")


if __name__ == "__main__":
    cli.run(play)
