"""Measure the space of timbres of a Mel2Mel: its map, and ways between instruments, to see and to hear."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from tqdm import tqdm

from descant.audio.mel import band_edges
from descant.audio.rendered import write_rendered
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import TimbreMap
from descant.config.mel import MEL, ROLL
from descant.config.models import Sampling
from descant.corpus.outputs import whole_folder
from descant.evaluation.timbre import (
    NO_AUDIO,
    NO_MORPH,
    Array,
    Morph,
    Plane,
    Sounding,
    TimbreSummary,
    backward_step,
    choose_passage,
    grid,
    mean_energy,
    spectral_centroid,
)
from descant.modelfile import check_streams, read_model
from descant.results import write_json
from descant.sampling.vocoding import Vocoding, read_vocoder, vocode
from descant.sequences import INSTRUMENT, open_checked
from descant.systems.mel2mel import Mel2MelSystem
from descant.systems.restore import restore
from descant.systems.timbre import find_instrument

# points that are played side by side
BATCH = 16


class Passage:
    """A passage, as a system plays it at any points of its space.

    Args:
        system: on its device.
        roll: ``(frames, 2 * keys)``.
        edges: of the mel bands, Hz.
        plane: of the map.
    """

    def __init__(self, system: Mel2MelSystem, roll: npt.NDArray[np.float32], edges: Array, plane: Plane) -> None:
        self._system, self._edges, self._plane = system, edges, plane
        self._roll = torch.from_numpy(roll).to(system.timbres.table.weight.device)

    @torch.inference_mode()
    def play(self, points: Array) -> npt.NDArray[np.float32]:
        """Log-mel frames ``(points, frames, bands)`` of points ``(points, dimensions)``."""
        timbres = torch.from_numpy(points).to(self._roll)
        return np.asarray(self._system.play(self._roll.expand(len(points), -1, -1), timbres).float().cpu().numpy())

    def measure(self, points: Array) -> Array:
        """Centroid in Hz and energy in dB, ``(points, 2)``, of points ``(points, dimensions)``."""
        measured = []
        for start in tqdm(range(0, len(points), BATCH), disable=None, unit="batch"):
            mel = self.play(points[start : start + BATCH])
            measured.append(np.stack([spectral_centroid(mel, self._edges), mean_energy(mel)], -1))
        return np.concatenate(measured)

    def soundings(self, points: Array) -> list[Sounding]:
        """The same, with their places on the map."""
        rows = np.concatenate([self._plane.places(points), self.measure(points)], -1)
        return [Sounding(*row) for row in rows.tolist()]


def _pairs(settings: TimbreMap, names: Sequence[str], found: Sequence[Sounding]) -> list[tuple[int, int]]:
    """The instruments with a way between them, by their numbers."""
    if settings.pairs is not None:
        return [(find_instrument(start, names), find_instrument(end, names)) for start, end in settings.pairs]
    by_centroid = sorted(range(len(found)), key=lambda number: found[number].centroid_hz)
    return [(by_centroid[0], by_centroid[-1])] if len(found) > 1 else []


def timbres(
    settings: Annotated[str, typer.Option(help="the section evaluation.timbre, as JSON text")],
    sampling: Annotated[str, typer.Option(help="the section sampling, as JSON text; for a vocoder that draws")],
    rolls: Annotated[Path, typer.Option(help="folder of the packed rolls")],
    mel2mel: Annotated[Path, typer.Option(help="model file of the Mel2Mel")],
    output: Annotated[Path, typer.Option(help="folder to write: summary.json, map.npy, and audio where it is made")],
    vocoder: Annotated[
        list[Path] | None, typer.Option(help="model file of its vocoder; without one nothing is to be heard")
    ] = None,
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Play one passage of a test track at the points of a map and on ways between instruments, and measure it."""
    device = set_up_torch(threads, gpus)
    wanted, composer, packed = cli.parse_settings(TimbreMap, settings), read_model(mel2mel), open_checked(rolls)
    check_streams(composer, {ROLL: packed})
    system, frames = restore(composer, Mel2MelSystem).to(device), composer.facts.by_stream[MEL]
    names = composer.facts.learnt.labels[INSTRUMENT].names or ("all of the corpus",)
    table = system.timbres.table.weight.detach().cpu().double().numpy()
    plane = Plane.of(table)
    track, start, roll = choose_passage(packed, wanted.seconds)
    passage = Passage(system, roll, band_edges(frames.sample_rate, frames.channels), plane)
    found = passage.soundings(table)
    places = grid(plane.places(table), wanted.margin, wanted.points)
    measured = passage.measure(plane.points(places).reshape(-1, table.shape[1]))
    shares = np.linspace(0, 1, wanted.steps)[:, None]
    pairs = _pairs(wanted, names, found)
    ways = [table[one] + shares * (table[other] - table[one]) for one, other in pairs]
    morphs = []
    for (one, other), way in zip(pairs, ways, strict=True):
        points = passage.soundings(way)
        morphs.append(Morph(names[one], names[other], points, backward_step([each.centroid_hz for each in points])))
    summary = TimbreSummary(
        track=track.labels.name or track.track,
        start=start / packed.rate,
        seconds=len(roll) / packed.rate,
        dimensions=table.shape[1],
        shown=plane.shown,
        x=(places[0, 0, 0], places[0, -1, 0]),
        y=(places[0, 0, 1], places[-1, 0, 1]),
        instruments=[replace(each, name=name) for each, name in zip(found, names, strict=True)],
        morphs=morphs,
        missing=[*([] if pairs else [NO_MORPH]), *([] if vocoder else [NO_AUDIO])],
    )
    with whole_folder(output) as folder:
        np.save(folder / "map.npy", np.moveaxis(measured.reshape(*places.shape), -1, 0).astype(np.float32))
        if vocoder and pairs:
            (folder / "audio").mkdir()
            sound, drawn_by = read_vocoder(vocoder[0], composer), cli.parse_settings(Sampling, sampling)
            mels = [mel for way in ways for mel in passage.play(way)]
            by = Vocoding(drawn_by, seed, threads, runs, device)
            sounds = (np.concatenate([*blocks]) for blocks in vocode(sound, mels, [roll] * len(mels), by))
            write_rendered(folder / "audio", sounds, len(pairs) * wanted.steps, frames.sample_rate)
        write_json(folder / "summary.json", summary)


if __name__ == "__main__":
    cli.run(timbres)
