"""What networks of music in parts say of a piece: likelihoods, next measures, and filled voices."""

import torch
from torch import Tensor

from descant.evaluation.parts_models import NOTHING
from descant.evaluation.parts_scores import SETS, Floats, Said
from descant.layers.part_lstm import ranks_of
from descant.sampling.composing import Composer
from descant.sampling.engine import DrawSettings
from descant.sampling.parts import draw_parts
from descant.sampling.rmvae import CONTEXT
from descant.scores.parts import MEASURE, VOICES, Grid, silence
from descant.seeds import derive_seed
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first
from descant.systems.rmvae import BaseRMVAE, RMVAESystem

# the likeliest class, whatever the uniform number
GREEDY = DrawSettings(temperature=1e-6)


def silent_measure(device: torch.device) -> Tensor:
    """A measure of rest before a piece begins, int64 ``(1, 16, voices)``."""
    return torch.from_numpy(silence(MEASURE).astype("int64")).to(device)[None]


def missing_voices(device: torch.device) -> Tensor:
    """Which voices are missing in each of :data:`SETS`, bool ``(sets, voices)``."""
    missing = torch.zeros(len(SETS), len(VOICES), dtype=torch.bool, device=device)
    for number, voices in enumerate(SETS):
        missing[number, list(voices)] = True
    return missing


def said_by(system: Composer, grid: Grid, draws: int, seed: int) -> Said:
    """What a network says of a piece.

    Args:
        system: ready for evaluation.
        grid: uint8 ``(steps, voices)``, whole measures.
        draws: of the latents, over which a bound is averaged.
        seed: of these.
    """
    tokens = torch.from_numpy(grid.astype("int64")).to(next(system.parameters()).device)[None]
    with torch.inference_mode():
        if isinstance(system, RMVAESystem):
            return _said_by_rmvae(system, tokens, draws, seed)
        return _said_by_autoregressive(system, tokens)


def _said_by_autoregressive(system: AutoregressivePartsSystem, tokens: Tensor) -> Said:
    """Exactly; a piece comes after a measure of silence, and every measure of it but the first is predicted alone."""
    whole, voices = torch.cat([silent_measure(tokens.device), tokens], 1), system.voices
    missing = missing_voices(tokens.device)

    def beginning(rows: int) -> Tensor:
        fixed = torch.zeros(rows, *whole.shape[1:], dtype=torch.bool, device=tokens.device)
        fixed[:, :MEASURE] = True
        return fixed

    fixed = beginning(len(SETS)) | ~missing[:, None]
    nats = system.nll(whole.expand(len(SETS), -1, -1), fixed).masked_fill(fixed, torch.nan)
    following = torch.full_like(tokens, NOTHING)
    for start in range(2 * MEASURE, whole.shape[1], MEASURE):
        stop = start + MEASURE
        before = torch.zeros_like(whole[:, :stop], dtype=torch.bool)
        before[:, :start] = True
        drawn = draw_parts(system, whole[:, :stop], before, 0, GREEDY)
        following[:, start - MEASURE : start] = drawn[:, start:]
    others = beginning(voices) | ~torch.eye(voices, dtype=torch.bool, device=tokens.device)[:, None]
    filled = draw_parts(system, whole.repeat(voices, 1, 1), others, 0, GREEDY)[:, MEASURE:]
    divergence = system.network(whole, beginning(1), ranks_of(outer_first(voices)).to(tokens.device))[1][0, 1:]
    return Said(
        nats[:, MEASURE:].double().cpu().numpy(),
        following[0].cpu().numpy(),
        filled.diagonal(dim1=0, dim2=2).cpu().numpy(),
        divergence.double().cpu().numpy(),
    )


def composed_nats(system: AutoregressivePartsSystem, grid: Grid) -> Floats:
    """Exact nats of each token of a piece ``(steps, voices)`` after a measure of silence, as in what is said of it."""
    tokens = torch.from_numpy(grid.astype("int64")).to(next(system.parameters()).device)[None]
    whole = torch.cat([silent_measure(tokens.device), tokens], 1)
    fixed = torch.zeros_like(whole, dtype=torch.bool)
    fixed[:, :MEASURE] = True
    with torch.inference_mode():
        nats: Floats = system.nll(whole, fixed)[0, MEASURE:].double().cpu().numpy()
    return nats


def _said_by_rmvae(system: RMVAESystem, tokens: Tensor, draws: int, seed: int) -> Said:
    """By measures, each of as many before it as :data:`CONTEXT`; of the first ones nothing is predicted.

    Voices that are missing are not looked at in what comes before, unless all are: then what comes next is composed.
    """
    steps, voices, offset = tokens.shape[1], system.voices, system.settings.offset
    nats = torch.full((len(SETS), steps, voices), torch.nan, dtype=torch.float64)
    following, filled = (torch.full((steps, voices), NOTHING) for _ in range(2))
    measures, first = steps // MEASURE, offset * MEASURE
    if measures <= offset:
        return Said(nats.numpy(), following.numpy(), filled.numpy(), nats.new_zeros(0).numpy())
    everyone = torch.ones(1, voices, dtype=torch.bool, device=tokens.device)
    missing = missing_voices(tokens.device)
    windows = windows_of(tokens, min(CONTEXT, measures - offset) + offset)

    def bound(present: Tensor, number: int) -> tuple[Tensor, Tensor]:
        noise = torch.Generator().manual_seed(derive_seed(seed, "bound", number))
        found, kl = system.bound(windows, present, noise)
        return in_order(found.movedim(0, 2)).transpose(0, 1).flatten(1, 2), in_order(kl[-1])

    drawn = [bound(everyone, number) for number in range(draws)]
    nats[-1, first:] = torch.stack([found[0] for found, _ in drawn]).mean(0).double().cpu()
    # one draw: each set's tokens are many
    nats[:-1, first:] = bound(~missing[:-1], draws)[0].double().cpu()
    nats.masked_fill_(~missing[:, None].cpu(), torch.nan)
    read = windows[:, : windows.shape[1] - first]
    following[first:] = predicted(system, read, everyone[0])
    for voice in range(voices):
        others = torch.arange(voices, device=tokens.device) != voice
        filled[first:, voice] = predicted(system, read, others)[:, voice]
    return Said(nats.numpy(), following.numpy(), filled.numpy(), drawn[0][1].double().cpu().numpy())


def windows_of(tokens: Tensor, measures: int) -> Tensor:
    """Stretches of so many measures, one measure after another, ``(windows, 16 * measures, voices, …)``."""
    return tokens[0].unfold(0, measures * MEASURE, MEASURE).movedim(-1, 1).contiguous()


def in_order(said: Tensor, first: bool = True) -> Tensor:
    """Of windows ``(windows, measures, …)`` what is said of each measure with most before it, ``(measures, …)``.

    Args:
        said: of each window.
        first: whether these windows begin with the first one, in which all measures count.
    """
    return torch.cat([said[0], said[1:, -1]]) if first else said[:, -1]


def predicted(system: BaseRMVAE, windows: Tensor, present: Tensor, first: bool = True) -> Tensor:
    """The likeliest ``(steps, voices, …)`` of what follows each measure of windows; see :func:`in_order`."""
    mask = present.expand(len(windows), windows.shape[1] // MEASURE, -1)
    return in_order(system.likeliest(system.predict(windows, mask)), first).flatten(0, 1).cpu()
