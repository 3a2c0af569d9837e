"""Torch generators for the noise of one step."""

import torch

from descant.seeds import derive_seed


def torch_generator(*parts: int | str) -> torch.Generator:
    """A CPU generator seeded from named parts; draws are made on the CPU so that devices agree."""
    return torch.Generator().manual_seed(derive_seed(*parts))
