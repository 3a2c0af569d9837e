"""Print what a configuration will ask for, before it is trained."""

import pandas as pd

from descant.commands import cli, options
from descant.config.root import Config
from descant.evaluation.estimate import all_work, need_of
from descant.sequences import open_sequence

GIGABYTE = 1e9


def estimate(settings: options.Settings, sequence: options.SequenceFolder) -> None:
    """Print hours of audio, and each training's steps, parameters, memory and disk."""
    config = cli.parse_settings(Config, settings)
    audio = open_sequence(sequence)
    seconds = {split: audio.split(split)["length"].sum() / audio.rate for split in ("train", "validation", "test")}
    told = ", ".join(
        f"{split} {length / 3600:.2f} h ({len(audio.split(split))} tracks)" for split, length in seconds.items()
    )
    print(f"audio: {told}")
    if seconds["train"] < 3600:
        print("  less than an hour to learn from: expect copies and noise rather than new music")
    work = all_work(config)
    needs = [need_of(each, config.audio.sample_rate) for each in work]
    table = pd.DataFrame(
        {
            "training": [each.name for each in work],
            "members": [each.members for each in work],
            "steps": [f"{each.training.steps:,}" for each in work],
            "parameters": [f"{need.parameters:,}" for need in needs],
            "passes over the audio": [f"{need.audio_seen / seconds['train']:.1f}" for need in needs],
            "memory GB": [f"{need.memory / GIGABYTE:.2f}" for need in needs],
            "disk GB": [f"{need.disk / GIGABYTE:.2f}" for need in needs],
        }
    )
    print(table.to_string(index=False))
    for each in work:
        if each.population:
            told = f"{each.members} members of {each.population.generations} generations"
            print(f"{each.name}: {told}; each costs the steps and memory told, and leaves a state a generation")
    sequences = sum(len(audio.data) // config.hop(stack) for stack in ("audio", *config.stacks))
    print(f"largest memory of one training: {max(need.memory for need in needs) / GIGABYTE:.2f} GB")
    print(f"disk in all: {(sum(need.disk for need in needs) + sequences) / GIGABYTE:.2f} GB and the ingested tracks")


if __name__ == "__main__":
    cli.run(estimate)
