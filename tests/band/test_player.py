"""What the band plans: it knows what was played and announced, no more, and draws all else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_band import random_music, small_system
from small_models import model_file

from descant.band.player import BandPlayer, PlayerSettings, read_band
from descant.config.part_models import RMVAE
from descant.config.parts import PARTS
from descant.errors import BandError, ModelFileError
from descant.modelfile import write_model
from descant.sampling.engine import DrawSettings
from descant.sampling.parts import draw_parts
from descant.scores.parts import CLASSES, HELD, MEASURE, Grid
from descant.systems.rmvae import RMVAESystem

# fresh weights say one thing only, unless it is warm
DRAW = DrawSettings(4.0, 0.95)
SETTINGS = PlayerSettings(voice=1, seed=5, draw=DRAW)


def person(measures: int, seed: int = 1) -> Grid:
    return random_music(measures, seed, 1)[:, 0]


def played(player: BandPlayer, heard: Grid, lead_in: int = 1) -> list[Grid]:
    """The plans of all measures that are heard, each made two measures ahead."""
    measures = range(lead_in, len(heard) // MEASURE)
    return [player.plan(heard[: MEASURE * (measure - 1)], measure) for measure in measures]


def test_the_plan_is_drawn_from_what_was_played_and_announced() -> None:
    system, heard = small_system(), person(6)
    player = BandPlayer(system, SETTINGS)
    plans = played(player, heard, lead_in=3)
    # of measures 0 to 2 those that the person had played were imagined before; 3 to 5 were announced
    imagined = [player.plans[number].numpy() for number in range(3)]
    assert [player.plans[number].tolist() for number in range(3, 6)] == [plan.tolist() for plan in plans]
    tokens = torch.full((1, 7 * MEASURE, 4), HELD)
    tokens[0, : 6 * MEASURE] = torch.from_numpy(np.concatenate([*imagined, *plans]).astype(np.int64))
    tokens[0, : 5 * MEASURE, 1] = torch.from_numpy(heard[: 5 * MEASURE].astype(np.int64))
    fixed = torch.zeros_like(tokens, dtype=torch.bool)
    fixed[0, : 6 * MEASURE] = torch.tensor([True, False, True, True])
    fixed[0, : 5 * MEASURE, 1] = True
    expected = draw_parts(system, tokens, fixed, 5, SETTINGS.draw, stream=6)[0, 6 * MEASURE :]
    assert player.plan(heard[: 5 * MEASURE], 6).tolist() == expected.tolist()


@pytest.mark.parametrize("own_past", [True, False])
def test_what_lies_before_the_context_says_nothing(own_past: bool) -> None:
    settings = PlayerSettings(draw=DRAW, context=4, own_past=own_past)
    system, heard = small_system(), person(12)
    player, other = BandPlayer(system, settings), BandPlayer(system, settings)
    played(player, heard)
    other.plans = {number: player.plans[number] for number in (9, 10, 11)}
    changed = heard.copy()
    changed[: 9 * MEASURE] = 40
    assert np.array_equal(player.plan(heard, 12), other.plan(changed, 12))
    changed[-1] = 41
    assert not np.array_equal(player.plan(heard, 12), other.plan(changed, 12))


def test_a_band_that_does_not_read_its_past_still_keeps_to_what_it_announced() -> None:
    heard, system = person(8), small_system()
    plans = {}
    for own_past in (True, False):
        for changed in (None, 6, 7):
            player = BandPlayer(system, PlayerSettings(draw=DRAW, own_past=own_past))
            player.plans = dict(enumerate(torch.from_numpy(random_music(8, 9).astype(np.int64)).view(8, MEASURE, 4)))
            if changed is not None:
                player.plans[changed] = torch.full_like(player.plans[changed], 70)
            plans[own_past, changed] = player.plan(heard[: 7 * MEASURE], 8).tolist()
    assert plans[False, 6] == plans[False, None] != plans[False, 7]
    assert plans[True, 6] != plans[True, None] != plans[True, 7]


def test_the_first_measure_strikes_what_it_would_hold_on() -> None:
    system = small_system()
    # nearly all is held on
    with torch.no_grad():
        system.network.output.bias[HELD] += 24
    begins: tuple[list[Grid], list[Grid]] = [], []
    for seed in range(8):
        player = BandPlayer(system, PlayerSettings(seed=seed, draw=DRAW))
        for measure, rows in zip((2, 3), begins, strict=True):
            rows.append(player.plan(person(measure - 1), measure)[0])
    first, second = (np.mean(np.array(rows) == HELD) for rows in begins)
    assert first < 0.1 and second > 0.3


def test_the_same_seed_plays_the_same() -> None:
    system, heard = small_system(), person(4)
    one, same = (played(BandPlayer(system, SETTINGS), heard) for _ in range(2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, played(BandPlayer(system, PlayerSettings(voice=1, seed=6, draw=DRAW)), heard))


def test_networks_that_cannot_play_along_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BandError, match="latents") as refused:
        BandPlayer(small_system(latent=2), SETTINGS)
    assert "latent: 0" in refused.value.cure
    settings = RMVAE.model_validate({"training": {"steps": 1, "batch": 1, "window": 32}})
    weights = RMVAESystem(settings, 4, CLASSES).state_dict()
    sequence = {"stream": PARTS, "name": PARTS, "classes": CLASSES, "channels": 4}
    write_model(tmp_path / "m", model_file("rmvae", settings.model_dump(mode="json"), weights, **sequence))
    with pytest.raises(ModelFileError, match="rmvae, autoregressive_parts is needed"):
        read_band(tmp_path / "m")
