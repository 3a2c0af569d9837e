"""Likelihoods of held-out tracks, each step scored exactly once with all the context its model can see.

Bits are negative log2-likelihoods, teacher-forced, with the weights of the model file (the moving average where
training kept one). A track is scored in windows that overlap by the receptive field, so the figure is that of the
whole track; before a track's first step there are zeros, as in training.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from descant.layers.bits import bits_per_step
from descant.layers.wavenet import WaveNet
from descant.modelfacts import Input
from descant.sequences import PackedSequence, Track, filled
from descant.systems.conditioned import ConditionedWaveNet
from descant.systems.transformer import UNKNOWN, Asked, TransformerSystem
from descant.systems.wavenet import WaveNetSystem

FloatArray = npt.NDArray[np.float32]
Scorer = Callable[[int, int, int], Tensor]


def _tensor(steps: npt.NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(steps.astype(np.int64))[None].to(device)


class _Predicted:
    """What a network's linear predictor says of a track and of what fills its last hop; nothing where it has none."""

    def __init__(self, network: WaveNet, steps: npt.NDArray[Any], device: torch.device) -> None:
        self._steps, self._device, self._hop, self._first = steps, device, network.hop, 0
        self._predictor = network.predictor(1)
        self._kept: FloatArray | None = None

    def part(self, left: int, stop: int) -> Tensor | None:
        """Of steps ``left … stop - 1``, ``(1, stop - left, channels)``; ``left`` never falls from call to call."""
        if self._predictor is None:
            return None
        following = filled(self._steps[self._predictor.step : stop], self._hop)
        more = self._predictor.follow(following[None])[0]
        kept = more if self._kept is None else np.concatenate([self._kept[left - self._first :], more])
        self._kept, self._first = kept, left
        return torch.from_numpy(kept[: stop - left])[None].to(self._device)


def _windowed(length: int, window: int, context: int, hop: int, scorer: Scorer) -> float:
    total = 0.0
    for start in range(0, length, window):
        left = max(0, start - context) // hop * hop
        stop = min(length, start + window)
        total += float(scorer(left, start, stop).double().sum())
    return total


@torch.inference_mode()
def prior_bits(system: WaveNetSystem, steps: npt.NDArray[Any], window: int, device: torch.device) -> float:
    """Bits in all of a track's steps ``(length,)`` under a prior."""
    predicted = _Predicted(system.wavenet, steps, device)

    def score(left: int, start: int, stop: int) -> Tensor:
        bits = system.bits(_tensor(steps[left:stop], device), predicted.part(left, stop))
        return bits[0, start - left :]

    return _windowed(len(steps), window, system.wavenet.layers_field, 1, score)


@torch.inference_mode()
def ada_bits(
    system: ConditionedWaveNet, steps: npt.NDArray[Any], codes: npt.NDArray[Any], window: int, device: torch.device
) -> float:
    """Bits in all of a track's steps ``(length,)`` given its codes ``(length / hop,)``, rounded up.

    What fills the last hop is seen by the network and not counted.
    """
    hop, held = system.hop, _tensor(codes, device)
    predicted = _Predicted(system.local_model, steps, device)

    def score(left: int, start: int, stop: int) -> Tensor:
        part = _tensor(filled(steps[left:stop], hop), device)
        conditioning = system.conditioning(held, left // hop, -(-stop // hop))
        bits = system.local_model.bits(part, conditioning, predicted.part(left, left + part.shape[1]))
        return bits[0, start - left : stop - left]

    return _windowed(len(steps), -(-window // hop) * hop, system.local_model.layers_field, hop, score)


def asked_of(learnt: Input, track: Track) -> Asked:
    """What a transformer that knows labels of a sequence is asked of one of its tracks."""
    labels = {}
    for label, facts in learnt.labels.items():
        value = getattr(track.labels, label)
        # a value that no track of the training has is unknown
        number = facts.names.index(value) + 1 if value in facts.names else UNKNOWN
        labels[label] = torch.tensor([number])
    return Asked(track.length, labels)


@torch.inference_mode()
def transformer_bits(
    system: TransformerSystem,
    steps: npt.NDArray[Any],
    above: npt.NDArray[Any] | None,
    asked: Asked,
    device: torch.device,
) -> float:
    """Bits in all of a track's steps ``(length,)``, in one pass, whose memory grows with the track.

    Args:
        system: a prior, or an upsampler.
        steps: codes that are scored.
        above: those of the level above, ``(length / hop,)`` rounded up; None for a prior.
        asked: the track's length and labels.
        device: where the network is.
    """
    given = None if above is None else _tensor(above, device)
    entries = len(steps) if above is None else len(above)
    conditions = system.conditions(given, 0, entries, asked)
    logits = system.network(_tensor(steps, device), None if conditions is None else conditions[:, : len(steps)])
    return float(bits_per_step(logits, _tensor(steps, device)).double().sum())


def score_split(
    sequence: PackedSequence,
    split: str,
    max_samples: int | None,
    bits_of: Callable[[npt.NDArray[Any], str], float],
) -> pd.DataFrame:
    """Score every track of a split.

    Args:
        sequence: what is scored.
        split: which tracks.
        max_samples: score only so many audio samples from a track's start, the same for every row and level; where they
            end within a step of the sequence, that step is scored too.
        bits_of: bits in all of the steps ``(length,)``, given also the track's id.

    Returns:
        A row a track: track, steps, samples, bits; ``samples`` are those that the steps stand for, with what fills the
        last one.
    """
    rows = []
    for track in tqdm(sequence.tracks(split), disable=None, unit="track"):
        steps = sequence.steps(track)
        if max_samples is not None:
            steps = steps[: -(-max_samples // sequence.hop)]
        rows.append(
            {
                "track": track.track,
                "steps": len(steps),
                "samples": len(steps) * sequence.hop,
                "bits": bits_of(steps, track.track),
            }
        )
    return pd.DataFrame(rows, columns=["track", "steps", "samples", "bits"])


def codes_by_track(codes: PackedSequence) -> dict[str, npt.NDArray[Any]]:
    """The codes of each track, mapped and not read."""
    return {track.track: codes.steps(track) for track in codes.tracks()}
