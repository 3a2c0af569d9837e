"""Timbres by name or by place: instruments that a Mel2Mel has learnt, mixtures, points, and ways between them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from descant.config.play import Play, Timbre
from descant.errors import PlayError
from descant.systems.mel2mel import Mel2MelSystem


def find_instrument(wanted: str, names: Sequence[str]) -> int:
    """The place of an instrument among names, by its name or a part of it, whatever the case.

    Raises:
        PlayError: when none of them, or several, can be meant.
    """
    words = wanted.casefold().strip()
    lowered = [name.casefold() for name in names]
    if words in lowered:
        return lowered.index(words)
    found = [number for number, name in enumerate(lowered) if words and words in name]
    if len(found) != 1:
        meant = "it could be " + ", ".join(names[number] for number in found) if found else "it was not learnt"
        raise PlayError(f"instrument {wanted!r}: {meant}", f"name one of {', '.join(names)}")
    return found[0]


def point_of(timbre: Timbre, system: Mel2MelSystem, names: Sequence[str]) -> Tensor:
    """The point ``(embedding,)`` of an instrument, the mean of several, weighted by their shares, or a given one.

    Raises:
        PlayError: when an instrument is not known, or a point has too few or too many numbers.
    """
    table = system.timbres.table.weight.detach()
    if isinstance(timbre, tuple):
        if len(timbre) != table.shape[1]:
            example = ", ".join(f"{value:.2f}" for value in table[0].tolist())
            raise PlayError(
                f"instrument {list(timbre)} is a point of {len(timbre)} dimensions, the space of timbres has "
                f"{table.shape[1]}",
                f"give {table.shape[1]} numbers, such as {names[0] if names else 'the instrument'}'s: [{example}]",
            )
        return torch.tensor(timbre, dtype=table.dtype, device=table.device)
    shares: Mapping[str, float] = {timbre: 1.0} if isinstance(timbre, str) else timbre
    total = sum(shares.values())
    parts = [table[find_instrument(name, names)] * (share / total) for name, share in shares.items()]
    return torch.stack(parts).sum(0)


class TimbreOverTime:
    """The timbre of each frame: one throughout, or moving in straight lines between moments.

    Args:
        play: what was asked for.
        system: whose space it is.
        names: of its instruments, in the order of their points.
        rate: frames a second.

    Raises:
        PlayError: when an instrument is not known, or a point is of another space.
    """

    def __init__(self, play: Play, system: Mel2MelSystem, names: Sequence[str], rate: float) -> None:
        self._frames = torch.tensor([moment.at * rate for moment in play.moments])
        self._points = torch.stack([point_of(moment.instrument, system, names) for moment in play.moments])

    def __call__(self, start: int, stop: int) -> Tensor:
        """Points float32 ``(stop - start, embedding)``; before the first moment and after the last they stay."""
        at = torch.arange(start, stop, device=self._points.device, dtype=torch.float32)
        after = torch.searchsorted(self._frames, at).clamp(max=len(self._frames) - 1)
        before = (after - 1).clamp(min=0)
        span = (self._frames[after] - self._frames[before]).clamp(min=1e-6)
        share = ((at - self._frames[before]) / span).clamp(0, 1)[:, None]
        return self._points[before] + share * (self._points[after] - self._points[before])
