"""Streams cut into blocks of another size, and long streams separated in chunks with context."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from descant.audio.files import Block


def regroup(blocks: Iterable[Block], frames: int) -> Iterator[Block]:
    """Cut a stream into blocks of one size.

    Args:
        blocks: each ``(frames, channels)``, of any sizes.
        frames: size wanted.

    Yields:
        The same frames in the same order; all blocks but the last have the size, none is empty.
    """
    held: list[Block] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        if count < frames:
            continue
        joined = np.concatenate(held)
        whole = count // frames * frames
        yield from np.split(joined[:whole], whole // frames)
        held, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(held)


def separate_in_chunks(
    blocks: Iterable[Block], separate: Callable[[Block], tuple[Block, ...]], unit: int, body: int
) -> Iterator[tuple[Block, tuple[Block, ...]]]:
    """Separate a stream chunk by chunk, each with one unit of context before and after it.

    For a network that looks at one unit of its input at a time, such as spleeter's, what comes out is what it gives
    for the whole: only the first and the last unit of a chunk see its edges.

    Args:
        blocks: float32 ``(frames, 2)``, of any sizes.
        separate: gives stems ``(frames, 2)`` for a chunk ``(frames, 2)``.
        unit: frames; chunks start at multiples of it.
        body: units of a chunk without its context.

    Yields:
        A stretch of the stream and the same stretch of every stem.
    """
    units = regroup(blocks, unit)
    ahead: deque[Block] = deque()
    before: Block | None = None
    while True:
        while len(ahead) <= body and (block := next(units, None)) is not None:
            ahead.append(block)
        if not ahead:
            return
        bodies = [ahead.popleft() for _ in range(min(body, len(ahead)))]
        context = [before] if before is not None else []
        chunk = np.concatenate([*context, *bodies, *list(ahead)[:1]])
        start = len(before) if before is not None else 0
        stop = start + sum(map(len, bodies))
        yield chunk[start:stop], tuple(stem[start:stop] for stem in separate(chunk))
        before = bodies[-1]
