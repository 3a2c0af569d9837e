"""An autoregressive network of voices: steps in time, and in each step one voice after another in any order (ours)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.config.part_models import AutoregressiveParts
from descant.layers.dropout import dropped
from descant.layers.part_context import FixedContext, MeasureLatents, TokenSum
from descant.layers.parts import held_class, sounding
from descant.scores.parts import MEASURE

States = tuple[Tensor, Tensor]


def ranks_of(order: Sequence[int]) -> Tensor:
    """The place of each voice in an order of voices, int64 ``(voices,)``.

    Raises:
        ValueError: when it does not name each voice once.
    """
    if sorted(order) != list(range(len(order))):
        raise ValueError(f"the order {list(order)} does not name each of {len(order)} voices once")
    return torch.argsort(torch.tensor(order))


@dataclass
class Memory:
    """What the next step depends on.

    Attributes:
        step: its number.
        tokens: all so far and the fixed ones ahead, int64 ``(batch, steps, voices)``.
        sounding: before the last step that was begun, int64 ``(batch, voices)``.
        context: of fixed tokens, for the LSTM and for the head, ``(batch, steps, width)`` each.
        states: of the LSTM.
        now: of each measure its latent's vector, ``(batch, measures, width)``; None without latents.
        past: states of the LSTM over measures.
        hidden: what the head reads of the step, ``(batch, width)``; see :meth:`PartLSTM.begin_step`.
    """

    step: int
    tokens: Tensor
    sounding: Tensor
    context: tuple[Tensor, Tensor]
    states: States
    now: Tensor | None
    past: States | None
    hidden: Tensor

    def choose(self, sequences: Tensor) -> None:
        """Go on with some sequences of the batch, int64 ``(batch,)``; one may stand there twice."""
        self.tokens, self.sounding, self.hidden = (
            each[sequences] for each in (self.tokens, self.sounding, self.hidden)
        )
        head, lstm = self.context
        self.context, (out, cell) = (head[sequences], lstm[sequences]), self.states
        self.states = out[:, sequences], cell[:, sequences]
        if self.now is not None and self.past is not None:
            (out, cell), self.now = self.past, self.now[sequences]
            self.past = out[:, sequences], cell[:, sequences]


class PartLSTM(nn.Module):
    """Logits of every token given those before it in time and in the order of the voices, and all that are fixed.

    Args:
        settings: the network's section.
        voices: how many.
        classes: of the tokens.
        measure: steps of a measure.
    """

    def __init__(self, settings: AutoregressiveParts, voices: int, classes: int, measure: int = MEASURE) -> None:
        super().__init__()
        width, units = settings.width, settings.context
        self.voices, self.classes, self.measure, self.dropout = voices, classes, measure, settings.dropout
        # what the LSTM reads
        self.last = TokenSum(voices, classes, width)
        self.sounding = TokenSum(voices, classes, width)
        self.place = nn.Embedding(measure, width)
        self.fixed = FixedContext(voices, classes, measure, units)
        self.from_fixed = nn.Linear(2 * units, width)
        self.latents = (
            MeasureLatents(voices, classes, measure, units, settings.latent, width) if settings.latent else None
        )
        self.lstm = nn.LSTM(width, width, settings.layers, batch_first=True)
        # what the head reads
        self.hidden = nn.Linear(width, width)
        self.head_place = nn.Embedding(measure, width)
        self.head_fixed = nn.Linear(2 * units, width)
        self.head_sounding = TokenSum(voices, classes, width)
        self.current = TokenSum(voices, classes, width)
        self.voice = nn.Embedding(voices, width)
        self.output = nn.Linear(width, classes)

    def forward(
        self, tokens: Tensor, fixed: Tensor, ranks: Tensor, noise: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits of all tokens in one pass.

        Args:
            tokens: int64 ``(batch, steps, voices)``; whole measures where there are latents.
            fixed: bool, of the same shape: tokens that are known from the start, and whose logits mean nothing.
            ranks: int64, places of the voices in the order of a step, ``(voices,)`` or ``(batch, steps, voices)``.
            noise: of dropout and latents; without it all is deterministic.

        Returns:
            ``(batch, steps, voices, classes)``, and the latents' divergence, nats ``(batch, measures)``; no measures
            without latents.
        """
        before, places, context = self._before(tokens), self._places(tokens), self.fixed(tokens, fixed)
        read = self._read(tokens, self.from_fixed(context))
        divergence = tokens.new_zeros((len(tokens), 0), dtype=read.dtype)
        if self.latents is not None:
            measures, divergence = self.latents(tokens, fixed, noise)
            read = read + measures.repeat_interleave(self.measure, 1)
        hidden = dropped(self.lstm(read)[0], self.dropout, noise)
        base = self.hidden(hidden) + self.head_place(places) + self.head_fixed(context) + self.head_sounding(before)
        unknown = torch.full_like(tokens[0, 0], self.classes)
        hides = self.current.each(unknown)
        # how what a voice has differs from what is not known, of those voices that are said already
        known = self._known(fixed, ranks.expand_as(tokens)).to(read.dtype) @ (self.current.each(tokens) - hides)
        said = F.relu(base[:, :, None] + known + hides.sum(0) + self.voice.weight)
        return self.output(dropped(said, self.dropout, noise)), divergence

    def _before(self, tokens: Tensor) -> Tensor:
        """What sounds before each step, ``(batch, steps, voices)``."""
        return F.pad(sounding(tokens, self.classes)[:, :-1], (0, 0, 1, 0), value=self.classes)

    def _places(self, tokens: Tensor) -> Tensor:
        return torch.arange(tokens.shape[1], device=tokens.device) % self.measure

    def _read(self, tokens: Tensor, fixed: Tensor) -> Tensor:
        """What the LSTM reads at each step, latents left out, ``(batch, steps, width)``."""
        last = F.pad(tokens[:, :-1], (0, 0, 1, 0), value=self.classes)
        out: Tensor = self.last(last) + self.sounding(self._before(tokens)) + self.place(self._places(tokens)) + fixed
        return out

    @staticmethod
    def _known(fixed: Tensor, ranks: Tensor) -> Tensor:
        """Whether the second voice is known when the first is said, ``(batch, steps, voices, voices)``."""
        earlier = ranks[..., None, :] < ranks[..., None]
        others = ~torch.eye(fixed.shape[-1], dtype=torch.bool, device=fixed.device)
        return (earlier | fixed[..., None, :]) & others

    def start(self, tokens: Tensor, fixed: Tensor, step: int) -> Memory:
        """Stand before a step of sequences of which some tokens are fixed, those before the step among them.

        Args:
            tokens: as for :meth:`forward`.
            fixed: as for :meth:`forward`.
            step: what lies before it is followed in one pass.
        """
        context = self.fixed(tokens, fixed)
        both = self.from_fixed(context), self.head_fixed(context)
        zeros = context.new_zeros(self.lstm.num_layers, len(tokens), self.lstm.hidden_size)
        memory = Memory(step, tokens, self._before(tokens)[:, step], both, (zeros, zeros), None, None, zeros[0])
        read = self._read(tokens, both[0])[:, :step]
        if self.latents is not None:
            means, deviations = self.latents.experts(tokens)
            memory.now = self.latents.now(self.latents.current(means, deviations, fixed)[0])
            memory.past = zeros[:1], zeros[:1]
            # the measure that ends at the step, or is under way there, is read when the next begins
            if ended := max(0, step - 1) // self.measure:
                everyone = torch.ones_like(means[:, :ended, :, 0], dtype=torch.bool)
                mean, _ = self.latents.product(means[:, :ended], deviations[:, :ended], everyone)
                remembered, memory.past = self.latents.past(mean, memory.past)
                measures = F.pad(remembered, (0, 0, 1, 0)) + memory.now[:, : ended + 1]
            else:
                measures = memory.now[:, :1]
            read = read + measures.repeat_interleave(self.measure, 1)[:, :step]
        if step:
            _, memory.states = self.lstm(read, memory.states)
        return memory

    def begin_step(self, memory: Memory, step: int) -> None:
        """Compute what all voices of the next step share; those before it must stand in the memory's tokens."""
        place, memory.step = step % self.measure, step
        last = memory.tokens[:, step - 1] if step else torch.full_like(memory.sounding, self.classes)
        memory.sounding = torch.where(last == held_class(self.classes), memory.sounding, last)
        if self.latents is not None and memory.past is not None and step and not place:
            measure = memory.tokens[:, step - self.measure : step]
            means, deviations = self.latents.experts(measure)
            known = torch.ones(means.shape[:3], dtype=torch.bool, device=means.device)
            _, memory.past = self.latents.past(self.latents.product(means, deviations, known)[0], memory.past)
        read = self.last(last) + self.sounding(memory.sounding) + self.place.weight[place] + memory.context[0][:, step]
        if memory.now is not None and memory.past is not None:
            read = read + memory.past[0][0] + memory.now[:, step // self.measure]
        out, memory.states = _lstm_step(self.lstm, read, memory.states)
        base = self.hidden(out) + self.head_place.weight[place] + memory.context[1][:, step]
        memory.hidden = base + self.head_sounding(memory.sounding)

    def say(self, memory: Memory, voice: int, known: Tensor) -> Tensor:
        """Logits ``(batch, classes)`` of a voice in the step that was begun.

        Args:
            memory: of :meth:`begin_step`.
            voice: which.
            known: bool ``(batch, voices)``: those of the step whose tokens are fixed or said already.
        """
        tokens = torch.where(known, memory.tokens[:, memory.step], self.classes)
        out: Tensor = self.output(F.relu(memory.hidden + self.current(tokens) + self.voice.weight[voice]))
        return out


def _lstm_step(lstm: nn.LSTM, read: Tensor, states: States) -> tuple[Tensor, States]:
    """One step of an LSTM from ``(batch, width)``, a cell a layer: a whole LSTM of one step lays its weights anew."""
    outs, cells = [], []
    for layer, weights in enumerate(lstm.all_weights):
        read, cell = torch.lstm_cell(read, [states[0][layer], states[1][layer]], *weights)
        outs.append(read)
        cells.append(cell)
    return read, (torch.stack(outs), torch.stack(cells))
