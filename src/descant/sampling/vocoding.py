"""From mel spectrograms to sound, with a trained vocoder of any kind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from descant.audio import mulaw
from descant.config.mel import MEL
from descant.config.models import Sampling
from descant.errors import ModelFileError, SamplingError
from descant.modelfile import ModelFile, read_model
from descant.sampling.files import draw_folder
from descant.sampling.levels import draw_level, level_settings
from descant.systems.mel_wavenet import MelWaveNetSystem
from descant.systems.one_pass_vocoder import OnePassVocoderSystem
from descant.systems.restore import restore

SAVE_EVERY_SECONDS = 30.0
Blocks = Iterator[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Vocoding:
    """How sound is made.

    Attributes:
        sampling: of a vocoder that draws its samples.
        seed: of its draws, or of its noise.
        threads: CPU threads.
        runs: folder of run directories, where a killed draw goes on from.
        device: where the network is.
    """

    sampling: Sampling
    seed: int
    threads: int
    runs: Path
    device: torch.device


def read_vocoder(path: Path, mel2mel: ModelFile) -> ModelFile:
    """The model file of a vocoder of what a Mel2Mel makes.

    Raises:
        ModelFileError: when it cannot be read, or was trained on frames of another form.
    """
    vocoder = read_model(path)
    heard, made = (file.facts.by_stream[MEL] for file in (vocoder, mel2mel))
    # one that was tuned has learnt from predicted spectrograms, which are another sequence of the same form
    forms = [(one.hop, one.sample_rate, one.channels) for one in (heard, made)]
    if forms[0] != forms[1] or (heard.name == made.name and heard.fingerprint != made.fingerprint):
        raise ModelFileError(f"{path} was trained on other spectrograms than the Mel2Mel", "train both in one run")
    return vocoder


def vocode(
    vocoder: ModelFile, mels: Sequence[npt.NDArray[Any]], rolls: Sequence[npt.NDArray[Any]] | None, settings: Vocoding
) -> Iterator[Blocks]:
    """The sound of mel spectrograms.

    A vocoder of one pass makes one after another, in memory that does not grow with their lengths. One that draws its
    samples draws all at once: they are of one length then.

    Args:
        vocoder: of either kind.
        mels: floats ``(frames, bands)`` each, mapped or in memory.
        rolls: floats ``(frames, 176)`` each, what is played in them; None for a vocoder that reads none.
        settings: how.

    Yields:
        Of each its sound in blocks, float32 ``(samples,)``; full scale is 1.

    Raises:
        SamplingError: when the vocoder reads rolls, and none are given.
    """
    if vocoder.facts.kind == "one_pass_vocoder":
        one_pass = restore(vocoder, OnePassVocoderSystem).to(settings.device).eval()
        if one_pass.reads_roll and rolls is None:
            raise SamplingError(
                "the vocoder reads what is played, and is given spectrograms alone", "give the rolls, too"
            )
        for number, mel in enumerate(mels):
            yield one_pass.synthesise(mel, rolls[number] if rolls and one_pass.reads_roll else None, settings.seed)
        return
    system = restore(vocoder, MelWaveNetSystem).to(settings.device).eval()
    given = torch.from_numpy(np.stack([np.asarray(mel, dtype=np.float32) for mel in mels]))
    level = level_settings(settings.sampling, settings.seed, settings.threads, SAVE_EVERY_SECONDS)
    count, steps = len(mels), given.shape[1] * system.hop
    folder = draw_folder(settings.runs, {"steps": steps, **level.determining}, vocoder, {"given": given, "prime": None})
    for drawn in draw_level(system, given, count, steps, level, folder):
        yield iter([mulaw.decode(drawn)])
