"""One level drawn by a transformer: the top from labels and timing alone, those below from the level above."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from descant.config.base import nearest_of
from descant.config.models import EngineName
from descant.config.transformers import slide_steps
from descant.errors import SamplingError
from descant.modelfacts import ModelFacts
from descant.sampling.choose import build_engine
from descant.sampling.engine import Engine
from descant.sampling.generate import Place, Request, generate, sequences
from descant.sampling.levels import LevelSettings
from descant.sampling.slides import SlidingEngine, window_starts
from descant.systems.transformer import UNKNOWN, Asked, TransformerSystem


@dataclass(frozen=True)
class Conditions:
    """What a level is drawn with, beside the level above.

    Attributes:
        labels: ids of the labels asked for, by the label's name; those that are missing are unknown.
        guidance: how far to go from what has no labels; 1 draws as it was trained.
        slide: share of the context by which windows move; None lets the cache roll on.
        length: steps of the whole tracks, which timing is given; None where they are drawn to their end.
    """

    labels: Mapping[str, int] = field(default_factory=dict)
    guidance: float = 1.0
    slide: float | None = None
    length: int | None = None


def label_ids(facts: ModelFacts, asked: Mapping[str, str]) -> dict[str, int]:
    """The ids of labels that are asked for, of those that a model knows.

    Args:
        facts: of its file.
        asked: values, by the label's name.

    Raises:
        SamplingError: when the model knows no such value.
    """
    ids = {}
    for label, known in facts.learnt.labels.items():
        value = asked.get(label)
        if value is None:
            continue
        if value not in known.names:
            raise SamplingError(
                f"sampling.labels: the model was trained on no {label} {value!r}{nearest_of(value, known.names)}",
                f"name one that it knows, or leave {label} out",
            )
        ids[label] = known.names.index(value) + 1
    return ids


def draw_transformer(
    system: TransformerSystem,
    given: Tensor | None,
    batch: int,
    steps: int,
    settings: LevelSettings,
    folder: Path,
    conditions: Conditions | None = None,
    prime: Tensor | None = None,
    numbers: Sequence[int] | None = None,
) -> npt.NDArray[Any]:
    """Draw one level.

    Args:
        system: on its device.
        given: codes of the level above ``(batch, codes)``, one for each hop of the steps; None for a prior.
        batch: sequences drawn side by side.
        steps: length of each, the prime included.
        settings: how classes are drawn, and by which engine.
        folder: run directory of this draw.
        conditions: labels, guidance and windows; None for none of them.
        prime: int64 ``(batch, count)``, the first steps of each sequence, a multiple of the hop.
        numbers: of the sequences, by which their draws are known, whichever others are drawn beside; None from 0 on.

    Returns:
        Unsigned integers ``(batch, steps)``, mapped from the folder.

    Raises:
        ConfigError: when windows do not fit the level above.
    """
    conditions = conditions or Conditions()
    network, hop = system.network, system.hop
    # guidance goes from unknown labels to known ones: without either it goes nowhere
    guidance = conditions.guidance if conditions.labels else 1.0
    copies = 1 if guidance == 1 else 2
    draw = replace(settings.draw, guidance=guidance)
    on_device = None if given is None else given.to(network.device)
    ids = {label: torch.tensor([number]) for label, number in conditions.labels.items()}
    unknown = {label: torch.tensor([UNKNOWN]) for label in ids}
    whole = -(-steps // hop) * hop

    @torch.inference_mode()
    def condition(start: int, stop: int) -> Tensor:
        asked = [Asked(conditions.length or steps, labels) for labels in (ids, unknown)[:copies]]
        parts = [system.conditions(on_device, start, stop, each) for each in asked]
        rows = [part.expand(batch, -1, -1) for part in parts if part is not None]
        # with guidance a sequence's two rows lie together
        return torch.stack(rows, dim=1).flatten(0, 1)

    def build(begun_by: EngineName | None) -> Engine:
        engine = build_engine(network, batch, draw, settings.engine, begun_by)
        if conditions.slide is None or whole <= network.receptive_field:
            return engine
        starts = window_starts(
            whole, network.receptive_field, slide_steps(conditions.slide, network.receptive_field, hop)
        )
        return SlidingEngine(
            engine, batch, copies * batch, network.conditioning_channels, network.receptive_field, starts
        )

    places = sequences(batch) if numbers is None else tuple(map(Place, numbers))
    request = Request(whole, places, network.classes, settings.seed, hop, settings.save_every_seconds, prime)
    conditioner = condition if network.conditioning_channels else None
    return generate(build, request, folder, conditioner)[:, :steps]
