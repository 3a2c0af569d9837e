"""Write music in four parts with a trained network: new pieces, filled and redone voices, harmonised melodies."""

import logging
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.compose import Compose
from descant.config.corpus import Scores
from descant.corpus.given_parts import read_given
from descant.corpus.outputs import whole_folder
from descant.corpus.parts_audio import render_piece
from descant.errors import SamplingError
from descant.evaluation.composed import LIST, Composed, Written
from descant.results import write_json
from descant.sampling.composers import read_composer
from descant.sampling.composing import carry_out
from descant.scores.part_writing import midi_of, musicxml_of
from descant.scores.parts import MEASURE, PITCHES, VOICES, ranges
from descant.scores.voice_leading import CHORALE_RANGES, count_voice_leading
from descant.seeds import derive_seed
from descant.sequences import open_checked

log = logging.getLogger(__name__)
# of audio of a piece; its scores are whole
MOST_SECONDS = 3600.0


def compose(
    settings: Annotated[str, typer.Option(help="the section compose, as JSON text")],
    model: options.ModelPath,
    output: Annotated[Path, typer.Option(help="folder to write: pieces as MIDI, MusicXML and FLAC, and their list")],
    title: Annotated[str, typer.Option(help="of what is written")] = "",
    name: Annotated[str, typer.Option(help="of the composition, part of the seed")] = "compose",
    sequence: Annotated[
        Path | None, typer.Option(help="the parts that the network learnt, whose voices' ranges are kept; else Bach's")
    ] = None,
    soundfont: Annotated[str | None, typer.Option(help="SF2 file that plays; else the installed one")] = None,
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write pieces in four parts, as scores and as sound.

    A score that is given must be in 4/4, each part one note at a time; off the sixteenths it is rounded.
    """
    device = set_up_torch(threads, gpus)
    asked, learnt = cli.parse_settings(Compose, settings), open_checked(sequence) if sequence else None
    facts, system = read_composer(model, learnt)
    voices = ranges(map(learnt.steps, learnt.tracks("train"))) if learnt else CHORALE_RANGES
    parts = (1, len(VOICES) - 1) if asked.task == "harmonise" else (len(VOICES), len(VOICES))
    given = None if asked.score is None else read_given(asked.score, *parts)
    answers = carry_out(system.to(device), asked, given.grid if given else None, voices, derive_seed(seed, name))
    remarks = list(given.remarks) if given else []
    pieces, sound = [], Scores(soundfont=soundfont, seconds_per_piece=MOST_SECONDS)
    with whole_folder(output) as folder:
        for answer in tqdm(answers, disable=None, unit="piece"):
            tempo, program = asked.quarters_per_minute, asked.program
            (folder / f"{answer.name}.mid").write_bytes(midi_of(answer.grid, tempo, program))
            (folder / f"{answer.name}.musicxml").write_bytes(musicxml_of(answer.grid, title))
            if not (answer.grid < PITCHES).any():
                cure = "give a longer score: of its first measures an RMVAE says nothing"
                raise SamplingError(f"the network wrote nothing but rests: {answer.title}", cure)
            remark = render_piece(answer.grid, sound, folder / f"{answer.name}.flac", tempo, program)
            remarks += [f"{answer.title}: {remark}"] if remark else []
            counted = count_voice_leading(answer.grid, voices)
            pieces.append(Written(answer.title, answer.name, len(answer.grid) // MEASURE, answer.written, counted))
        write_json(folder / LIST, Composed(title, asked.task, facts.kind, facts.steps, tuple(remarks), pieces))
    for remark in remarks:
        log.info("%s", remark)
    print(f"{len(pieces)} pieces")


if __name__ == "__main__":
    cli.run(compose)
