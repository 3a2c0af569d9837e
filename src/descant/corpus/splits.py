"""Tracks dealt to train, validation and test: whole tracks, by share of the audio, the same for the same seed."""

from collections.abc import Mapping

from descant.config.corpus import Splits
from descant.errors import CorpusError
from descant.seeds import derive_seed

TRAIN, VALIDATION, TEST = "train", "validation", "test"
LEAST_TRACKS = 3


def deal(seconds: Mapping[str, float], splits: Splits, seed: int) -> dict[str, str]:
    """Deal tracks to splits.

    The tracks are put in an order drawn from the seed and their ids. The first goes to test, the second to
    validation, the third to train, and each further one to the split that lacks most of its share, in seconds.

    Args:
        seconds: duration of each track, by its id.
        splits: the shares wanted.
        seed: root seed.

    Returns:
        ``train``, ``validation`` or ``test`` for each id; each split has at least one track.

    Raises:
        CorpusError: when there are fewer than three tracks.
    """
    if len(seconds) < LEAST_TRACKS:
        raise CorpusError(
            f"{len(seconds)} usable tracks, but {LEAST_TRACKS} are the least: one each for train, validation and test",
            "add recordings; one long recording can be cut into several files",
        )
    total = sum(seconds[track] for track in sorted(seconds))
    missing = {
        TRAIN: total * (1 - splits.validation - splits.test),
        VALIDATION: total * splits.validation,
        TEST: total * splits.test,
    }
    dealt: dict[str, str] = {}
    for track in sorted(seconds, key=lambda track: (derive_seed(seed, "splits", track), track)):
        first = (TEST, VALIDATION, TRAIN)[len(dealt) : len(dealt) + 1]
        split = first[0] if first else max(missing, key=lambda name: missing[name])
        missing[split] -= seconds[track]
        dealt[track] = split
    return dealt
