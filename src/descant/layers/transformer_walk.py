"""Going along a sequence with a transformer, step by step or many steps at once, with what is needed of the past kept.

Keys and values stand in buffers that are made once (Jukebox concatenates them anew at every step). What a step looks
at lies in one piece, whichever way a layer looks: own block, one buffer of a block; block before, two that take turns;
strided, one for each place in a block, in which the blocks go round, so that the sequence may go on without end.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from descant.layers.attention import WAYS, Pair, Triple, Way, attend_own, attend_previous, attend_strided
from descant.layers.transformer import Transformer, TransformerLayer

# before the first step no class is the previous one
NONE_YET = -1


class TransformerWalk:
    """What a transformer remembers of sequences, standing before their first step when it is made.

    Args:
        network: with its weights, on its device.
        rows: sequences side by side.

    Attributes:
        step: how many steps are behind it.
        previous: the last step of each row, int64 ``(rows,)``.
        keys: by way, ``(rows, layers of this way, buffers, heads, head width, length)``.
        values: by way, ``(rows, layers of this way, buffers, heads, length, head width)``.
    """

    def __init__(self, network: Transformer, rows: int) -> None:
        self.network, self.step = network, 0
        block, heads, width = network.block, network.heads, network.head_width
        # the rotations of one block, and its number
        self._block: tuple[int, dict[Way, Pair]] = (-1, {})
        self.previous = torch.full((rows,), NONE_YET, device=network.device)
        lengths: dict[Way, tuple[int, int]] = {
            "own": (1, block),
            "strided": (block, network.blocks),
            "previous": (2, block),
        }
        self.keys: dict[Way, Tensor] = {}
        self.values: dict[Way, Tensor] = {}
        for way, (buffers, length) in lengths.items():
            count = sum(layer.attention.way == way for layer in network.each_layer)
            shape = (rows, count, buffers, heads)
            # of the weights' type and device
            self.keys[way] = network.logits.weight.new_zeros(*shape, width, length)
            self.values[way] = network.logits.weight.new_zeros(*shape, length, width)

    @property
    def bytes(self) -> int:
        """Bytes of all keys and values that are kept."""
        return sum(tensor.nbytes for kept in (self.keys, self.values) for tensor in kept.values())

    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """Go along given steps, whole blocks at once.

        Args:
            steps: int64 ``(rows, count)``.
            conditioning: of these steps, ``(rows or 1, count, channels)``; None for a network without.

        Returns:
            Logits of each step given those before it, ``(rows, count, classes)``.
        """
        block, done = self.network.block, 0
        logits = [self.network.logits.weight.new_zeros(len(steps), 0, self.network.classes)]
        while done < steps.shape[1]:
            left, within = steps.shape[1] - done, self.step % block
            whole = min(left // block * block, self.network.receptive_field)
            count = whole if whole and not within else min(left, block - within)
            part = steps[:, done : done + count]
            seen = self._seen(part, None if conditioning is None else conditioning[:, done : done + count])
            logits.append(self.network.read_out(self._advance(seen)))
            self.previous = part[:, -1]
            done += count
        return torch.cat(logits, dim=1)

    def next_logits(self, conditioning: Tensor | None) -> Tensor:
        """Logits ``(rows, classes)`` of the next step; :attr:`previous` must then be set to what it is.

        Args:
            conditioning: of that step, ``(rows or 1, 1, channels)``; None for a network without.
        """
        return self.network.read_out(self._advance(self._seen(self.previous[:, None], conditioning)))[:, 0]

    def _seen(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """What the lowest layer sees at steps: those before each, and the conditioning of each."""
        earlier = torch.cat([self.previous[:, None], steps[:, :-1]], dim=1)
        seen: Tensor = self.network.embedding(earlier.clamp(min=0))
        if not self.step:
            seen = torch.cat([self.network.start.expand(len(steps), 1, -1), seen[:, 1:]], dim=1)
        return seen if conditioning is None else seen + conditioning

    def _advance(self, hidden: Tensor) -> Tensor:
        """Go along ``(rows, count, channels)``: a part of one block, or whole blocks from a block's first step on."""
        network, count = self.network, hidden.shape[1]
        turned = self._turned(count)
        # one step at a time even where that is a whole block: it is what drawing does
        several = self.step % network.block == 0 and count % network.block == 0 and count > 1
        for number, layer in enumerate(network.each_layer):
            parts = layer.attention.rotated(layer.before_attention(hidden), turned[layer.attention.way])
            mixed = (self._blocks if several else self._within_block)(layer, number // len(WAYS), parts)
            hidden = layer.mixed(hidden + layer.attention.out(mixed.reshape(*hidden.shape[:2], -1)))
        self.step += count
        return hidden

    def _turned(self, count: int) -> dict[Way, Pair]:
        """Rotations of the next steps; those of a block are computed once for all its steps."""
        block = self.network.block
        number, first = divmod(self.step, block)
        if first + count > block:
            return self.network.turned(torch.arange(self.step, self.step + count, device=self.network.device))
        if number != self._block[0]:
            positions = torch.arange(number * block, (number + 1) * block, device=self.network.device)
            self._block = number, self.network.turned(positions)
        return {
            way: (queries[:, first : first + count], keys[:, first : first + count])
            for way, (queries, keys) in self._block[1].items()
        }

    def _within_block(self, layer: TransformerLayer, number: int, parts: Triple) -> Tensor:
        """Attention of steps ``(rows, count, heads, width)`` of one block to what is kept, themselves included."""
        network, way = self.network, layer.attention.way
        number_of_block, first = divmod(self.step, network.block)
        queries, keys, values = parts
        count, stop = queries.shape[1], first + queries.shape[1]
        kept_keys, kept_values = self.keys[way][:, number], self.values[way][:, number]
        if way == "strided":
            ring, length = number_of_block % network.blocks, min(number_of_block + 1, network.blocks)
            kept_keys[:, first:stop, :, :, ring] = keys
            kept_values[:, first:stop, :, ring] = values
            seen_keys, seen_values = kept_keys[:, first:stop, ..., :length], kept_values[:, first:stop, :, :length]
            return _weighed(queries[:, :, :, None], seen_keys, seen_values)[:, :, :, 0]
        slot = 0 if way == "own" else number_of_block % 2
        kept_keys[:, slot, :, :, first:stop] = keys.permute(0, 2, 3, 1)
        kept_values[:, slot, :, first:stop] = values.transpose(1, 2)
        mask = None
        if way == "own":
            seen_keys, seen_values = kept_keys[:, 0, ..., :stop], kept_values[:, 0, :, :stop]
            if count > 1:
                mask = torch.arange(stop) > torch.arange(first, stop)[:, None]
        else:
            # before the first block there are zeros
            seen_keys, seen_values = kept_keys[:, 1 - slot], kept_values[:, 1 - slot]
        return _weighed(queries.transpose(1, 2), seen_keys, seen_values, mask).transpose(1, 2)

    def _blocks(self, layer: TransformerLayer, number: int, parts: Triple) -> Tensor:
        """Attention of whole blocks ``(rows, count, heads, width)`` to themselves and to what is kept."""
        network, way = self.network, layer.attention.way
        first, shape = self.step // network.block, (len(parts[0]), -1, network.block, *parts[0].shape[2:])
        queries, keys, values = (part.reshape(shape) for part in parts)
        kept_keys, kept_values = self.keys[way][:, number], self.values[way][:, number]
        last, past = first + keys.shape[1], None
        if way == "own":
            # what is kept of a block that is over is not looked at again
            return attend_own((queries, keys, values))
        if way == "previous":
            if first:
                before = (first - 1) % 2
                past = (
                    kept_keys[:, before].permute(0, 3, 1, 2)[:, None],
                    kept_values[:, before].transpose(1, 2)[:, None],
                )
            mixed = attend_previous((queries, keys, values), past)
            kept_keys[:, (last - 1) % 2] = keys[:, -1].permute(0, 2, 3, 1)
            kept_values[:, (last - 1) % 2] = values[:, -1].transpose(1, 2)
            return mixed
        if first:
            ring = torch.arange(max(0, first - network.blocks + 1), first, device=keys.device) % network.blocks
            past = (kept_keys[..., ring].permute(0, 4, 1, 2, 3), kept_values[:, :, :, ring].permute(0, 3, 1, 2, 4))
        mixed = attend_strided((queries, keys, values), network.blocks, past)
        fresh = torch.arange(max(first, last - network.blocks), last, device=keys.device)
        kept_keys[..., fresh % network.blocks] = keys[:, fresh - first].permute(0, 2, 3, 4, 1)
        kept_values[:, :, :, fresh % network.blocks] = values[:, fresh - first].permute(0, 2, 3, 1, 4)
        return mixed

    def state(self) -> dict[str, Tensor]:
        """Copies of all that the next steps depend on, by name."""
        kept = {f"keys.{way}": tensor for way, tensor in self.keys.items()}
        kept |= {f"values.{way}": tensor for way, tensor in self.values.items()}
        kept |= {"step": torch.tensor(self.step), "previous": self.previous}
        return {name: tensor.clone() for name, tensor in kept.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Stand where :meth:`state` was taken."""
        self.step = int(state["step"])
        self.previous = state["previous"].to(self.previous.device, copy=True)
        for way in WAYS:
            self.keys[way].copy_(state[f"keys.{way}"])
            self.values[way].copy_(state[f"values.{way}"])


def _weighed(queries: Tensor, keys: Tensor, values: Tensor, hidden_ones: Tensor | None = None) -> Tensor:
    """Attention of ``(..., count, width)`` to keys ``(..., width, length)`` and values ``(..., length, width)``."""
    scores = queries * queries.shape[-1] ** -0.5 @ keys
    if hidden_ones is not None:
        scores = scores.masked_fill(hidden_ones.to(scores.device), float("-inf"))
    return F.softmax(scores, dim=-1) @ values
