"""The family of Mel2Mels (Kim, Bittner, Kumar & Bello 2019).

A row is a network that learns the mel spectrograms of recordings from the scores that these were rendered from, and
where it has one a vocoder, which learns the recordings from their spectrograms. Rows share a vocoder of one name.
"""

from dataclasses import replace

from descant.config.mel import MEL, ROLL
from descant.config.models import Mel2MelRow
from descant.config.root import WAVEFORM, Config
from descant.config.training import Training as Settings
from descant.config.vocoders import OnePassVocoder
from descant.plan.parts import Part, Rendering, Route, Sequence, Training
from descant.plan.size import mel2mel_size, mel_wavenet_size, one_pass_size
from descant.plan.stack import beside
from descant.scores.roll import ROWS

# signs that can stand in no name of the configuration
FROM, OF = "-from-", "-of-"
# of a real number in a sequence of frames, and of a 16-bit sample
REAL_BYTES = 2
STEPS = "steps"
MULAW = "mu-law alone"


def plan_row(config: Config, name: str, model: Mel2MelRow, audio: Sequence) -> Part:
    """Plan a row of the family.

    Args:
        config: the checked configuration.
        name: of the row.
        model: its section.
        audio: the sequence of every corpus, whose frames it learns.
    """
    settings, bands, hop = config.mel2mels[model.mel2mel], config.mel.bands, audio.hop * config.mel.step
    mel, roll = (
        Sequence(frames, hop, 0, 1, WAVEFORM, channels=channels, step_bytes=REAL_BYTES * channels)
        for frames, channels in ((MEL, bands), (ROLL, ROWS))
    )
    # where the configuration names none, what plays is known when the scores are read: one is counted
    instruments = len(config.corpus.scores.programs or (0,))
    training = Training(
        f"{model.mel2mel}{FROM}{ROLL}",
        f"{model.mel2mel}, scores to mel spectrograms",
        "mel2mel",
        {MEL: mel.name, ROLL: roll.name},
        settings,
        mel2mel_size(settings, ROWS, bands, instruments),
    )
    if model.vocoder is None:
        return Part(Route(name, (training.name,)), (mel, roll), (training,), ())
    performed = replace(
        mel, name=f"{MEL}{OF}{training.name}", depth=2, encoded_from=roll.name, performed_by=training.name
    )
    vocoder, made = _vocoder(config, model.vocoder, audio, mel, roll)
    trainings, last = [training, vocoder], vocoder
    companded = Rendering("mulaw", MULAW, None, None)
    floor = Rendering(f"griffin_lim{OF}{mel.name}", "true mel, Griffin-Lim", mel.name, None)
    ceiling = Rendering(f"{vocoder.name}{OF}{mel.name}", f"true mel, {model.vocoder}", mel.name, vocoder.name)
    renderings = [
        companded,
        floor,
        ceiling,
        _performance(name, model.title, model.vocoder, performed, vocoder, ceiling),
    ]
    if model.vocoder_tuning:
        last = _tuned(vocoder, model.vocoder_tuning, performed)
        trainings.append(last)
        renderings.append(_performance(name, model.title, f"{model.vocoder} tuned on it", performed, last, ceiling))
    sequences = mel, roll, performed, *made
    route = Route(name, tuple(each.name for each in trainings))
    return Part(route, sequences, tuple(trainings), (), tuple(renderings))


def _performance(
    row: str, title: str, vocoder: str, frames: Sequence, training: Training, ceiling: Rendering
) -> Rendering:
    """What is heard of a row: its own spectrograms through a vocoder."""
    name = f"{training.name}{OF}{frames.name}"
    return Rendering(name, f"{title}, {vocoder}", frames.name, training.name, ceiling.name, row)


def _tuned(vocoder: Training, settings: Settings, performed: Sequence) -> Training:
    """A vocoder that learns on from the spectrograms that a Mel2Mel predicts (Kim et al. 2019, section 3)."""
    return replace(
        vocoder,
        name=f"{vocoder.name.removesuffix(MEL)}{performed.name}",
        title=f"{vocoder.title}, tuned on {performed.name}",
        inputs={**vocoder.inputs, MEL: performed.name},
        settings=vocoder.settings.model_copy(update={"training": settings}),
        starts_from=vocoder.name,
    )


def _vocoder(
    config: Config, name: str, audio: Sequence, mel: Sequence, roll: Sequence
) -> tuple[Training, tuple[Sequence, ...]]:
    """The training of a vocoder, and the sequences that it reads beside the frames."""
    settings, title = config.vocoders[name], f"{name}, mel spectrograms to sound"
    if isinstance(settings, OnePassVocoder):
        waveform = Sequence(WAVEFORM, audio.hop, 0, step_bytes=REAL_BYTES)
        inputs: dict[str, str] = {WAVEFORM: waveform.name, MEL: mel.name}
        if settings.reads_roll:
            inputs[ROLL] = roll.name
        roll_rows = ROWS if settings.reads_roll else 0
        read: tuple[Sequence, ...] = (waveform,)
        size = one_pass_size(settings, config.mel.bands, config.mel.step, config.audio.sample_rate, roll_rows)
    else:
        predicted = beside(audio, settings.local_model)
        inputs = {STEPS: audio.name, **{stream: one.name for stream, one in predicted.items()}, MEL: mel.name}
        read = tuple(predicted.values())
        size = mel_wavenet_size(settings, audio.classes, config.mel.bands, config.mel.step)
    return Training(f"{name}{FROM}{MEL}", title, settings.kind, inputs, settings, size), read
