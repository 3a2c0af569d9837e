"""What the systems that read a mel spectrogram ask of it."""

from descant.errors import SequenceError
from descant.layers.mel import WINDOW
from descant.modelfacts import Input


def frame_step(mel: Input, learnt: Input) -> int:
    """Steps of what is learnt from one mel frame to the next.

    Raises:
        SequenceError: when the sequence holds no mel spectrogram whose frames overlap and fall on these steps.
    """
    step, rest = divmod(mel.hop * learnt.sample_rate, learnt.hop * mel.sample_rate)
    if mel.classes or not 1 <= mel.channels <= WINDOW // 2 or rest or not 1 <= step <= WINDOW // 2:
        raise SequenceError(
            f"{mel.name} has {mel.channels} real values {mel.rate:g} times a second beside {learnt.rate:g} steps of "
            f"{learnt.name}: this is no mel spectrogram of it",
            "give the sequence of mel frames that was made from the same audio",
        )
    return step
