"""Sound of mel frames, by whichever vocoder was learnt."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from descant.audio import mulaw
from descant.config.mel import MEL
from descant.config.models import Sampling
from descant.errors import ModelFileError
from descant.modelfile import ModelFile, read_model
from descant.sampling.files import draw_folder
from descant.sampling.levels import draw_level, level_settings
from descant.systems.mel_wavenet import MelWaveNetSystem
from descant.systems.one_pass_vocoder import OnePassVocoderSystem
from descant.systems.restore import restore

SAVE_EVERY_SECONDS = 30.0


def read_vocoder(path: Path, mel2mel: ModelFile) -> ModelFile:
    """The model file of a vocoder of what a Mel2Mel makes.

    Raises:
        ModelFileError: when it cannot be read, or was trained on other spectrograms.
    """
    vocoder = read_model(path)
    if vocoder.facts.by_stream[MEL].fingerprint != mel2mel.facts.by_stream[MEL].fingerprint:
        raise ModelFileError(
            f"{path} was not trained on the spectrograms that the Mel2Mel learnt", "train both in one run"
        )
    return vocoder


def vocode(
    vocoder: ModelFile,
    mel: npt.NDArray[Any],
    sampling: Sampling,
    seed: int,
    threads: int,
    runs: Path,
    device: torch.device,
) -> Iterator[npt.NDArray[np.float32]]:
    """The sound of mel frames, block by block.

    Args:
        vocoder: its model file.
        mel: log-mel frames ``(frames, bands)``, mapped or in memory.
        sampling: how one that draws does.
        seed: of its noise or draws.
        threads: of the CPU.
        runs: folder of run directories, for one that draws.
        device: where it runs.

    Yields:
        float32, each ``(samples,)``; full scale is 1.
    """
    if vocoder.facts.kind == "one_pass_vocoder":
        yield from restore(vocoder, OnePassVocoderSystem).to(device).eval().synthesise(mel, seed)
        return
    system = restore(vocoder, MelWaveNetSystem).to(device).eval()
    given = torch.from_numpy(np.array(mel, dtype=np.float32))[None]
    level = level_settings(sampling, seed, threads, SAVE_EVERY_SECONDS)
    steps = len(mel) * system.hop
    folder = draw_folder(runs, {"steps": steps, **level.determining}, vocoder, {"given": given, "prime": None})
    yield mulaw.decode(draw_level(system, given, 1, steps, level, folder)[0])
