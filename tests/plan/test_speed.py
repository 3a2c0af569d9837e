"""What a training costs is its arithmetic over the machine's speed."""

from dataclasses import replace
from pathlib import Path

import pytest

from descant.config.loading import load
from descant.plan.plan import make_plan
from descant.plan.speed import SHARE, cpu_minutes, product_speed

ROOT = Path(__file__).parents[2]
PLAN = make_plan(load(ROOT / "config.yaml", ROOT / "config" / "test" / "tiny.yaml"))


@pytest.mark.parametrize("key", ["steps", "batch", "window", "accumulate"])
def test_twice_as_much_to_read_costs_twice_as_much(key: str) -> None:
    training = PLAN.trainings["large-on-audio"]
    settings = training.settings.training
    more = settings.model_copy(update={key: 2 * getattr(settings, key)})
    doubled = replace(training, settings=training.settings.model_copy(update={"training": more}))
    assert cpu_minutes(PLAN, doubled, 1e9) == pytest.approx(2 * cpu_minutes(PLAN, training, 1e9))
    assert cpu_minutes(PLAN, training, 2e9) == pytest.approx(cpu_minutes(PLAN, training, 1e9) / 2)


def test_a_population_costs_its_members_and_a_training_of_one_second_a_sixtieth() -> None:
    population = PLAN.trainings["vqvae8.vqvae8_pbt"]
    assert population.population is not None
    alone = replace(population, settings=population.settings.model_copy(update={"population": None}))
    assert cpu_minutes(PLAN, population, 1e9) == pytest.approx(
        population.population.members * cpu_minutes(PLAN, alone, 1e9)
    )
    settings = alone.settings.training
    operations = 6 * alone.size.parameters * settings.steps * settings.batch * settings.window
    assert cpu_minutes(PLAN, alone, operations / SHARE) == pytest.approx(1 / 60)


def test_a_vocoder_of_one_pass_uses_its_weights_once_a_frame() -> None:
    plan = make_plan(load(ROOT / "config.yaml", ROOT / "config" / "test" / "mel2mel.yaml"))
    vocoder = plan.trainings["oscillators-from-mel"]
    settings = vocoder.settings.training
    frames = settings.steps * settings.batch * settings.window / 128
    operations = 6 * vocoder.size.parameters * frames
    assert cpu_minutes(plan, vocoder, operations / SHARE) == pytest.approx(1 / 60)


def test_a_vqvae_uses_its_weights_at_ever_lower_rates() -> None:
    plan = make_plan(load(ROOT / "config.yaml", ROOT / "config" / "test" / "jukebox.yaml"))
    bottom = plan.trainings["bottom"]
    settings = bottom.settings.training
    # hop 8: a third of the weights at each of a half, a quarter and an eighth of the rate
    uses = settings.steps * settings.batch * settings.window * (1 / 2 + 1 / 4 + 1 / 8) / 3
    assert cpu_minutes(plan, bottom, 6 * bottom.size.parameters * uses / SHARE) == pytest.approx(1 / 60)


def test_a_processor_multiplies_more_than_a_million_times_a_second() -> None:
    assert product_speed() > 1e6
