"""Baselines of parts: closed forms, a slow reference of their contexts, what is causal, and the table."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from grids import any_grids, chorale
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.commands.parts import parts
from descant.commands.parts_baselines import parts_baselines
from descant.evaluation.ngram import picked
from descant.evaluation.parts_baselines import CLEAN, BaselineRow, PartsBaselines, measure_baselines, score
from descant.evaluation.parts_coding import NONE, START, Coding, code, contexts, fill_contexts
from descant.evaluation.parts_models import Filler, composers, copying, goes_on, last_measure, ngram, unigram
from descant.results import read_json, read_rows
from descant.scores.part_writing import midi_of
from descant.scores.parts import HELD, REST, SILENCE, Grid, sounding, transposed
from descant.statistics import Bootstrap

BOOTSTRAP = Bootstrap(100, 0.95, 1)
CODINGS: tuple[Coding, ...] = ("events", "merged")


def walks(number: int, measures: int = 3) -> list[Grid]:
    """Pieces whose voices walk about and hold most of the time."""
    found = []
    for seed in range(number):
        random = np.random.default_rng(seed)
        grid = np.full((16 * measures, 4), HELD, np.uint8)
        strikes = random.random(grid.shape) < (0.7 * (np.arange(len(grid)) % 4 == 0) + 0.1)[:, None]
        strikes[0] = True
        pitches = np.array([72, 65, 57, 48]) + random.integers(-3, 4, grid.shape)
        grid[strikes] = pitches[strikes]
        found.append(grid)
    return found


def test_codings_by_hand() -> None:
    grid = np.array([[REST, 60], [64, HELD], [HELD, 60], [REST, REST], [HELD, HELD]], np.uint8)
    events, merged = (code("a", grid, coding) for coding in CODINGS)
    assert events.tokens is grid and events.changed.tolist() == (grid != HELD).tolist()
    assert events.before.tolist() == [[START, START], [SILENCE, 60], [64, 60], [64, 60], [SILENCE, SILENCE]]
    # silence at the end is left out; the second 60 is no change
    assert merged.tokens.tolist() == [[SILENCE, 60], [64, 60], [64, 60]]
    assert merged.changed.tolist() == [[True, True], [True, False], [False, False]]
    late = np.concatenate([np.full((3, 2), HELD, np.uint8), grid])
    assert code("a", late, "merged").places.tolist() == [3, 4, 5]
    assert code("a", np.full((4, 4), REST, np.uint8), "merged").tokens.shape == (0, 4)


def slow_contexts(grid: Grid, merged: bool) -> list[list[tuple[object, ...]]]:
    """As the prototypes of JSB Chorales write them, token by token."""
    sounds, found = sounding(grid).tolist(), []
    for t in range(len(grid)):
        for v in range(grid.shape[1]):
            before = sounds[t - 1] if t else [START] * grid.shape[1]
            moved = 0 if merged else sum(value != HELD for value in grid[t, :v].tolist())
            place, up = (t % 4, moved), (sounds[t][v - 1], before[v - 1]) if v else (NONE, NONE)
            own = before[v]
            found.append(
                [
                    (v,),
                    (v, own),
                    (v, own, place),
                    (v, own, place, up[0]),
                    (v, own, place, *up),
                    (v, place, *sounds[t][:v], *before),
                ]
            )
    return found


@settings(max_examples=30)
@given(any_grids(most=20), st.sampled_from(CODINGS))
def test_contexts_tell_apart_what_the_slow_ones_do(grid: Grid, coding: Coding) -> None:
    piece = code("a", grid, coding)
    if coding == "merged":
        # the slow ones begin at the first note
        start = np.flatnonzero((sounding(grid) != SILENCE).any(1))
        if not len(start) or start[0] or start[-1] + 1 != len(grid):
            return
    slow = slow_contexts(grid, coding == "merged")
    for level, column in enumerate(contexts(piece)):
        pairs = Counter(zip(column.tolist(), (row[level] for row in slow), strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@pytest.mark.parametrize("coding", CODINGS)
def test_every_baseline_is_a_distribution_that_does_not_see_what_it_tells(coding: Coding) -> None:
    train = [code("", grid, coding) for grid in walks(4)]
    asked = code("a", walks(6)[5], coding)
    for learn in composers(train, train).values():
        model = learn()
        found = model(asked)
        assert found.shape == (asked.tokens.size, asked.classes)
        assert found.sum(1) == pytest.approx(1) and (found > 0).all()
        # another token, at step 20 of the tenor, moves no distribution up to its own
        other = asked.tokens.copy()
        other[20, 2] = 50
        changed = code("a", other, "events") if coding == "events" else _merged(other)
        at = 20 * 4 + 2
        assert np.array_equal(model(changed)[: at + 1], found[: at + 1])


def _merged(sounds: Grid):
    piece = code("a", np.where(sounds == SILENCE, REST, sounds).astype(np.uint8), "merged")
    assert piece.first == 0
    return piece


def test_unigram_is_its_closed_form() -> None:
    train = [code("", grid, "events") for grid in walks(3)]
    model = unigram(train)(train[0])
    column = np.concatenate([piece.tokens[:, 1] for piece in train])
    for token in (HELD, 65, 127):
        assert model[1, token] == pytest.approx(((column == token).sum() + 0.5) / (len(column) + 65))
    scored = score(train[0], model)
    by_hand = -np.log(model[np.arange(len(model)), train[0].tokens.reshape(-1)])
    is_changed = train[0].tokens.reshape(-1) != HELD
    assert (scored.tokens, scored.changed) == (len(model), is_changed.sum())
    assert (scored.nats, scored.nats_changed) == pytest.approx((by_hand.sum(), by_hand[is_changed].sum()))
    # the likeliest is to hold, so that what is right is what is held
    assert (scored.right, scored.right_changed) == ((~is_changed).sum(), 0)


def test_copying_by_hand() -> None:
    grid = np.full((32, 1), HELD, np.uint8)
    grid[[0, 16]] = 60
    piece = code("", grid, "events")
    assert goes_on(piece)[:2, 0].tolist() == [-1, HELD] and last_measure(piece)[15:17, 0].tolist() == [-1, 60]
    found = copying([piece], last_measure)(piece)
    # of the 16 places each was asked for once and right: (1 + 1) / (1 + 2)
    assert picked(found, piece.tokens[:, 0])[16:] == pytest.approx([2 / 3] * 16)
    held = picked(copying([piece], goes_on)(piece), piece.tokens[:, 0])
    # place 0 was asked for once, and wrong; the others twice, and right
    assert held[1] == pytest.approx(3 / 4) and held[16] == pytest.approx(2 / 3 * (2.5 / 97) / (1 - 30.5 / 97))


@pytest.mark.parametrize("coding", CODINGS)
def test_an_ngram_knows_its_training_better_and_transposed_copies_help_elsewhere(coding: Coding) -> None:
    pieces = [code("", grid, coding) for grid in walks(5)]
    model = ngram(pieces)
    seen, plain = (score(pieces[0], one(pieces[0])) for one in (model, unigram(pieces)))
    assert seen.nats < plain.nats and seen.right > plain.right
    moved = code("", transposed(walks(1)[0], 5), coding)
    helped = ngram([*pieces, moved])
    assert score(moved, helped(moved)).nats < score(moved, model(moved)).nats


@pytest.mark.parametrize("coding", CODINGS)
def test_a_filler_writes_from_its_own_past_alone(coding: Coding) -> None:
    pieces = [code("", grid, coding) for grid in [*walks(3), chorale(3)]]
    filler = Filler(pieces)
    for voice in range(4):
        hidden = pieces[3].tokens.copy()
        hidden[:, voice] = 40
        tokens, sounds = filler.fill(pieces[3], voice)
        blind = _merged(hidden) if coding == "merged" else code("", hidden, "events")
        assert np.array_equal(filler.fill(blind, voice)[0], tokens), "the true voice is not seen"
        if coding == "events":
            assert np.array_equal(sounding(tokens[:, None])[:, 0], sounds)
        found = filler.distribution(pieces[3], voice)
        assert found.sum(1) == pytest.approx(1)
        # it has learnt this very piece
        assert (sounds == pieces[3].sounds[:, voice]).mean() > 0.9


def test_contexts_of_filling_are_step_by_step_those_of_all_steps() -> None:
    piece = code("", walks(1)[0], "events")
    whole = fill_contexts(piece, 1, slice(None), piece.before[:, 1])
    for step in (0, 7, 20):
        assert np.array_equal(fill_contexts(piece, 1, step, int(piece.before[step, 1]))[:, 0], whole[:, step])


def test_the_table_has_a_row_for_everything_and_tells_clean_tunes_apart() -> None:
    grids = walks(12)
    test = {f"t{place}": grid for place, grid in enumerate(grids[6:])}
    found = measure_baselines(grids[:6], test, frozenset({"t0", "t1"}), BOOTSTRAP)
    names = {(row.task, row.coding, row.baseline, row.material) for row in found.rows}
    assert len(names) == len(found.rows) == 2 * (5 + 4) * 2
    of_clean = [row for row in found.rows if row.material == CLEAN]
    assert {row.pieces for row in of_clean} == {2} and all(row.accuracy_low is None for row in of_clean)
    for row in found.rows:
        assert 0 < row.changed_tokens < row.tokens and 0 <= row.changed_accuracy <= 1
        if row.material != CLEAN:
            assert row.nats_per_token_low is not None and row.nats_per_token_low <= row.nats_per_token
    assert [row.material for row in found.voice_leading[:2]] == ["training", "test"]
    everything = measure_baselines(grids[:6], test, frozenset(test), BOOTSTRAP)
    assert not [row for row in everything.rows if row.material == CLEAN]


def test_from_files_to_the_table(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for place, grid in enumerate(walks(10)):
        (music / f"{place}.mid").write_bytes(midi_of(grid))
    pieces, sequence = tmp_path / "pieces.csv", tmp_path / "parts"
    parts(f'{{"source":"folder","folder":"{music}","transpose":"all"}}', 1, sequence, pieces)
    output, table = tmp_path / "b.json", tmp_path / "b.csv"
    parts_baselines("{}", 1, sequence, pieces, output, table)
    assert read_json(PartsBaselines, output).rows == read_rows(BaselineRow, table)
    assert len(read_rows(BaselineRow, table)) == 18
