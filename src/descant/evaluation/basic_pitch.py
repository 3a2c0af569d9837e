"""The network of basic-pitch, a transcriber of notes (Bittner et al., ICASSP 2022), out of its wheel.

Windows of 2 s and their overlap are those of ``basic_pitch/inference.py`` 0.4.0; the network is run by onnxruntime, and
nothing of the wheel's code is.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime

from descant.evaluation.wheels import wheel_file

RATE = 22050
STEP = 256
WINDOW = 2 * RATE - STEP
OVERLAP_FRAMES = 30
STRIDE = WINDOW - OVERLAP_FRAMES * STEP
NETWORK = "saved_models/icassp_2022/nmp.onnx"
# what the network calls its input and outputs
INPUT = "serving_default_input_2:0"
NOTES, ONSETS = "StatefulPartitionedCall:1", "StatefulPartitionedCall:2"


@dataclass(frozen=True)
class Activations:
    """What the network finds in audio, 88 notes from A0 up.

    Attributes:
        notes: how likely each sounds ``(frames, 88)``.
        onsets: how likely each begins ``(frames, 88)``.
        times: of the frames ``(frames,)``, seconds; counted from each window's own start.
    """

    notes: npt.NDArray[np.float32]
    onsets: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]


class NoteNetwork:
    """The network, opened once, with so many threads of the CPU.

    Raises:
        ModelFileError: when basic-pitch is not installed.
    """

    def __init__(self, threads: int) -> None:
        content = wheel_file("basic_pitch", NETWORK).read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.digest = hashlib.sha256(content).hexdigest()

    def activations(self, audio: npt.NDArray[np.float32]) -> Activations:
        """Run the network over audio ``(samples,)`` at 22,050 Hz, as far as the audio goes."""
        margin = OVERLAP_FRAMES // 2
        padded = np.pad(audio, (margin * STEP, 0))
        notes, onsets, times = [], [], []
        for start in range(0, len(padded), STRIDE):
            window = padded[start : start + WINDOW]
            window = np.pad(window, (0, WINDOW - len(window)))[None, :, None]
            note, onset = self._session.run([NOTES, ONSETS], {INPUT: window})
            notes.append(note[0, margin:-margin])
            onsets.append(onset[0, margin:-margin])
            times.append((start + np.arange(len(notes[-1])) * STEP) / RATE)
        time = np.concatenate(times)
        heard = time < len(audio) / RATE
        return Activations(np.concatenate(notes)[heard], np.concatenate(onsets)[heard], time[heard])
