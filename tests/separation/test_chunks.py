from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.files import Block
from descant.separation.chunks import regroup, separate_in_chunks

UNIT = 8
sizes = st.lists(st.integers(0, 30), max_size=8)


def noise(sizes: list[int]) -> list[Block]:
    random = np.random.default_rng(sum(sizes))
    return [random.standard_normal((size, 2)).astype(np.float32) for size in sizes]


def joined(blocks: list[Block]) -> Block:
    return np.concatenate([np.zeros((0, 2), dtype=np.float32), *blocks])


def look_at_neighbours(chunk: Block) -> tuple[Block, ...]:
    """Two stems; like spleeter's, each sample depends on its own unit of the chunk and on a few samples around it."""
    frames = len(chunk)
    padded = np.concatenate([chunk, np.zeros((-frames % UNIT, 2), dtype=np.float32)])
    gains = np.repeat(np.abs(padded.reshape(-1, UNIT, 2)).max(axis=1), UNIT, axis=0)
    masked = np.concatenate([np.zeros((UNIT - 1, 2)), padded / gains, np.zeros((UNIT - 1, 2))])
    stem = sum(masked[n : n + frames] for n in range(2 * UNIT - 1))
    return np.asarray(stem, dtype=np.float32), -chunk


@given(sizes, st.integers(1, 20))
def test_regrouping_keeps_the_frames(sizes: list[int], frames: int) -> None:
    blocks = noise(sizes)
    regrouped = list(regroup(iter(blocks), frames))
    np.testing.assert_array_equal(joined(regrouped), joined(blocks))
    assert [len(block) for block in regrouped[:-1]] == [frames] * max(0, len(regrouped) - 1)
    assert all(0 < len(block) <= frames for block in regrouped)


@given(sizes, st.integers(1, 4))
def test_chunks_with_context_give_what_the_whole_gives(sizes: list[int], body: int) -> None:
    blocks = noise(sizes)
    longest = []

    def separate(chunk: Block) -> tuple[Block, ...]:
        longest.append(len(chunk))
        return look_at_neighbours(chunk)

    parts = list(separate_in_chunks(iter(blocks), separate, UNIT, body))
    whole = joined(blocks)
    np.testing.assert_array_equal(joined([mix for mix, _ in parts]), whole)
    if len(whole):
        for n, stem in enumerate(look_at_neighbours(whole)):
            np.testing.assert_allclose(joined([stems[n] for _, stems in parts]), stem, rtol=1e-5, atol=1e-5)
    assert all(length <= (body + 2) * UNIT for length in longest)
    assert len(parts) == -(-len(whole) // (body * UNIT))


def test_without_context_the_law_would_not_hold() -> None:
    """The function of the test above does see the edges of a chunk."""
    [whole] = noise([40])
    halves = [look_at_neighbours(whole[:24])[0], look_at_neighbours(whole[24:])[0]]
    assert np.abs(joined(halves) - look_at_neighbours(whole)[0]).max() > 0.1


def test_a_stream_is_read_no_further_than_needed() -> None:
    read = 0

    def endless() -> Iterator[Block]:
        nonlocal read
        while True:
            read += 1
            yield np.ones((UNIT, 2), dtype=np.float32)

    parts = separate_in_chunks(endless(), lambda chunk: (chunk,), UNIT, 3)
    for count in range(1, 5):
        next(parts)
        assert read == 3 * count + 1
