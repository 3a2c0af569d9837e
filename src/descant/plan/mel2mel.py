"""The family of Mel2Mels (Kim, Bittner, Kumar & Bello 2019).

A row is one network, which learns the mel spectrograms of recordings from the scores that these were rendered from.
"""

from descant.config.mel import MEL, ROLL
from descant.config.models import Mel2MelRow
from descant.config.root import WAVEFORM, Config
from descant.plan.parts import Part, Route, Sequence, Training
from descant.plan.size import mel2mel_size
from descant.scores.roll import ROWS

# a sign that can stand in no name of the configuration
FROM = "-from-"
# of a real number in a sequence of frames
REAL_BYTES = 2


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
    return Part(Route(name, (training.name,)), (mel, roll), (training,), ())
