"""How fast transformers draw: tokens a second of CPU time on one thread, as ratios in one run, and bytes kept.

    python benchmarks/transformer.py --sizes laptop --sizes double
    python benchmarks/transformer.py --minute

Weights are random: speed does not depend on them. Ways to draw take turns, half a context into a sequence, so that a
machine whose speed drifts slows all alike; figures are medians over rounds, and a ratio is the median of the rounds'
own ratios. "concatenated" keeps all keys and values of all layers and makes them anew at every step, as Jukebox does,
and is what the others are compared with; "full pass" keeps nothing. Its logits and those of all others are compared
with one full pass before anything is timed.

``--minute`` draws a minute of music in levels, of hops 256 and 32 at 16 kHz unless ``--hops`` says others: 3,750 tokens
of a prior, then 30,000 of an upsampler given these. It prints seconds of CPU time, the share of the slowest level,
below which no drawing of levels side by side could go, and the most memory that the process held.
"""

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import torch
import typer
from torch import Tensor

from descant.config.models import Precision
from descant.config.transformers import Transformer as Settings
from descant.layers.attention import Triple
from descant.layers.transformer import Transformer
from descant.sampling.engine import DrawSettings, Engine, EngineSettings
from descant.sampling.generate import sequences, uniforms
from descant.sampling.levels import LevelSettings
from descant.sampling.numba_transformer import NumbaTransformerEngine
from descant.sampling.transformer_engine import TransformerEngine
from descant.sampling.transformer_levels import draw_transformer
from descant.sampling.transformer_weights import rounded_transformer
from descant.systems.transformer import Above, TransformerSystem

CLASSES, RATE, HOPS = 1024, 16_000, [256, 32]
# of the configuration: the defaults, and the same twice as wide
SIZES: dict[str, dict[str, Any]] = {"laptop": {}, "double": {"width": 512, "heads": 4}}
BASE = "concatenated"


def settings_of(size: str) -> Settings:
    """The section of a size."""
    training = {"steps": 1, "batch": 1, "window": 2048}
    return Settings.model_validate({"training": training, **SIZES[size]})


def system_of(size: str, hop: int, above: Above | None) -> TransformerSystem:
    """A system with random weights, and logits that differ as those of trained ones do."""
    torch.manual_seed(1)
    system = TransformerSystem(settings_of(size), CLASSES, RATE / hop, above, {}).eval()
    torch.nn.init.normal_(system.transformer.logits.weight, std=settings_of(size).width ** -0.5)
    return system


class Concatenated:
    """Keys and values of all steps, one tensor a layer, which a step makes anew with its own at the end."""

    def __init__(self, network: Transformer) -> None:
        self.network, self.step = network, 0
        self.kept: list[tuple[Tensor, Tensor] | None] = [None] * len(network.layers)

    @property
    def bytes(self) -> int:
        """Of all that is kept."""
        return sum(tensor.nbytes for pair in self.kept if pair for tensor in pair)

    def logits(self, seen: Tensor) -> Tensor:
        """Logits ``(batch, classes)`` of the next step, of what is seen of it ``(batch, 1, channels)``."""
        turned = self.network.turned(torch.tensor([self.step]))
        for number, layer in enumerate(self.network.each_layer):
            parts = layer.attention.rotated(layer.before_attention(seen), turned[layer.attention.way])
            mixed = self._attend(number, layer.attention.way, parts)
            seen = layer.mixed(seen + layer.attention.out(mixed.flatten(2)))
        self.step += 1
        return self.network.read_out(seen)[:, 0]

    def _attend(self, number: int, way: str, parts: Triple) -> Tensor:
        queries, keys, values = parts
        if pair := self.kept[number]:
            keys, values = (torch.cat([old, new], dim=1) for old, new in zip(pair, (keys, values), strict=True))
        self.kept[number] = keys, values
        block, at = self.network.block, self.step
        first = at // block * block
        seen = {"own": slice(first, None), "strided": slice(at % block, None, block)}
        part = seen.get(way, slice(max(0, first - block), first))
        if not keys[:, part].shape[1]:
            return torch.zeros_like(queries)
        looked = (tensor.transpose(1, 2) for tensor in (queries, keys[:, part], values[:, part]))
        return torch.nn.functional.scaled_dot_product_attention(*looked).transpose(1, 2)


@dataclass(frozen=True)
class Way:
    """A way to draw: ``run`` draws so many steps from where it stands."""

    name: str
    kept: int
    run: Callable[[int], None]


def ways(network: Transformer, batch: int, half: int) -> list[Way]:
    """Every way, standing ``half`` steps into a sequence, after it was compared with one full pass."""
    numbers = torch.Generator().manual_seed(2)
    steps = torch.randint(CLASSES, (batch, half), generator=numbers)
    conditions = torch.randn(batch, half, network.channels, generator=numbers)
    full = network(steps, conditions)
    given = torch.zeros(batch, 4 * half, network.channels)

    def check(name: str, logits: Tensor, tolerance: float = 1e-4) -> None:
        difference = (logits - full).abs().max().item() / full.std().item()
        if not difference <= tolerance:
            raise typer.BadParameter(f"{name} differs from the full pass by {difference:.1e}")

    def of_engine(name: str, engine: Engine, kept: int, tolerance: float = 1e-4) -> Way:
        check(name, engine.follow(steps, conditions), tolerance)
        state = engine.state()

        def run(count: int) -> None:
            engine.load_state({key: tensor.clone() for key, tensor in state.items()})
            engine.generate(uniforms(1, sequences(batch), 0, count), given[:, :count])

        return Way(name, kept, run)

    concatenated, seen = Concatenated(network), network.seen(steps) + conditions
    check(BASE, torch.stack([concatenated.logits(seen[:, at : at + 1]) for at in range(half)], dim=1))
    kept, at = list(concatenated.kept), concatenated.step

    def run_concatenated(count: int) -> None:
        concatenated.kept, concatenated.step, previous = list(kept), at, steps[:, -1:]
        for _ in range(count):
            previous = concatenated.logits(network.embedding(previous)).argmax(-1, keepdim=True)

    def run_full(count: int) -> None:
        for _ in range(count):
            network(steps, conditions)[:, -1].argmax(-1)

    plain = DrawSettings()
    reference = TransformerEngine(network, batch, plain)
    rounded = rounded_transformer(network)
    static = reference.walk.bytes
    compiled: list[tuple[str, Transformer, Precision, float]] = [
        ("numba", network, "float32", 1e-4),
        ("numba, 16-bit weights", rounded, "bfloat16_weights", 0.1),
    ]
    return [
        Way(BASE, concatenated.bytes * 2, run_concatenated),
        of_engine("reference", reference, static),
        *(
            of_engine(name, NumbaTransformerEngine(model, batch, plain, precision, 1), static, tolerance)
            for name, model, precision, tolerance in compiled
        ),
        Way("full pass", 0, run_full),
    ]


@torch.inference_mode()
def compare(size: str, batch: int, steps: int, rounds: int) -> pd.DataFrame:
    """A row a way."""
    network = system_of(size, HOPS[1], Above(CLASSES, HOPS[0] // HOPS[1])).transformer
    drawn = ways(network, batch, network.receptive_field // 2)
    rates: dict[str, list[float]] = {way.name: [] for way in drawn}
    for _ in range(rounds):
        for way in drawn:
            # a full pass takes as long as a thousand steps
            count = 2 if way.name == "full pass" else steps
            began = time.process_time()
            way.run(count)
            rates[way.name].append(batch * count / (time.process_time() - began))
    return pd.DataFrame(
        {
            "size": size,
            "parameters": f"{sum(parameter.numel() for parameter in network.parameters()) / 1e6:.1f} M",
            "batch": batch,
            "way": way.name,
            "tokens/s": f"{statistics.median(rates[way.name]):,.1f}",
            "ratio": f"{statistics.median(a / b for a, b in zip(rates[way.name], rates[BASE], strict=True)):.2f}",
            "MiB kept a context": f"{way.kept / 2**20:.1f}",
        }
        for way in drawn
    )


def draw_minute(size: str, precision: Precision, hops: Sequence[int]) -> str:
    """What a minute in levels of these hops takes, the coarsest first, and which share of it the slowest level."""
    settings = LevelSettings(1, DrawSettings(), EngineSettings("numba", precision))
    given, said, spent = None, [], []
    with tempfile.TemporaryDirectory() as folder:
        # compiled before anything is timed
        draw_transformer(system_of(size, hops[0], None), None, 1, 8, settings, Path(folder) / "compiled")
        for hop, upper in zip(hops, (None, *hops), strict=False):
            above = None if upper is None else Above(CLASSES, upper // hop)
            # one level at a time is in memory
            system, steps, began = system_of(size, hop, above), 60 * RATE // hop, time.process_time()
            drawn = draw_transformer(system, given, 1, steps, settings, Path(folder) / str(hop))
            seconds = time.process_time() - began
            said.append(f"hop {hop}: {steps:,} tokens in {seconds:.1f} s ({steps / seconds:,.0f} tokens/s)")
            spent.append(seconds)
            given = torch.from_numpy(drawn.astype("int64"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    slowest = f"the slowest level takes {max(spent) / sum(spent):.0%}"
    return f"{size}, {precision}: {'; '.join(said)}; {slowest}; at most {memory:,.0f} MiB"


def main(
    sizes: Annotated[list[str], typer.Option(help=f"of {', '.join(SIZES)}")] = list(SIZES),  # noqa: B006
    batches: Annotated[list[int], typer.Option(help="sequences side by side")] = [1, 4],  # noqa: B006
    steps: Annotated[int, typer.Option(help="steps a round")] = 128,
    rounds: Annotated[int, typer.Option(help="rounds")] = 5,
    minute: Annotated[bool, typer.Option(help="draw a minute in levels")] = False,
    hops: Annotated[list[int], typer.Option(help="of these levels, the coarsest first")] = HOPS,
) -> None:
    """Print the table, or what a minute takes."""
    torch.set_num_threads(1)
    if minute:
        for size in sizes:
            for precision in ("float32", "bfloat16_weights"):
                print(draw_minute(size, precision, hops), flush=True)  # type: ignore[arg-type]
        return
    tables = [compare(size, batch, steps, rounds) for size in sizes for batch in batches]
    print(pd.concat(tables).to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
