"""Short audio in memory: 16-bit FLAC bytes for files and pages."""

import io

import numpy as np
import numpy.typing as npt
import soundfile

from descant.audio.files import AudioFileError

FULL_SCALE = 1 << 15


def to_16_bit(audio: npt.NDArray[np.floating]) -> npt.NDArray[np.int16]:
    """Round to 16 bits, by the scale that decoders use; louder than full scale is clipped.

    Args:
        audio: floats ``(time,)`` or ``(time, channels)``; full scale is 1.

    Returns:
        int16 of the same shape.
    """
    scaled = np.rint(np.asarray(audio, dtype=np.float64) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_16_bit(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Floats of 16-bit samples, full scale 1; :func:`to_16_bit` gives the same samples back."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def flac_bytes(audio: npt.NDArray[np.floating], sample_rate: int) -> bytes:
    """A FLAC file of 16 bits; the same samples give the same bytes.

    Args:
        audio: floats ``(time,)`` or ``(time, channels)``; full scale is 1.
        sample_rate: Hz.

    Raises:
        AudioFileError: when FLAC knows no such rate.
    """
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, to_16_bit(audio), sample_rate, format="FLAC", subtype="PCM_16")
    except soundfile.SoundFileError as error:
        raise AudioFileError(
            f"FLAC cannot be written at {sample_rate} Hz", "set audio.sample_rate to one that FLAC knows, such as 16000"
        ) from error
    return buffer.getvalue()
