"""Linear prediction: which predictor pays, and what it costs engines. No network is trained.

    python benchmarks/prediction.py results/sequences/audio

The first table scores test tracks with predictors alone: bits a sample of a mixture of logistic distributions around
the prediction, whose four fixed weights are fitted to the same samples (they are printed: with them fresh networks
begin), and multiplications and microseconds a sample. The second draws with shape A of ``benchmarks/sampling.py``, with
and without the default predictor, in turns: the ratio of their speeds is the median of the rounds' own.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import typer
from sampling import CONDITIONING, HOP, build_case

from descant.audio import mulaw
from descant.config.models import EngineName
from descant.config.networks import LinearPrediction
from descant.layers.prediction import WIDTHS, cell_edges
from descant.layers.wavenet import WaveNet
from descant.prediction.predictor import predict_track
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.generate import sequences, uniforms
from descant.sequences import open_sequence

# order, window, every: the default, then one thing changed at a time
TRIED = [
    *[(256, 4096, 128), (256, 4096, 64), (256, 4096, 256), (256, 2048, 128), (256, 8192, 128)],
    *[(32, 4096, 128), (64, 4096, 128), (128, 4096, 128), (384, 4096, 128), (512, 4096, 128), (384, 4096, 64)],
]
ROUNDS = 60


def cell_likelihoods(classes: npt.NDArray[np.int64], predicted: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Likelihood ``(steps, parts)`` of each step under each logistic distribution."""
    edges, mean = cell_edges().double().numpy(), predicted[:, :1].astype(np.float64)
    scales = predicted[:, 1:] * np.array(WIDTHS)
    low, high = ((edges[classes + beyond, None] - mean) / scales for beyond in (0, 1))
    return np.asarray(np.tanh(high / 2) - np.tanh(low / 2)) / 2


def fit_weights(likelihoods: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weights of the parts that make all steps likeliest, by expectation maximisation."""
    weights = np.full(likelihoods.shape[1], 1 / likelihoods.shape[1])
    for _ in range(ROUNDS):
        shares = likelihoods * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights


def score(tracks: list[npt.NDArray[np.int64]], settings: LinearPrediction) -> dict[str, object]:
    """A row of the first table."""
    began = time.process_time()
    predicted = [np.concatenate([*predict_track(track, settings)]) for track in tracks]
    seconds = time.process_time() - began
    pairs = zip(tracks, predicted, strict=True)
    # what the arithmetic of large numbers leaves of tiny likelihoods is no zero
    likelihoods = np.concatenate([cell_likelihoods(*pair) for pair in pairs]).clip(1e-12)
    weights = fit_weights(likelihoods)
    return {
        "order": settings.order,
        "window": settings.window,
        "every": settings.every,
        "bits": round(float(-np.log2(likelihoods @ weights).mean()), 3),
        "multiplications": settings.multiplications,
        "us a sample": round(1e6 * seconds / sum(map(len, tracks)), 2),
        "weights": " ".join(f"{weight:.3f}" for weight in weights),
    }


def predicting(wavenet: WaveNet) -> WaveNet:
    """The same shape with the default predictor inside."""
    kernel, start = wavenet.gated_layers[0].convolution.kernel, wavenet.start
    return WaveNet(
        mulaw.CLASSES,
        tuple(layer.convolution.dilation for layer in wavenet.gated_layers),
        kernel,
        start.kernel,
        start.linear.out_features,
        wavenet.gated_layers[0].convolution.linear.out_features,
        wavenet.head.in_features,
        "embedding",
        CONDITIONING,
        HOP,
        LinearPrediction(),
    ).eval()


def speeds(name: EngineName, batch: int, steps: int, rounds: int) -> Iterator[tuple[float, float]]:
    """Steps a second without and with the predictor, round by round."""
    case = build_case("A", batch, 1, "cpu")
    networks = (case.wavenet, predicting(case.wavenet))
    engines = [build_engine(network, batch, DrawSettings(), EngineSettings(name)) for network in networks]
    numbers, held = uniforms(1, sequences(batch), 0, steps), case.conditioning(steps)
    for _ in range(rounds):
        rates = []
        for engine in engines:
            began = time.perf_counter()
            engine.generate(numbers, held)
            rates.append(batch * steps / (time.perf_counter() - began))
        yield rates[0], rates[1]


def main(
    sequence: Annotated[Path, typer.Argument(help="folder of packed mu-law audio")],
    seconds: Annotated[float, typer.Option(help="of each test track")] = 6.0,
    steps: Annotated[int, typer.Option(help="steps a round, a multiple of 16")] = 4096,
    rounds: Annotated[int, typer.Option(help="rounds of the second table")] = 7,
) -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    audio = open_sequence(sequence)
    length = round(seconds * audio.sample_rate)
    tracks = [np.asarray(audio.steps(track)[:length]).astype(np.int64) for track in audio.tracks("test")]
    score(tracks[:1], LinearPrediction())  # compiles
    rows = [score(tracks, LinearPrediction(order=o, window=w, every=e)) for o, w, e in TRIED]
    print(pd.DataFrame(rows).to_string(index=False))
    names: tuple[EngineName, ...] = ("native", "numba")
    for name in names:
        for batch in (1, 16):
            pairs = list(speeds(name, batch, steps, rounds))
            ratio = statistics.median(inside / without for without, inside in pairs)
            rate = statistics.median(inside for _, inside in pairs)
            print(f"{name}, batch {batch}: {rate:,.0f} steps/s with the predictor, {ratio:.2f} of without")


if __name__ == "__main__":
    typer.run(main)
