"""Tracks dealt to train, validation and test: whole recordings, by share of the audio, the same for the same seed.

Every recording has a place between 0 and 1, drawn from the seed and its content, which no other recording changes. Test
is dealt from the bottom of the places, validation from the top, and train is what lies between. Two wishes meet here:

- *shares*: test and validation hold their shares of the audio as nearly as whole recordings allow, whatever the seed;
- *stability*: a recording that is added, or taken away, moves no other one.

No rule has both: one that never moves a recording must deal each by itself, as if tossing a coin, and of ten recordings
none may then be for test. **Shares win**, but leave slack: a held-out split may be off by half of the longest recording
that it could hold, or by a tenth of its share, whichever is more. Within that each recording stays where its place puts
it. Beyond, those nearest to the border between two splits move, and no others: one recording more usually moves none of
the others, and seldom more than one. The slack is ours.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from descant.config.corpus import Splits
from descant.errors import CorpusError
from descant.formatting import count
from descant.seeds import derive_seed

TRAIN, VALIDATION, TEST = SPLITS = "train", "validation", "test"
LEAST_TRACKS = 3
# of a share, by which it may be off without a recording being moved; ours
SLACK = 0.1
# off by more than this share of what was wanted, a split is named; ours
FAR = 0.25


@dataclass(frozen=True)
class _Recording:
    """What is dealt as one.

    Attributes:
        place: in [0, 1), drawn from the seed and the name.
        name: the id of its group.
        seconds: of all its tracks together.
    """

    place: float
    name: str
    seconds: float


def deal(
    seconds: Mapping[str, float], splits: Splits, seed: int, groups: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Deal tracks to splits, groups of near-duplicates as one.

    The longest recording is trained on, and one that is more than twice a split's share is never put into that split.
    Where the recordings that can be held out do not fill both shares, test and validation share them as they would
    have shared the audio.

    Args:
        seconds: duration of each track, by its id.
        splits: the shares wanted.
        seed: root seed.
        groups: the group of each track that is of one; a group is named by the id of a track in it. A track that is
            of no group is dealt alone.

    Returns:
        ``train``, ``validation`` or ``test`` for each id; each split has at least one recording.

    Raises:
        CorpusError: when there are fewer than three recordings.
    """
    recording = {track: (groups or {}).get(track, track) for track in sorted(seconds)}
    lengths: dict[str, float] = {}
    for track, name in recording.items():
        lengths[name] = lengths.get(name, 0.0) + seconds[track]
    if len(lengths) < LEAST_TRACKS:
        raise CorpusError(
            f"{len(lengths)} usable tracks, but {LEAST_TRACKS} are the least: one each for train, validation and test",
            "add recordings; one long recording can be cut into several files",
        )
    recordings = [
        _Recording(derive_seed(seed, "splits", name) / 2**63, name, lengths[name]) for name in sorted(lengths)
    ]
    held_out = _hold_out(sorted(recordings, key=lambda each: (each.place, each.name)), splits)
    return {track: held_out.get(name, TRAIN) for track, name in recording.items()}


def _hold_out(recordings: Sequence[_Recording], splits: Splits) -> dict[str, str]:
    """The split of each recording that is not trained on.

    Args:
        recordings: by their places.
        splits: the shares wanted.
    """
    total = sum(each.seconds for each in recordings)
    shares = {TEST: splits.test, VALIDATION: splits.validation}
    middle = (splits.test + 1 - splits.validation) / 2
    trained = max(recordings, key=lambda each: (each.seconds, -abs(each.place - middle)))
    others = [each for each in recordings if each is not trained]
    # where all others are long, each split still gets one
    second = sorted(each.seconds for each in others)[1]
    fitting = {
        split: [each for each in others if each.seconds <= max(2 * share * total, second)]
        for split, share in shares.items()
    }
    either = {each.name: each.seconds for split in fitting for each in fitting[split]}
    scarcity = min(1.0, sum(either.values()) / (total * sum(shares.values())))
    wanted = {split: share * total * scarcity for split, share in shares.items()}

    # the top one of those that validation can hold is its own, so that test leaves it one
    kept = fitting[VALIDATION][-1]
    below = ((each.place < shares[TEST], each) for each in fitting[TEST] if each is not kept)
    test = {each.name: TEST for each in _take(below, wanted[TEST])}
    above = [each for each in reversed(fitting[VALIDATION]) if each.name not in test]
    top = ((each.place >= 1 - shares[VALIDATION], each) for each in above)
    return test | {each.name: VALIDATION for each in _take(top, wanted[VALIDATION])}


def _take(recordings: Iterable[tuple[bool, _Recording]], wanted: float) -> Iterator[_Recording]:
    """The first of some recordings: as many as have their place in a split, give or take those that its share asks for.

    Args:
        recordings: from the split's end inwards, each with whether its place is in the split.
        wanted: seconds.
    """
    offered = list(recordings)
    slack = max(max(each.seconds for _, each in offered) / 2, SLACK * wanted)
    taken = 0.0
    for is_inside, each in offered:
        # no recording is longer than twice the slack, so that the sum cannot step over what is allowed
        if taken and taken >= wanted - slack and (not is_inside or taken + each.seconds > wanted + slack):
            return
        yield each
        taken += each.seconds


def in_words(seconds: Mapping[str, Sequence[float]], splits: Splits) -> Iterator[str]:
    """What each split holds, a line each.

    Args:
        seconds: durations of each split's tracks.
        splits: the shares that were wanted.
    """
    total = sum(map(sum, seconds.values()))
    for split, share in _wanted(splits).items():
        held = sum(seconds[split])
        tracks = count(len(seconds[split]), "track")
        yield f"{split}: {tracks}, {held / 60:.1f} min, {held / total:.0%} of the music ({share:.0%} asked for)"


def far_in_words(seconds: Mapping[str, Sequence[float]], splits: Splits) -> Iterator[str]:
    """A line where a held-out split is far from its share; none where both are near.

    Args:
        seconds: durations of each split's tracks.
        splits: the shares that were wanted.
    """
    total = sum(map(sum, seconds.values()))
    wanted = {split: share * total for split, share in _wanted(splits).items() if split != TRAIN}
    far = [
        f"{split} {held / 60:.1f} instead of {wanted[split] / 60:.1f} min"
        for split, held in ((split, sum(seconds[split])) for split in wanted)
        if abs(held - wanted[split]) > FAR * wanted[split]
    ]
    if far:
        longest = max(max(lengths, default=0.0) for lengths in seconds.values())
        yield (
            f"recordings are dealt whole, so corpus.splits cannot be met more nearly: {', '.join(far)};"
            f" the longest recording has {longest / 60:.1f} min, cut long ones into several files"
        )


def _wanted(splits: Splits) -> dict[str, float]:
    return {TRAIN: 1 - splits.validation - splits.test, VALIDATION: splits.validation, TEST: splits.test}
