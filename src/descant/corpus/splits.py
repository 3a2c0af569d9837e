"""Tracks dealt to train, validation and test: whole tracks, by share of the audio, the same for the same seed."""

from collections.abc import Mapping

from descant.config.corpus import Splits
from descant.errors import CorpusError
from descant.seeds import derive_seed

TRAIN, VALIDATION, TEST = "train", "validation", "test"
LEAST_TRACKS = 3


def deal(
    seconds: Mapping[str, float], splits: Splits, seed: int, groups: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Deal tracks to splits, groups of near-duplicates as one.

    A track that is of no group is dealt alone. What is dealt is put in an order drawn from the seed and the ids. The
    first goes to test, the second to validation, the third to train, and each further one to the split that lacks
    most of its share, in seconds.

    Args:
        seconds: duration of each track, by its id.
        splits: the shares wanted.
        seed: root seed.
        groups: the group of each track that is of one; a group is named by the id of a track in it.

    Returns:
        ``train``, ``validation`` or ``test`` for each id; each split has at least one track.

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
    total = sum(lengths[name] for name in sorted(lengths))
    missing = {
        TRAIN: total * (1 - splits.validation - splits.test),
        VALIDATION: total * splits.validation,
        TEST: total * splits.test,
    }
    dealt: dict[str, str] = {}
    for name in sorted(lengths, key=lambda name: (derive_seed(seed, "splits", name), name)):
        first = (TEST, VALIDATION, TRAIN)[len(dealt) : len(dealt) + 1]
        split = first[0] if first else max(missing, key=lambda name: missing[name])
        missing[split] -= lengths[name]
        dealt[name] = split
    return {track: dealt[name] for track, name in recording.items()}
