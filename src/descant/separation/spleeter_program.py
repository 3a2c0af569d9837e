"""Serves spleeter's network to another process; it runs inside spleeter's own environment.

Called as ``python spleeter_program.py --model spleeter:2stems --threads 1`` with the environment variable
``MODEL_PATH``. On stdout it writes one line of JSON, ``{"stems": [...], "sample_rate": 44100}``. Then it answers
chunks: from stdin it reads a little-endian uint64, the number of frames (0 ends it), and frames x 2 float32
interleaved; it writes the number of stems as uint64, and for each stem, in the order given, frames x 2 float32. stderr
is for people.

The model is built and restored once: ``spleeter.separator.Separator`` does both again on every call. Wiener filtering
is off, as in spleeter's own default.
"""

import argparse
import json
import os
import signal
import struct
import sys
from pathlib import Path
from typing import BinaryIO

HEADER = struct.Struct("<Q")
CHANNELS = 2
FRAME_BYTES = 4 * CHANNELS
# ten minutes at 44.1 kHz: a longer one is nonsense in the header, or would need 13 GB
LONGEST = 600 * 44100


def serve(model: str, weights: Path, threads: int, requests: BinaryIO, answers: BinaryIO) -> None:
    """Load a model and answer chunks until a header of 0 or the end of the requests.

    Args:
        model: spleeter's name of it, such as ``spleeter:2stems``.
        weights: folder of its models, spleeter's ``MODEL_PATH``.
        threads: of the CPU.
        requests: chunks, as above.
        answers: their stems.
    """
    import numpy as np
    import tensorflow as tf
    from spleeter.model import EstimatorSpecBuilder
    from spleeter.utils.configuration import load_configuration

    settings = load_configuration(model)
    settings["MWF"] = False
    # not by spleeter's ModelProvider, which downloads what it does not find
    checkpoint = tf.train.latest_checkpoint(str(weights / settings["model_dir"]))
    if checkpoint is None:
        raise SystemExit(f"no checkpoint of {settings['model_dir']} in {weights}")
    with tf.Graph().as_default():
        waveform = tf.compat.v1.placeholder(tf.float32, [None, settings["n_channels"]])
        # read by nothing; the graph asks for it
        features = {"waveform": waveform, "audio_id": tf.constant("")}
        outputs = EstimatorSpecBuilder(features, settings).outputs
        stems = [outputs[name] for name in settings["instrument_list"]]
        bounds = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
        with tf.compat.v1.Session(config=bounds) as session:
            tf.compat.v1.train.Saver().restore(session, checkpoint)
            facts = {"stems": settings["instrument_list"], "sample_rate": settings["sample_rate"]}
            answers.write(json.dumps(facts).encode() + b"\n")
            answers.flush()
            while frames := read_header(requests):
                chunk = np.frombuffer(read_exactly(requests, frames * FRAME_BYTES), "<f4").reshape(frames, CHANNELS)
                separated = session.run(stems, {waveform: chunk})
                answers.write(HEADER.pack(len(separated)))
                for stem in separated:
                    answers.write(np.ascontiguousarray(stem[:frames], "<f4").data)
                answers.flush()


def read_header(requests: BinaryIO) -> int:
    """Number of frames that follow; 0 to end, also where the requests end."""
    header = requests.read(HEADER.size)
    if not header:
        return 0
    if len(header) < HEADER.size:
        raise SystemExit("the requests end within a header")
    frames = int(HEADER.unpack(header)[0])
    if frames > LONGEST:
        raise SystemExit(f"a chunk of {frames} frames is asked for, at most {LONGEST} are served")
    return frames


def read_exactly(requests: BinaryIO, count: int) -> bytes:
    """So many bytes of the requests."""
    content = requests.read(count)
    if len(content) < count:
        raise SystemExit(f"the requests end within a chunk, after {len(content)} of {count} bytes")
    return content


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="spleeter's name of the model, such as spleeter:2stems")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    options = parser.parse_args()
    if "MODEL_PATH" not in os.environ:
        parser.error("the environment variable MODEL_PATH, the folder of spleeter's models, is not set")
    # an interrupt from the terminal is the parent's to handle: its end is ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # whatever libraries print must not come between the answers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    serve(options.model, Path(os.environ["MODEL_PATH"]), options.threads, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
