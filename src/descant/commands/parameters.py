"""Print parameter counts and receptive fields of every network in a configuration."""

import pandas as pd

from descant.commands import cli, options
from descant.config.root import Config
from descant.plan.plan import make_plan


def parameters(settings: options.Settings) -> None:
    """Print parameter counts and receptive fields; needs no corpus and trains nothing."""
    config = cli.parse_settings(Config, settings)
    plan = make_plan(config)
    counts = {training.name: training.size.parameters for training in plan.trained}
    print(pd.Series({name: f"{count:,}" for name, count in counts.items()}, name="parameters").to_string())
    rows = [
        {
            "model": config.models[name].title,
            "parameters in all": f"{sum(counts[training] for training in route.trainings):,}",
            "receptive field, samples": "" if field is None else f"{field:,}",
            "ms": "" if field is None else f"{1000 * field / config.audio.sample_rate:.1f}",
        }
        for name, route in plan.routes.items()
        for field in (route.receptive_field,)
    ]
    print("\n" + pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    cli.run(parameters)
