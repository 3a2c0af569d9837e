"""Print what a configuration will ask for, before it is trained."""

import pandas as pd

from descant.commands import cli, options
from descant.config.root import Config
from descant.plan.memory import members, need_of
from descant.plan.plan import make_plan
from descant.plan.speed import cpu_minutes, product_speed
from descant.plan.starts import begin_from
from descant.plan.windows import check_windows, usable_in_words, windows
from descant.sequences import open_sequence

GIGABYTE = 1e9


def estimate(settings: options.Settings, sequence: options.SequenceFolder) -> None:
    """Print hours of audio, and each training's steps, parameters, memory and disk."""
    config = cli.parse_settings(Config, settings)
    plan, audio = begin_from(make_plan(config), config.start_from), open_sequence(sequence)
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
    needs = [need_of(training, plan.learnt(training).hop) for training in plan.trained]
    speed = product_speed()
    minutes = [] if config.gpus_per_job else [cpu_minutes(plan, training, speed) for training in plan.trained]
    table = pd.DataFrame(
        {
            "training": [training.name for training in plan.trained],
            "begins from": ["a trained network" if each.begins_trained else "fresh weights" for each in plan.trained],
            "members": [members(training) for training in plan.trained],
            "steps": [f"{training.settings.training.steps:,}" for training in plan.trained],
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
    sequences = len(audio.data) + sum(len(audio.data) // sequence.hop for sequence in plan.encoded)
    sequences += sum(len(audio.data) // made.hop * made.step_bytes for made in plan.beside)
    if minutes:
        print(
            f"trainings: about {sum(minutes):.0f} minutes of one core in all, give or take a factor of two, by the "
            "speed of this machine just now; the corpus, what is drawn and what is measured come on top"
        )
    print(f"largest memory of one training: {max(need.memory for need in needs) / GIGABYTE:.2f} GB")
    print(f"disk in all: {(sum(need.disk for need in needs) + sequences) / GIGABYTE:.2f} GB and the ingested tracks")


if __name__ == "__main__":
    cli.run(estimate)
