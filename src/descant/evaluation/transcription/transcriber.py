"""Notes of audio by basic-pitch (Bittner et al. 2022): its ONNX network and its decoding of notes, both from its wheel.

Windows of 2 s overlap by 30 frames, as the network was meant to be used. A frame's time is counted from its own window:
basic-pitch's ``model_frames_to_time`` corrects it by a constant that was fitted.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import soxr

import descant.compiled  # noqa: F401 - the loops of librosa, which basic_pitch calls, are kept by their types
from descant.config.structure import Transcription
from descant.evaluation.basic_pitch import RATE, STEP, NoteNetwork
from descant.evaluation.transcription.notes import Note


class Transcriber:
    """The network, opened once, with so many threads of the CPU.

    Raises:
        ModelFileError: when basic-pitch is not installed.
    """

    def __init__(self, settings: Transcription, threads: int = 1) -> None:
        self._settings = settings
        self._network = NoteNetwork(threads)
        self._decode = _decoder()

    def transcribe(self, audio: npt.NDArray[np.floating], sample_rate: int) -> list[Note]:
        """The notes of an excerpt, in the order of their starts.

        Args:
            audio: floats ``(samples,)``; full scale is 1.
            sample_rate: Hz.
        """
        resampled = soxr.resample(np.asarray(audio, dtype=np.float32), sample_rate, RATE)
        heard = self._network.activations(resampled)
        settings = self._settings
        found = self._decode(
            heard.notes,
            heard.onsets,
            onset_thresh=settings.onset_threshold,
            frame_thresh=settings.frame_threshold,
            min_note_len=max(1, round(settings.shortest_note_seconds * RATE / STEP)),
            infer_onsets=True,
            max_freq=None,
            min_freq=None,
        )
        seconds = len(audio) / sample_rate
        notes = [
            Note(
                float(heard.times[start]), min(float(heard.times[end]), seconds), int(pitch), float(min(1.0, strength))
            )
            for start, end, pitch, strength in found
        ]
        return sorted((note for note in notes if note.end > note.start), key=lambda note: (note.start, note.pitch))


def _decoder() -> Callable[..., list[tuple[int, int, int, float]]]:
    with _without_warnings():
        from basic_pitch.note_creation import output_to_notes_polyphonic
    decode: Callable[..., list[tuple[int, int, int, float]]] = output_to_notes_polyphonic
    return decode


@contextmanager
def _without_warnings() -> Iterator[None]:
    # it warns, through the root logger, of frameworks that are not needed here
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
