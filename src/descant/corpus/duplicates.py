"""Near-duplicates: tracks that hold the same recording, whatever its encoding, level, rate or cut."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from descant.audio.fingerprint import Words, bit_error_rate

# Share of bits that differ, over all that two tracks have in common. Measured on 39 pieces in one piano's sound, most
# at one tempo: the same at 32 kbit/s and half a step off, up to 0.15; others at their best offset, from 0.28 over 5 s
# and from 0.31 over 15 s
THRESHOLD = 0.22
# 5 s, and so many of them different: a loop or a drone has too few to identify a recording
LEAST_WORDS, LEAST_DISTINCT = 108, 16
# A shared sample does not make two tracks one recording, half of the shorter track does
LEAST_SHARE = 0.5
LEAST_VOTES = 2
INDEX_WORDS = 8_000_000
NEIGHBOURS = 8
# offsets of a pair that are compared beside the one with most votes
LONGEST_OVERLAPS = 4
OFFSET_BITS = 24


def near_duplicates(fingerprints: Mapping[str, Words]) -> dict[str, str]:
    """Group the tracks that hold the same recording.

    Words that occur in several tracks vote for pairs and their offset; a pair is compared bit by bit only when
    words agree on it. So time grows with the number of words, not of pairs, and memory beside the words not at all.

    Args:
        fingerprints: words ``(words,)`` of each track, by its id.

    Returns:
        The group of each track that has a near-duplicate; the name of a group is the lowest id in it. Tracks that
        stand alone are absent.
    """
    tracks = sorted(fingerprints)
    words = [fingerprints[track] for track in tracks]
    pairs = [(a, b) for a, b, offset in _candidates(words) if is_same_recording(words[a], words[b], offset)]
    return linked(tracks, pairs)


def join_groups(*groupings: Mapping[str, str]) -> dict[str, str]:
    """Join groups that share a track: what is one by any grouping, or through a chain of them, is one.

    Args:
        groupings: the group of each track that is of one, by its id; names of groups are the grouping's own.

    Returns:
        The group of each track that is not alone; the name of a group is the lowest id in it.
    """
    tracks = sorted({track for grouping in groupings for track in grouping})
    places = {track: place for place, track in enumerate(tracks)}
    links: list[tuple[int, int]] = []
    for grouping in groupings:
        first: dict[str, str] = {}
        links += [(places[first.setdefault(name, track)], places[track]) for track, name in sorted(grouping.items())]
    return linked(tracks, links)


def linked(tracks: Sequence[str], pairs: Sequence[tuple[int, int]]) -> dict[str, str]:
    """Groups of tracks that are linked, by pairs of their places; sorted, so that a group's first has its name."""
    if not pairs:
        return {}
    first, second = np.array(pairs).T
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(tracks), len(tracks)))
    labels = connected_components(links, directed=False)[1]
    # np.unique gives the first index of each label, which is of the lowest id
    names, where, sizes = np.unique(labels, return_index=True, return_counts=True)
    groups = {name: tracks[index] for name, index, size in zip(names, where, sizes, strict=True) if size > 1}
    return {track: groups[label] for track, label in zip(tracks, labels, strict=True) if label in groups}


def is_same_recording(first: Words, second: Words, offset: int) -> bool:
    """Whether two fingerprints agree where they overlap, and overlap by half of the shorter one.

    Args:
        first: uint32 ``(words,)``.
        second: uint32 ``(words,)``.
        offset: word ``i`` of the first is compared with word ``i + offset`` of the second, give or take one.
    """
    enough = max(LEAST_WORDS, LEAST_SHARE * min(np.count_nonzero(first), np.count_nonzero(second)))
    for shift in (offset, offset - 1, offset + 1):
        overlap = _overlap(first, second, shift)
        if (
            overlap.shape[1] >= enough
            and len(np.unique(overlap[0])) >= LEAST_DISTINCT
            and bit_error_rate(overlap[0], overlap[1]) <= THRESHOLD
        ):
            return True
    return False


def _overlap(first: Words, second: Words, offset: int) -> Words:
    """The words ``(2, words)`` that lie above one another, where neither is 0."""
    start, end = max(0, -offset), min(len(first), len(second) - offset)
    if end <= start:
        return np.zeros((2, 0), dtype=np.uint32)
    both = np.stack([first[start:end], second[start + offset : end + offset]])
    return both[:, both.all(axis=0)]


def _candidates(words: list[Words]) -> Iterator[tuple[int, int, int]]:
    """Pairs of tracks and the offsets at which to compare them; a pair comes several times."""
    owners, positions, keys = _index(words)
    votes = []
    # a word's nearest neighbours are enough: of many copies each is linked to the next, and groups are chains
    for distance in range(1, NEIGHBOURS + 1):
        same = np.flatnonzero(keys[distance:] >> 32 == keys[:-distance] >> 32)
        first, second = (keys[place] & 0xFFFFFFFF for place in (same, same + distance))
        apart = owners[first] != owners[second]
        first, second = first[apart], second[apart]
        pair = owners[first].astype(np.int64) * len(words) + owners[second]
        offset = positions[second].astype(np.int64) - positions[first] + (1 << (OFFSET_BITS - 1))
        votes.append(pair << OFFSET_BITS | offset)
    ballots, counts = np.unique(np.concatenate(votes), return_counts=True)
    ballots, counts = ballots[counts >= LEAST_VOTES], counts[counts >= LEAST_VOTES]
    pairs = ballots >> OFFSET_BITS
    bounds = [*np.flatnonzero(np.diff(pairs, prepend=-1)).tolist(), len(pairs)]
    for start, end in pairwise(bounds):
        one, other = divmod(int(pairs[start]), len(words))
        offsets = (ballots[start:end] & ((1 << OFFSET_BITS) - 1)) - (1 << (OFFSET_BITS - 1))
        for offset in _promising(offsets, counts[start:end], len(words[one]), len(words[other])):
            yield one, other, offset


def _promising(
    offsets: npt.NDArray[np.int64], votes: npt.NDArray[np.int64], first: int, second: int
) -> tuple[int, ...]:
    """The offset with most votes, and those under which two tracks of so many words overlap most.

    In music that repeats itself exactly, the words agree with most votes on a wrong repetition.
    """
    overlaps = np.minimum(first, second - offsets) - np.maximum(0, -offsets)
    longest = np.argsort(-overlaps, kind="stable")[:LONGEST_OVERLAPS]
    return tuple(dict.fromkeys([int(offsets[votes.argmax()]), 0, *offsets[longest].tolist()]))


def _index(words: list[Words]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
    """Track and position of the indexed words, and these words sorted, each with its place in the other two.

    Of a large corpus only a share is indexed, chosen by the words themselves, so that the same are in all tracks.
    """
    share = 1 + sum(map(len, words)) // INDEX_WORDS
    owners, positions, kept = [], [], []
    for owner, track in enumerate(words):
        # a word that lasts is indexed once
        begins = np.flatnonzero((track != 0) & (np.diff(track, prepend=0) != 0))
        chosen = begins[(track[begins].astype(np.uint64) * 2654435761 >> 16) % share == 0]
        owners.append(np.full(len(chosen), owner, dtype=np.int32))
        positions.append(chosen.astype(np.int32))
        kept.append(track[chosen].astype(np.uint64) << 32)
    if not kept:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint64)
    keys = np.concatenate(kept)
    keys |= np.arange(len(keys), dtype=np.uint64)
    keys.sort()
    return np.concatenate(owners), np.concatenate(positions), keys
