"""Baselines of music in parts, each learnt by counting: a distribution for every token of a piece."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from descant.evaluation.ngram import Distribution, WittenBell
from descant.evaluation.parts_coding import START, Piece, contexts, fill_contexts
from descant.scores.parts import HELD, MEASURE, PITCHES, SILENCE, Grid

# of every token, before any is counted (Krichevsky & Trofimov 1981)
PRIOR = 0.5
NOTHING = -1

Model = Callable[[Piece], Distribution]
Expected = Callable[[Piece], npt.NDArray[np.int64]]


def unigram_table(pieces: Sequence[Piece]) -> Distribution:
    """How often each voice has each token, float64 ``(voices, classes)``: (count + ½) / (all + ½ · classes)."""
    classes, voices = pieces[0].classes, pieces[0].tokens.shape[1]
    counts = np.full((voices, classes), PRIOR)
    for piece in pieces:
        for voice, column in enumerate(piece.tokens.T):
            counts[voice] += np.bincount(column, minlength=classes)
    table: Distribution = counts / counts.sum(1, keepdims=True)
    return table


def unigram(pieces: Sequence[Piece]) -> Model:
    """Each voice's own frequencies of tokens, whatever came before."""
    table = unigram_table(pieces)
    return lambda piece: np.tile(table, (len(piece.tokens), 1))


def goes_on(piece: Piece) -> npt.NDArray[np.int64]:
    """The token with which every voice goes on as it is ``(steps, voices)``; NOTHING at the first step."""
    before = piece.before.astype(np.int64)
    on = np.full_like(before, HELD) if piece.coding == "events" else before
    return np.where(before == START, NOTHING, on)


def last_measure(piece: Piece) -> npt.NDArray[np.int64]:
    """The token of the same place in the measure before ``(steps, voices)``; NOTHING in the first one."""
    expected = np.full(piece.tokens.shape, NOTHING, np.int64)
    expected[MEASURE:] = piece.tokens[:-MEASURE]
    return expected


def copying(pieces: Sequence[Piece], expected: Expected) -> Model:
    """An expected token, with the share of the time that it comes at this place of the measure; else the unigrams.

    Args:
        pieces: of training.
        expected: :func:`goes_on` or :func:`last_measure`.
    """
    table, voices = unigram_table(pieces), pieces[0].tokens.shape[1]
    hits, asked = np.ones(MEASURE), np.full(MEASURE, 2.0)
    for piece in pieces:
        guess = expected(piece)
        place = np.broadcast_to(piece.places[:, None], guess.shape)[guess != NOTHING]
        asked += np.bincount(place, minlength=MEASURE)
        hits += np.bincount(place, (guess == piece.tokens)[guess != NOTHING], minlength=MEASURE)
    shares = hits / asked

    def distribution(piece: Piece) -> Distribution:
        guess = expected(piece).reshape(-1)
        share = np.repeat(shares[piece.places], voices)
        found = np.tile(table, (len(piece.tokens), 1))
        rows = np.flatnonzero(guess != NOTHING)
        others = 1 - found[rows, guess[rows]]
        found[rows] *= ((1 - share[rows]) / others)[:, None]
        found[rows, guess[rows]] = share[rows]
        return found

    return distribution


def ngram(pieces: Sequence[Piece]) -> Model:
    """Witten-Bell n-gram over steps, and over voices within a step: see :func:`descant.evaluation.parts_coding`."""
    known = np.concatenate([contexts(piece) for piece in pieces], axis=1)
    tokens = np.concatenate([piece.tokens.reshape(-1) for piece in pieces])
    counted = WittenBell(known, tokens, pieces[0].classes)
    return lambda piece: counted.distribution(contexts(piece))


def composers(pieces: Sequence[Piece], transposed: Sequence[Piece]) -> Mapping[str, Callable[[], Model]]:
    """The baselines that predict the next token, by name; each is learnt when it is called for.

    Args:
        pieces: of training.
        transposed: the same, and in all other keys.
    """
    return {
        "unigram": lambda: unigram(pieces),
        "hold": lambda: copying(pieces, goes_on),
        "last measure": lambda: copying(pieces, last_measure),
        "n-gram": lambda: ngram(pieces),
        "n-gram, transposed": lambda: ngram(transposed),
    }


class Filler:
    """A Witten-Bell n-gram of one missing voice, all of the others known.

    Args:
        pieces: of training.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        voices = range(pieces[0].tokens.shape[1])
        pairs = [(piece, voice) for piece in pieces for voice in voices]
        known = np.concatenate([_teacher_forced(piece, voice) for piece, voice in pairs], axis=1)
        tokens = np.concatenate([piece.tokens[:, voice] for piece, voice in pairs])
        self._counted = WittenBell(known, tokens, pieces[0].classes)

    def distribution(self, piece: Piece, voice: int) -> Distribution:
        """Of every token of a voice ``(steps, classes)``, its own true past known too."""
        return self._counted.distribution(_teacher_forced(piece, voice))

    def fill(self, piece: Piece, voice: int) -> tuple[Grid, Grid]:
        """Write a voice, always the likeliest token, from its own past as it was written.

        Returns:
            Its tokens, and what sounds, each ``(steps,)``.
        """
        tokens, sounds = (np.empty(len(piece.tokens), np.uint8) for _ in range(2))
        own = START
        for step in range(len(tokens)):
            known = fill_contexts(piece, voice, step, own)
            tokens[step] = self._counted.distribution(known)[0].argmax()
            own = heard_after(int(tokens[step]), own) if piece.coding == "events" else int(tokens[step])
            sounds[step] = own
        return tokens, sounds


def heard_after(token: int, before: int) -> int:
    """What sounds at a token of the coding of events, given what sounded before."""
    if token == HELD:
        return SILENCE if before == START else before
    return token if token < PITCHES else SILENCE


def _teacher_forced(piece: Piece, voice: int) -> npt.NDArray[np.uint64]:
    return fill_contexts(piece, voice, slice(None), piece.before[:, voice])
