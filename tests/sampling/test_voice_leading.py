"""Rules that drawing keeps to: what they count is what the count of voice leading says, and drawn music breaks none."""

from functools import cache

import numpy as np
import pytest
import torch
from grids import any_grids
from hypothesis import given
from hypothesis import strategies as st
from part_rules import Rules
from torch import Tensor

from descant.config.part_models import AutoregressiveParts
from descant.errors import SamplingError
from descant.layers.parts import sounding
from descant.sampling.parts import draw_parts, redraw_parts
from descant.sampling.rests import NoRests
from descant.sampling.voice_leading import PENALTY, VoiceLeadingRules
from descant.scores.parts import CLASSES, HELD, PITCHES, REST, Grid, Range
from descant.scores.voice_leading import CHORALE_RANGES, count_voice_leading
from descant.systems.autoregressive_parts import AutoregressivePartsSystem

VOICES, STEPS = 4, 64
RULES = VoiceLeadingRules(CHORALE_RANGES)
NARROW = (Range(62, 75), Range(59, 72), Range(57, 70), Range(55, 68))
ALTO = 1


@cache
def system() -> AutoregressivePartsSystem:
    torch.manual_seed(0)
    training = {"steps": 1, "batch": 1, "window": 16}
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": training})
    built = AutoregressivePartsSystem(section, VOICES, CLASSES)
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return built.eval()


def breaches(grid: Grid, ranges: tuple[Range, ...] = CHORALE_RANGES) -> int:
    found = count_voice_leading(grid, ranges)
    return sum((found.parallel_fifths, found.parallel_octaves, found.crossings, found.wide, found.out_of_range))


def breaches_of_all(tokens: Tensor) -> int:
    return sum(breaches(grid) for grid in tokens.numpy().astype(np.uint8))


def nothing(batch: int = 3) -> tuple[Tensor, Tensor]:
    return torch.full((batch, STEPS, VOICES), REST), torch.zeros(batch, STEPS, VOICES, dtype=torch.bool)


def music(batch: int = 3) -> Tensor:
    """Pitches within the ranges, held half of the time."""
    random = torch.Generator().manual_seed(5)
    struck = [torch.randint(own.low, own.high + 1, (batch, STEPS), generator=random) for own in CHORALE_RANGES]
    held = torch.rand(batch, STEPS, VOICES, generator=random) < 0.5
    return torch.where(held, HELD, torch.stack(struck, -1))


def test_music_that_is_drawn_with_rules_breaks_none() -> None:
    tokens, fixed = nothing()
    drawn = draw_parts(system(), tokens, fixed, 1, rules=RULES)
    assert breaches_of_all(drawn) == 0 and int((drawn < PITCHES).sum()) > drawn.numel() / 8
    assert breaches_of_all(draw_parts(system(), tokens, fixed, 1)) > STEPS


@pytest.mark.parametrize("order", [(0, 3, 1, 2), (0, 1, 2, 3), (3, 2, 1, 0)])
def test_what_is_filled_adds_no_breach_to_those_of_what_is_fixed(order: tuple[int, ...]) -> None:
    # measures of voices here and there, which break rules among themselves
    tokens, blocks = music(), torch.rand(3, STEPS // 16, VOICES, generator=torch.Generator().manual_seed(2)) < 0.5
    fixed = blocks.repeat_interleave(16, 1)
    filled = draw_parts(system(), tokens, fixed, 1, order=order, rules=RULES)
    assert torch.equal(filled[fixed], tokens[fixed])
    assert breaches_of_all(filled) == breaches_of_all(torch.where(fixed, tokens, REST)) > 0


def test_a_sweep_with_rules_heals_any_music_and_clean_music_stays_clean() -> None:
    tokens, fixed = music(), nothing()[1]
    healed = redraw_parts(system(), tokens, fixed, 1, 1, rules=RULES)
    assert breaches_of_all(tokens) > STEPS and breaches_of_all(healed) == 0
    assert breaches_of_all(redraw_parts(system(), healed, fixed, 1, 2, rules=RULES)) == 0


@given(any_grids(most=12), st.data())
def test_a_breach_is_what_the_count_has_more_than_with_a_rest(grid: Grid, data: st.DataObject) -> None:
    # fifths and octaves, moved a little, so that much is parallel
    grid = np.where(grid < PITCHES, [74, 67, 62, 55] + grid % 3, grid).astype(np.uint8)
    step, voice = data.draw(st.integers(0, len(grid) - 1)), data.draw(st.integers(0, VOICES - 1))
    known = np.ones(grid.shape, bool)
    ahead = st.lists(st.booleans(), min_size=VOICES, max_size=VOICES)
    known[step:] = data.draw(st.lists(ahead, min_size=len(grid) - step, max_size=len(grid) - step))
    # upper voices have no unknown one between them: that rule is ours, and its test the next
    known[:, ALTO] = True
    known[step, voice] = False
    found = VoiceLeadingRules(NARROW).breaches(
        torch.from_numpy(grid.astype(np.int64))[None], torch.from_numpy(known)[None], step, voice
    )
    rests = np.where(known, grid, REST).astype(np.uint8)

    def counted(token: int) -> int:
        """In each pair with the voice; a voice at the bottom that rests lets the spacing of those above be counted."""
        now = rests.copy()
        now[step, voice] = token
        total = count_voice_leading(now, NARROW).out_of_range
        for other in {*range(VOICES)} - {voice}:
            pair = now[:, sorted((other, voice))]
            if max(other, voice) < VOICES - 1 and abs(other - voice) == 1:
                pair = np.insert(pair, 2, REST, axis=1)
            total += breaches(pair, (Range(0, 127),) * pair.shape[1])
        return total

    rest = counted(REST)
    assert [counted(token) - rest for token in range(CLASSES)] == found[0].tolist()


@given(any_grids(most=12), st.permutations(range(VOICES)), st.data())
def test_what_a_step_breaks_is_what_the_tables_say_of_each_token_given_those_before(
    grid: Grid, order: list[int], data: st.DataObject
) -> None:
    # some sequences, of pitches that are near each other, and some of their tokens known
    near = np.where(grid < PITCHES, 60 + grid % 16, grid).astype(np.int64)
    tokens = torch.from_numpy(np.stack([near, near[:, ::-1], np.roll(near, 1, 0)]))
    step, voices = data.draw(st.integers(0, len(grid) - 1)), order[: data.draw(st.integers(1, VOICES))]
    random = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    known = torch.rand(tokens.shape, generator=random) < 0.7
    known[:, :step] = True
    known[:, step, voices] = False
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(grid), max_size=len(grid))))
    for rules in (VoiceLeadingRules(NARROW), NoRests(allowed, VoiceLeadingRules(NARROW))):
        found, given_before = rules.breaks(tokens, known, step, voices), known.clone()
        for place, voice in enumerate(voices):
            numbers = rules(tokens, given_before, step, voice).gather(1, tokens[:, step, voice, None])[:, 0]
            assert torch.equal(found[:, place], numbers < 0)
            given_before[:, step, voice] = True


def test_the_same_tokens_are_drawn_where_each_is_looked_up_in_the_table_of_all() -> None:
    tokens = music(2)[:, :32]
    fixed = torch.rand(2, 2, VOICES, generator=torch.Generator().manual_seed(3)).lt(0.3).repeat_interleave(16, 1)
    drawn, looked_up = (draw_parts(system(), tokens, fixed, 7, rules=rules) for rules in (RULES, Rules(RULES)))
    assert torch.equal(drawn, looked_up) and not torch.equal(drawn, draw_parts(system(), tokens, fixed, 7))


def test_what_each_token_breaks_by_hand() -> None:
    tokens = torch.tensor([[[72, 65, 57, 45], [74, 67, 59, 47]]])
    known = torch.ones_like(tokens, dtype=torch.bool)
    known[:, 1, 1:3] = False

    def free(voice: int) -> list[int]:
        costs = RULES(tokens, known, 1, voice)[0]
        assert (costs / PENALTY).tolist() == (-RULES.breaches(tokens, known, 1, voice)[0]).tolist()
        return (costs == 0).nonzero()[:, 0].tolist()

    # no more than an octave below the soprano, nor above it; 67 is in fifths with it
    assert free(ALTO) == [*range(62, 67), *range(68, 75), HELD, REST]
    # no more than two below the soprano, so that the alto has room; 59 is in octaves with the bass
    assert free(2) == [*range(50, 59), *range(60, 70), HELD, REST]
    known[:, 1, ALTO] = True
    # nor one below the alto, nor above that
    assert free(2) == [*range(55, 59), *range(60, 68), HELD, REST]
    # what is held crosses the bass, with which 58 is in unison after an octave
    tokens[:, 1, 3] = 58
    assert free(2) == [*range(59, 68), REST]


def test_what_is_held_on_counts_until_the_next_note_and_into_it() -> None:
    tokens = torch.tensor([[[72, REST], [72, REST], [67, HELD], [69, 62]]])
    known = torch.ones_like(tokens, dtype=torch.bool)
    known[0, 1, 1] = False
    found = VoiceLeadingRules((Range(0, 127),) * 2).breaches(tokens, known, 1, 1)[0, :PITCHES]
    # above 67 it crosses in one step, above 72 in two; any C below makes fifths
    pitches = np.arange(PITCHES)
    assert (found == (pitches > 67) + 1 * (pitches > 72) + ((pitches < 67) & (pitches % 12 == 0))).all()


def test_sequences_do_not_depend_on_each_other_nor_on_how_long_ago_a_note_was_struck() -> None:
    tokens, step = music(), 40
    tokens[:, 2:step] = torch.where(
        torch.arange(step - 2)[:, None] < torch.tensor([0, 5, 20, 36]), tokens[:, 2:step], HELD
    )
    known = torch.rand(tokens.shape, generator=torch.Generator().manual_seed(1)) < 0.8
    known[:, :step] = True
    struck_again = tokens.clone()
    struck_again[:, step - 1] = sounding(tokens, CLASSES)[:, step - 1]
    for voice in range(VOICES):
        found = RULES.breaches(tokens, known, step, voice)
        assert (found == RULES.breaches(struck_again, known, step, voice)).all()
        each = [RULES.breaches(*one, step, voice) for one in zip(tokens[:, None], known[:, None], strict=True)]
        assert (found == np.concatenate(each)).all() and found.any(-1).all()


def test_every_voice_has_a_range() -> None:
    tokens, known = nothing()
    with pytest.raises(SamplingError, match="has 4 voices, the rules 3"):
        VoiceLeadingRules(CHORALE_RANGES[:3])(tokens, known, 0, 0)
