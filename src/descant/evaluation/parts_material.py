"""The pieces of a packed sequence of parts, as they were before any was transposed, by split."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from descant.corpus.parts_dealing import PieceRow
from descant.corpus.splits import TEST, TRAIN, VALIDATION
from descant.errors import CorpusError
from descant.results import read_rows
from descant.scores.forms import FORMS, Piece, form_of
from descant.scores.parts import unframed
from descant.sequences import PackedSequence


@dataclass(frozen=True)
class Pieces:
    """Pieces to learn from and to score.

    Attributes:
        train: grids, uint8 ``(steps, voices)``, or rolls, without the silence around them, and no
            transposed copies.
        validation: grids that choose settings, as those of the test.
        test: grids by the ids of their tracks, in the order of the sequence.
        clean: test tracks whose tune is in no training piece.
    """

    train: list[Piece]
    validation: list[Piece]
    test: Mapping[str, Piece]
    clean: frozenset[str]


def read_pieces(packed: PackedSequence, pieces: Path) -> Pieces:
    """The pieces of a sequence.

    Args:
        packed: the sequence ``parts``.
        pieces: CSV table of the pieces that ``parts`` wrote.

    Raises:
        CorpusError: when the table names a track that the sequence lacks.
        ResultError: when it cannot be read.
    """
    unpacked = FORMS[form_of(packed.classes)].unpacked
    grids = {track.track: unpacked(packed.steps(track)) for track in packed.tracks()}
    rows = {row.track: row for row in read_rows(PieceRow, pieces) if row.used and row.track}
    if lost := [row.piece for track, row in rows.items() if track not in grids]:
        raise CorpusError(f"{pieces} names {lost[0]}, which is not in {packed.name}", "delete both and run again")
    of_split = {
        split: {track: grid for track, grid in grids.items() if track in rows and rows[track].split == split}
        for split in (TRAIN, VALIDATION, TEST)
    }
    tunes = {rows[track].group or track for track in of_split[TRAIN]}
    clean = frozenset(track for track in of_split[TEST] if (rows[track].group or track) not in tunes)
    train = [unframed(grid) for grid in of_split[TRAIN].values()]
    return Pieces(train, list(of_split[VALIDATION].values()), of_split[TEST], clean)
