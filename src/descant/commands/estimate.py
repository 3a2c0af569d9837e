"""Print what a configuration will ask for, before it is trained."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from descant.commands import cli, options
from descant.config.root import Config
from descant.plan.memory import members, need_of
from descant.plan.parts import Training
from descant.plan.plan import Plan, make_plan
from descant.plan.speed import cpu_minutes, product_speed
from descant.plan.starts import begin_from
from descant.plan.windows import check_windows, usable_in_words, windows
from descant.sequences import PackedSequence, open_sequence

GIGABYTE = 1e9


def estimate(
    settings: options.Settings,
    sequence: Annotated[
        Path | None, typer.Option(help="folder of the packed audio; leave out where none is learnt")
    ] = None,
) -> None:
    """Print hours of audio, and each training's steps, parameters, memory and disk."""
    config = cli.parse_settings(Config, settings)
    plan = begin_from(make_plan(config), config.start_from)
    audio = None if sequence is None else open_sequence(sequence)
    seconds = {} if audio is None else print_audio(config, plan, audio)
    needs = [need_of(training, plan.learnt(training).hop) for training in plan.trained]
    speed = product_speed()
    minutes = [] if config.gpus_per_job else [cpu_minutes(plan, training, speed) for training in plan.trained]
    table = pd.DataFrame(
        {
            "training": [training.name for training in plan.trained],
            "begins from": [beginning(training) for training in plan.trained],
            "members": [members(training) for training in plan.trained],
            "steps": [f"{training.last - training.first:,}" for training in plan.trained],
            "parameters": [f"{training.size.parameters:,}" for training in plan.trained],
            # what learns scores passes over no audio
            "passes over the audio": [
                f"{need.audio_seen / config.audio.sample_rate / seconds['train']:.1f}"
                if plan.learnt(training).unit == "second"
                else ""
                for training, need in zip(plan.trained, needs, strict=True)
            ],
            **({"CPU minutes": [f"{each:.1f}" for each in minutes]} if minutes else {}),
            "memory GB": [f"{need.memory / GIGABYTE:.2f}" for need in needs],
            "disk GB": [f"{need.disk / GIGABYTE:.2f}" for need in needs],
        }
    )
    print(table.to_string(index=False))
    for training in plan.trained:
        if population := training.population:
            print(
                f"{training.name}: {population.members} members of {population.generations} generations; "
                "each costs the steps and memory above, and leaves a state a generation"
            )
    steps = 0 if audio is None else len(audio.data)
    sequences = steps + sum(steps // encoded.hop for encoded in plan.encoded)
    sequences += sum(steps // made.hop * made.step_bytes for made in plan.beside)
    if minutes:
        print(
            f"trainings: about {sum(minutes):.0f} minutes of one core in all, give or take a factor of two, by the "
            "speed of this machine just now; the corpus, what is drawn and what is measured come on top"
        )
    print(f"largest memory of one training: {max(need.memory for need in needs) / GIGABYTE:.2f} GB")
    besides = "" if audio is None else " and the ingested tracks"
    print(f"disk in all: {(sum(need.disk for need in needs) + sequences) / GIGABYTE:.2f} GB{besides}")


def beginning(training: Training) -> str:
    """What its weights are at first, for people."""
    if training.before:
        return f"step {training.first:,}"
    return "a trained network" if training.begins_trained else "fresh weights"


def print_audio(config: Config, plan: Plan, audio: PackedSequence) -> dict[str, float]:
    """Print what there is to learn from, and return the seconds of each split.

    Raises:
        CorpusError: when no track of a split fills a window.
    """
    seconds = {split: audio.split(split)["length"].sum() / audio.rate for split in ("train", "validation", "test")}
    hours = ", ".join(
        f"{split} {length / 3600:.2f} h ({len(audio.split(split))} tracks)" for split, length in seconds.items()
    )
    print(f"audio: {hours}")
    if seconds["train"] < 3600:
        print("  less than an hour to learn from: expect copies and noise rather than new music")
    asked = windows(config, plan)
    lengths = {split: (audio.split(split)["length"] * audio.hop).tolist() for split in seconds}
    check_windows(asked, lengths, audio.sample_rate)
    for line in usable_in_words(asked, lengths, audio.sample_rate):
        print(f"  {line}")
    return seconds


if __name__ == "__main__":
    cli.run(estimate)
