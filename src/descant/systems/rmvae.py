"""RMVAE: a recurrent multimodal variational autoencoder of music in voices (Vignal 2020, MSc thesis, NUS)."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from descant.config.part_models import RMVAE
from descant.config.parts import PARTS
from descant.layers.experts import gaussian_kl, sample
from descant.layers.music_losses import begun, interval_loss, rhythm_loss, scale_loss
from descant.layers.parts import held_class, likeliest, note_figures
from descant.layers.rmvae import RMVAENetwork
from descant.scores.parts import MEASURE, silence
from descant.systems.base import Batch, StepLoss, System

# semitones of what the harmony loss refuses
INTERVALS: Mapping[str, int] = {"semitone": 1, "tone": 2, "tritone": 6}


def subsets(voices: int, random: int, noise: torch.Generator) -> Tensor:
    """The sets of voices whose bounds a step adds up: all, each alone, and some at random (Wu & Goodman 2018).

    Args:
        voices: how many; of two or fewer there are no other sets.
        random: sets of more than one voice and fewer than all, each size and each set of it equally likely.
        noise: the only source of randomness.

    Returns:
        Bool ``(sets, voices)``.
    """
    sets = [torch.ones(1, voices, dtype=torch.bool)]
    if voices > 1:
        sets.append(torch.eye(voices, dtype=torch.bool))
    if voices > 2:
        for _ in range(random):
            size = int(torch.randint(2, voices, (1,), generator=noise))
            chosen = torch.zeros(1, voices, dtype=torch.bool)
            chosen[:, torch.randperm(voices, generator=noise)[:size]] = True
            sets.append(chosen)
    return torch.cat(sets)


def ramp(step: int, steps: int, begins: float, ends: float) -> float:
    """A weight that rises linearly from 0 to 1 between two shares of all steps."""
    first, last = begins * steps, ends * steps
    return 1.0 if step >= last else max(0.0, (step - first) / (last - first))


class BaseRMVAE(System):
    """Predicts each measure from those before it, whichever voices are missing there.

    What is learnt is the sub-sampled evidence bound: for every set of voices, the likelihood of these voices given the
    latents of the set, and the divergence of the latents from a standard normal distribution, in nats a token. The
    losses that know of music are of what all voices say. Every measure but the first is a target (ours: the thesis
    predicts the last one of a window).

    Args:
        settings: its section of the configuration.
        voices: how many.
        classes: of the tokens, or durations of rolls.
    """

    headline = "nll_bound"
    align = MEASURE
    steps_done: Tensor

    def __init__(self, settings: RMVAE, voices: int, classes: int) -> None:
        super().__init__()
        self.settings, self.voices, self.classes = settings, voices, classes
        self.network = RMVAENetwork(settings, voices, classes)
        self.register_buffer("steps_done", torch.zeros((), dtype=torch.int64))

    @abstractmethod
    def tokens(self, packed: Tensor) -> Tensor:
        """What stands in each voice, int64 ``(batch, steps, voices, …)``, of packed ``(batch, steps, channels)``."""

    @abstractmethod
    def silence(self, steps: int) -> Tensor:
        """Voices that rest, int64 ``(steps, voices, …)``."""

    @abstractmethod
    def likeliest(self, said: Tensor) -> Tensor:
        """The likeliest ``(…, voices, …)`` of what is said."""

    @abstractmethod
    def costs(self, said: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What is learnt of each voice's sixteenth, ``(sets, batch, measures, 16, voices)`` each, nats first."""

    @abstractmethod
    def begins(self, said: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities that pitches begin, and whether they do, ``(batch, measures, 16, voices, pitches)``."""

    @abstractmethod
    def figures(self, said: Tensor, target: Tensor) -> dict[str, Tensor]:
        """How right what is said is, scalars."""

    @abstractmethod
    def noisy(self, tokens: Tensor, noise: torch.Generator) -> Tensor:
        """Tokens with a few of them changed."""

    def finish_step(self, observed: Mapping[str, Tensor], noise: torch.Generator) -> None:
        """The weight of the divergence follows the steps."""
        self.steps_done += 1

    @property
    def kl_weight(self) -> float:
        """Weight of the divergence at the present step."""
        settings = self.settings
        risen = ramp(int(self.steps_done), settings.training.steps, settings.kl_from, settings.kl_until)
        return settings.kl_weight * risen

    def predict(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """What is said of the measures that follow, the latents at their means.

        Args:
            tokens: int64 ``(batch, steps, voices, …)``, whole measures.
            mask: bool ``(batch, measures, voices)``; what a voice has where it is False is not looked at.

        Returns:
            ``(batch, measures, 16, voices, …)``, as the network decodes; the last is of the measure ``offset`` after
            the end.
        """
        means, deviations = self.network.expert_opinions(_measures(tokens), None)
        mean, _ = self.network.posterior(means, deviations, mask)
        return self.network.decode(mean, None)

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """The sub-sampled bound of int64 ``parts`` ``(batch, steps, channels)``, and the losses that know of music."""
        tokens = _measures(self.tokens(batch[PARTS]))
        sets = subsets(self.voices, self.settings.subsets, noise).to(tokens.device, non_blocking=True)
        said, kl = self._terms(self.noisy(tokens, noise), sets, noise, noise)
        target = tokens[:, self.settings.offset :]
        costs = self.costs(said, target)
        total = torch.stack(list(costs.values())).sum(0)
        heard = sets[:, None, None, None].expand_as(total)
        bound = ((total * heard).sum() + self.kl_weight * kl.sum()) / heard.sum()
        figures = self._music(said[0], target)
        weighted = [getattr(self.settings, name) * figure for name, figure in figures.items()]
        metrics = {**{name: one[0].mean() for name, one in costs.items()}, "kl": kl[0].mean(), **figures}
        return StepLoss(torch.stack([bound, *weighted]).sum(), {name: one.detach() for name, one in metrics.items()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Figures of a batch, all voices there.

        ``nll_bound``, nats a token, is the negative log-likelihood of the next measure given latents drawn from
        the measures before it: by Jensen's inequality an upper bound on that of the prediction, and no exact value.
        The divergence ``kl``, nats a measure, is no part of it, since these latents are made of what is known; at 0
        they say nothing.
        """
        tokens = _measures(self.tokens(batch[PARTS]))
        everyone = torch.ones(1, self.voices, dtype=torch.bool, device=tokens.device)
        said, kl = self._terms(tokens, everyone, noise, None)
        target = tokens[:, self.settings.offset :]
        costs = {name: one.mean() for name, one in self.costs(said, target).items()}
        return {**costs, "kl": kl.mean(), **self.figures(said[0], target), **self._music(said[0], target)}

    def bound(self, tokens: Tensor, present: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """What :meth:`validate` averages, token by token, for any sets of voices that are there.

        Args:
            tokens: int64 ``(batch, steps, voices, …)``, whole measures.
            present: bool ``(sets, voices)``: of a measure that is read, nothing else is looked at.
            noise: draws the latents.

        Returns:
            Nats ``(sets, batch, measures, 16, voices)`` of all measures but the first ``offset``, all voices of them;
            and the divergence in nats ``(sets, batch, measures)`` of each measure that is read.
        """
        whole = _measures(tokens)
        said, kl = self._terms(whole, present, noise, None)
        return self.costs(said, whole[:, self.settings.offset :])[self.headline], kl

    def _terms(
        self, tokens: Tensor, sets: Tensor, noise: torch.Generator, dropout: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """What each set of voices says of the measures after it, ``(sets, batch, …)``, and its divergence."""
        network, read = self.network, tokens[:, : tokens.shape[1] - self.settings.offset]
        batch, measures = read.shape[:2]
        means, deviations = (part.repeat(len(sets), 1, 1, 1) for part in network.expert_opinions(read, dropout))
        mask = sets.repeat_interleave(batch, 0)[:, None].expand(-1, measures, -1)
        mean, deviation = network.posterior(means, deviations, mask)
        kl = gaussian_kl(mean, deviation, torch.zeros_like(mean), torch.ones_like(deviation))
        said = network.decode(sample(mean, deviation, noise), dropout)
        return said.view(len(sets), batch, *said.shape[1:]), kl.view(len(sets), batch, measures)

    def _music(self, said: Tensor, target: Tensor) -> dict[str, Tensor]:
        pitches, true = self.begins(said, target)
        intervals = {name: interval_loss(pitches, semitones) for name, semitones in INTERVALS.items()}
        return {"scale": scale_loss(pitches, true), "rhythm": rhythm_loss(pitches, true), **intervals}


class RMVAESystem(BaseRMVAE):
    """The RMVAE of monophonic voices: tokens of :mod:`descant.scores.parts`."""

    def tokens(self, packed: Tensor) -> Tensor:
        """They are packed as they are."""
        return packed

    def silence(self, steps: int) -> Tensor:
        """A rest that begins, and is held."""
        return torch.from_numpy(silence(steps, self.voices).astype("int64"))

    def likeliest(self, said: Tensor) -> Tensor:
        """See :func:`~descant.layers.parts.likeliest`."""
        return likeliest(said)

    def costs(self, said: Tensor, target: Tensor) -> dict[str, Tensor]:
        """``nll_bound``: nats of each token."""
        nll = -said.gather(-1, target.expand(len(said), *target.shape)[..., None])[..., 0]
        return {"nll_bound": nll}

    def begins(self, said: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """What is said of the tokens that are pitches."""
        return said[..., : held_class(self.classes)].exp(), begun(target, self.classes)

    def figures(self, said: Tensor, target: Tensor) -> dict[str, Tensor]:
        """See :func:`~descant.layers.parts.note_figures`."""
        return note_figures(target, likeliest(said), self.classes)

    def noisy(self, tokens: Tensor, noise: torch.Generator) -> Tensor:
        """Tokens with a few of them any other."""
        changed = torch.rand(tokens.shape, generator=noise) < self.settings.input_noise
        others = torch.randint(self.classes, tokens.shape, generator=noise)
        return torch.where(
            changed.to(tokens.device, non_blocking=True), others.to(tokens.device, non_blocking=True), tokens
        )


def _measures(tokens: Tensor) -> Tensor:
    return tokens.view(len(tokens), -1, MEASURE, *tokens.shape[2:])
