"""Play one voice on a MIDI keyboard; a network plays the others in time."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from descant.band.loop import Band, perform
from descant.band.midi import MonotonicClock, load_backend, open_ports, port_names
from descant.band.player import CONTEXT, BandPlayer, PlayerSettings, read_band
from descant.band.session import Session
from descant.band.wording import plan_text
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.band import Voice
from descant.errors import BandError
from descant.sampling.engine import DrawSettings
from descant.scores.parts import HELD, MEASURE, VOICES, Grid
from descant.seeds import derive_seed

# before the first click, seconds
PAUSE = 1.0


def band(
    model: Annotated[Path | None, typer.Option(help="a model.safetensors of the kind autoregressive_parts")] = None,
    input_port: Annotated[str, typer.Option("--input", help="MIDI input that you play on, or part of its name")] = "",
    output_port: Annotated[str, typer.Option("--output", help="MIDI output that sounds, or part of its name")] = "",
    ports: Annotated[bool, typer.Option("--ports", help="print the names of MIDI ports, and end")] = False,
    voice: Annotated[Voice, typer.Option(help="the voice that you play")] = "soprano",
    tempo: Annotated[float, typer.Option(min=20, max=300, help="quarters a minute")] = 90.0,
    lead_in: Annotated[int, typer.Option(min=1, max=2, help="measures that you play alone")] = 2,
    mute: Annotated[list[str] | None, typer.Option(help="voices that are planned and do not sound")] = None,
    metronome: Annotated[bool, typer.Option("--metronome", help="count every beat, not one measure only")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="let the tempo follow you")] = False,
    own_past: Annotated[bool, typer.Option(help="whether the network reads what it played itself")] = True,
    context: Annotated[int, typer.Option(min=3, max=64, help="measures that the network reads and draws")] = CONTEXT,
    temperature: Annotated[float, typer.Option(min=0.01, max=10, help="of the draws")] = 0.9,
    top_p: Annotated[float, typer.Option(min=0.01, max=1, help="of the draws: the nucleus")] = 0.95,
    seed: options.Seed = 1,
    threads: options.Threads = 1,
) -> None:
    """Play with a network in four parts: it counts in, hears the lead-in, then plays the other voices.

    The plan of each measure is printed before it sounds. Ctrl-C ends every note, and the program.
    """
    if ports or not (input_port and output_port):
        inputs, outputs = port_names(load_backend())
        print("\n".join(["inputs:", *(f"  {name}" for name in inputs), "outputs:", *(f"  {name}" for name in outputs)]))
        if ports:
            return
        raise BandError("no MIDI ports are named", "name one of each: --input NAME --output NAME")
    if model is None:
        raise BandError("no network is named", "give --model, a model file of the kind autoregressive_parts")
    if unknown := ", ".join(sorted(set(mute or ()) - set(VOICES))):
        raise BandError(f"--mute names {unknown}", f"name some of {', '.join(VOICES)}")
    set_up_torch(threads, 0)
    own, draw = VOICES.index(voice), DrawSettings(temperature, top_p)
    settings = PlayerSettings(own, derive_seed(seed, "band"), draw, context, own_past)
    system = read_band(model)
    # the first plan of a process is its slowest
    BandPlayer(system, settings).plan(np.full(MEASURE, HELD, np.uint8), 2)
    player, clock = BandPlayer(system, settings), MonotonicClock()

    def shown(measure: int, plan: Grid) -> None:
        print(plan_text(measure, plan, own), flush=True)

    with open_ports(input_port, output_port) as opened, ThreadPoolExecutor(1) as executor:
        # Snakemake's shells and some terminals start programs that ignore Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
        session = Session(tempo, own, clock.now() + PAUSE, lead_in, metronome, follow)
        print(f"you play the {voice}: four beats are counted, then {lead_in} of your measures heard; Ctrl-C ends")
        muted = frozenset(VOICES.index(each) for each in mute or ())
        try:
            perform(session, Band(player.plan, executor, shown, muted), clock, opened)
        except KeyboardInterrupt:
            print(f"ended; {session.missed} measures were planned too late, and left out")


if __name__ == "__main__":
    cli.run(band)
