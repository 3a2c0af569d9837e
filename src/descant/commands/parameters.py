"""Print parameter counts and receptive fields of every network in a configuration."""

import pandas as pd

from descant.commands import cli, options
from descant.config.root import Config
from descant.evaluation.estimate import all_work, count_parameters


def parameters(settings: options.Settings) -> None:
    """Print parameter counts and receptive fields; needs no corpus and trains nothing."""
    config = cli.parse_settings(Config, settings)
    counts = {work.name: count_parameters(work) for work in all_work(config)}
    print(pd.Series({name: f"{count:,}" for name, count in counts.items()}, name="parameters").to_string())
    rows = []
    for name, model in config.models.items():
        adas = [f"ada/{stack}" for stack in config.levels(name)[1:]]
        total = sum(counts[part] for part in [*adas, f"prior/{model.prior}/{config.top(name)}"])
        samples = config.receptive_field(name)
        rows.append(
            {
                "model": model.title,
                "parameters in all": f"{total:,}",
                "receptive field, samples": f"{samples:,}",
                "ms": f"{1000 * samples / config.audio.sample_rate:.1f}",
            }
        )
    print("\n" + pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    cli.run(parameters)
