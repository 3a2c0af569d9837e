"""What a network of polyphonic parts says of a piece: likelihoods, next measures, and filled voices."""

import numpy as np
import torch

from descant.evaluation.parts_said import in_order, predicted, windows_of
from descant.evaluation.polyphonic_scores import PolyphonicSaid
from descant.sampling.rmvae import CONTEXT
from descant.scores.parts import MEASURE
from descant.scores.polyphony import Roll
from descant.seeds import derive_seed
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem

# windows that are read at once, which bounds the memory
BATCH = 64


@torch.inference_mode()
def said_by(system: PolyphonicRMVAESystem, roll: Roll, draws: int, seed: int) -> PolyphonicSaid:
    """What a network says of a piece, measure by measure, from as many before each as :data:`CONTEXT`.

    Args:
        system: ready for evaluation.
        roll: uint8 ``(steps, voices, 128)``, whole measures.
        draws: of the latents, over which a bound is averaged.
        seed: of these.
    """
    device, offset = next(system.parameters()).device, system.settings.offset
    measures, voices = len(roll) // MEASURE, system.voices
    if measures <= offset:
        nothing = np.zeros((0, voices))
        return PolyphonicSaid(nothing, nothing, roll[:0], roll[:0], np.zeros(0))
    tokens = torch.from_numpy(roll.astype("int64"))
    alone = ~torch.eye(voices, dtype=torch.bool, device=device)
    everyone = torch.ones(1, voices, dtype=torch.bool, device=device)
    found: list[dict[str, torch.Tensor]] = []
    noise = torch.Generator().manual_seed(derive_seed(seed, "bound"))
    stretches = windows_of(tokens[None], min(CONTEXT, measures - offset) + offset)
    for start in range(0, len(stretches), BATCH):
        windows, first = stretches[start : start + BATCH].to(device), start == 0
        bounds = [system.bound(windows, everyone, noise) for _ in range(draws)]
        missing = system.bound(windows, alone, noise)[0]
        read = windows[:, : windows.shape[1] - offset * MEASURE]
        filled = [predicted(system, read, alone[voice], first)[:, voice] for voice in range(voices)]
        found.append({
            "nats": in_order(torch.stack([nats[0] for nats, _ in bounds]).mean(0), first).flatten(0, 1).double(),
            "nats_alone": torch.stack(
                [in_order(missing[voice, ..., voice], first).flatten() for voice in range(voices)], 1
            ).double(),
            "following": predicted(system, read, everyone[0], first).byte(),
            "filled": torch.stack(filled, 1).byte(),
            "divergence": in_order(bounds[0][1][0], first).double(),
        })  # fmt: skip
    return PolyphonicSaid(**{key: torch.cat([one[key] for one in found]).cpu().numpy() for key in found[0]})
