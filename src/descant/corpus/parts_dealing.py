"""Pieces in parts dealt to splits by piece and tune, and transposed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from descant.config.parts import Parts
from descant.corpus.parts import Candidate
from descant.corpus.splits import TRAIN, deal
from descant.corpus.tunes import tune_groups
from descant.errors import CorpusError
from descant.scores.forms import FORMS, PartsForm, Piece
from descant.scores.key import A_MINOR, NAMES, key_of
from descant.scores.parts import MEASURE, Range, shifts_within
from descant.sequences import Labels

HALF = 6


@dataclass(frozen=True)
class PieceRow:
    """A line of ``pieces.csv``; None where it does not apply.

    Attributes:
        piece: what it is called where it comes from.
        title: what people call it.
        artist: who wrote it.
        used: whether it is in the sequence.
        reason: why not.
        key: as written, found from its pitch classes.
        measures: of four quarters.
        group: the tune, by the id of one of its pieces; None where no other piece has it.
        split: of all its tracks.
        transposed_by: semitones from what is written to the track.
        copies: further tracks of it, each in another key.
        track: its id in the sequence.
        remarks: what was changed on the way.
    """

    piece: str
    title: str | None
    artist: str | None
    used: bool
    reason: str | None
    key: str | None
    measures: int | None
    group: str | None
    split: str | None
    transposed_by: int | None
    copies: int | None
    track: str | None
    remarks: str | None


@dataclass(frozen=True)
class PartsTrack:
    """A track of the sequence: its id, split, labels, and its grid or roll, of training in silence."""

    track: str
    split: str
    labels: Labels
    grid: Piece


def piece_id(piece: Candidate, grid: Piece) -> str:
    """The id of a piece: of its content, whatever its file is called; of a benchmark's, its place there too.

    A benchmark may hold a piece twice, and is scored as it is.
    """
    place = piece.source if piece.split else ""
    return sha256(place.encode() + grid.tobytes()).hexdigest()[:16]


def to_c(key: str | None) -> int:
    """Semitones to C major or A minor, the nearer way; 0 where there is no key."""
    if key is None:
        return 0
    at = NAMES.index(key)
    home = 0 if at < 12 else A_MINOR
    return (home - at + HALF - 1) % 12 - (HALF - 1)


def arrange(pieces: Sequence[Candidate], settings: Parts, seed: int) -> tuple[list[PieceRow], list[PartsTrack]]:
    """Decide what becomes of every piece, and make the tracks.

    A piece that occurs twice, note for note, is used once, except in a source that has splits of its own, which keeps
    them. Else they are dealt by measures, a tune with all its settings as one. Transposed copies belong to training
    alone, and what is trained on is framed in silence.

    Args:
        pieces: as they were read.
        settings: the configuration's section.
        seed: root seed.

    Returns:
        A row a piece, in the same order; and the tracks: pieces first, then their transposed copies.

    Raises:
        CorpusError: when there are too few pieces for three splits.
    """
    used: dict[str, Candidate] = {}
    form = FORMS[settings.form]
    rows = [_row(piece, used, form) for piece in pieces]
    grids = {track: piece.grid for track, piece in used.items() if piece.grid is not None}
    lines = {track: form.lines(grid) for track, grid in grids.items()}
    groups = tune_groups(lines, {track: piece.title for track, piece in used.items()})
    splits = _splits(used, grids, groups, settings, seed)
    shifts = {track: to_c(key_of(lines[track])) if settings.transpose == "c" else 0 for track in grids}
    grids = {track: form.transposed(grid, shifts[track]) for track, grid in grids.items()}
    voices = form.ranges((grid for track, grid in grids.items() if splits[track] == TRAIN), settings.voices)
    labels = {track: Labels(piece.title or piece.source, piece.artist) for track, piece in used.items()}
    tracks = [PartsTrack(track, splits[track], labels[track], grid) for track, grid in grids.items()]
    copies: dict[str, int] = {}
    if settings.transpose == "all":
        for one in [track for track in tracks if track.split == TRAIN]:
            made = list(_copies(one, voices, form))
            copies[one.track] = len(made)
            tracks += made
    tracks = [replace(one, grid=form.framed(one.grid)) if one.split == TRAIN else one for one in tracks]
    dealt = [
        replace(
            row,
            group=groups.get(row.track),
            split=splits[row.track],
            transposed_by=shifts[row.track],
            copies=copies.get(row.track, 0),
        )
        if row.used and row.track is not None
        else row
        for row in rows
    ]
    return dealt, tracks


def _row(piece: Candidate, used: dict[str, Candidate], form: PartsForm) -> PieceRow:
    """The line of a piece before it is dealt; a usable one is noted by its id."""
    row = PieceRow(
        piece.source,
        piece.title or None,
        piece.artist or None,
        used=False,
        reason=piece.reason or None,
        key=None,
        measures=None,
        group=None,
        split=None,
        transposed_by=None,
        copies=None,
        track=None,
        remarks="; ".join(piece.remarks) or None,
    )
    if piece.grid is None:
        return row
    track, key = piece_id(piece, piece.grid), key_of(form.lines(piece.grid))
    row = replace(row, track=track, measures=len(piece.grid) // MEASURE, key=key)
    if track in used:
        return replace(row, reason=f"the same notes as {used[track].source}")
    used[track] = piece
    return replace(row, used=True)


def _splits(
    used: Mapping[str, Candidate], grids: Mapping[str, Piece], groups: Mapping[str, str], settings: Parts, seed: int
) -> dict[str, str]:
    given = {track: piece.split for track, piece in used.items() if piece.split}
    if given:
        return given
    try:
        return deal({track: float(len(grid)) for track, grid in grids.items()}, settings.splits, seed, groups)
    except CorpusError as error:
        tunes = len({groups.get(track, track) for track in grids})
        raise CorpusError(
            f"parts: {len(grids)} usable pieces of {tunes} tunes, but three tunes are the least: one each for train, "
            "validation and test",
            f"add pieces in {settings.voices} parts and 4/4; the log says why others are not used",
        ) from error


def _copies(piece: PartsTrack, voices: Sequence[Range], form: PartsForm) -> Iterator[PartsTrack]:
    """A training piece in all other keys that its voices' ranges allow."""
    for shift in shifts_within(form.ranges([piece.grid], len(voices)), voices):
        name = sha256(f"{piece.track} {shift:+d}".encode()).hexdigest()[:16]
        labels = replace(piece.labels, title=f"{piece.labels.title} ({shift:+d} semitones)")
        yield PartsTrack(name, piece.split, labels, form.transposed(piece.grid, shift))
