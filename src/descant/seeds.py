"""Seeds derived from named parts, so that no draw depends on the order in which others were made."""

import hashlib

import numpy as np
import numpy.typing as npt


def derive_seed(*parts: int | str) -> int:
    """Derive a 63-bit seed from a root seed and the names of what it is for.

    Args:
        parts: for example ``(config.seed, "windows", step)``.

    Returns:
        An integer in [0, 2**63).
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def counter_uniforms(seed: int, stream: int, start: int, count: int) -> npt.NDArray[np.float64]:
    """Uniform numbers by position: element ``i`` is a pure function of (seed, stream, start + i).

    Philox 4x64 (Salmon et al. 2011) gives four 64-bit words a counter; this addresses them by step.

    Args:
        seed: root seed.
        stream: which independent stream, for example the number of the sequence drawn.
        start: first position.
        count: how many.

    Returns:
        float64 array ``(count,)`` in [0, 1).
    """
    skip = start % 4
    bits = np.random.Philox(key=np.array([derive_seed(seed), stream], dtype=np.uint64), counter=start // 4)
    return np.random.Generator(bits).random(skip + count)[skip:]
