"""MPEG audio and ADTS by their frames: where they begin, and what a Xing, Info or VBRI header claims.

The layout of frames is of ISO 11172-3, 13818-3 (MPEG audio) and 14496-3 (ADTS). Xing's and Fraunhofer's headers stand
in a first frame of silence (Windszus, "MPEG Audio Frame Header", CodeProject 2007).
"""

import struct
from dataclasses import dataclass

# kbit/s by index, for MPEG 1's layers I to III, and for layer I and the others of MPEG 2 and 2.5
_ONE = (
    (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
_TWO = (
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = (44100, 48000, 32000)
# frames in a row that are no accident: each sets 11 bits of sync and the place of the next
RUN = 4
# side information of up to 32 bytes stands between a frame's header and Xing's
_XING_WITHIN = 48
_HAS_FRAMES, _HAS_BYTES = 1, 2


@dataclass(frozen=True)
class Claim:
    """What the header of an MP3 says of the whole file.

    Attributes:
        has_frames: whether it says how many frames there are.
        bytes: from that header's frame to the end; 0 where it does not say.
    """

    has_frames: bool
    bytes: int


def mpeg_bytes(data: bytes, at: int) -> int:
    """Length in bytes of the MPEG audio frame whose header is at a place; 0 when there is none, or a free format."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return 0
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    bitrate, rate, padding = data[at + 2] >> 4, data[at + 2] >> 2 & 3, data[at + 2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    bits = (_ONE if version == 3 else _TWO)[layer - 1][bitrate] * 1000
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def adts_bytes(data: bytes, at: int) -> int:
    """Length in bytes of the ADTS frame whose header is at a place; 0 when there is none."""
    if at + 6 > len(data) or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0 or data[at + 2] >> 2 & 15 > 12:
        return 0
    length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return length if length > 7 else 0


def find_frames(data: bytes) -> tuple[str, int]:
    """The first place from which frames follow one upon another.

    Args:
        data: part of a file.

    Returns:
        ``mp3`` or ``aac`` and the place of the first of :data:`RUN` frames; empty and -1 when there is no such run.
    """
    at = data.find(b"\xff")
    while at >= 0:
        for kind, length in (("mp3", mpeg_bytes), ("aac", adts_bytes)):
            place, frames = at, 0
            while frames < RUN and (step := length(data, place)):
                place, frames = place + step, frames + 1
            if frames == RUN:
                return kind, at
        at = data.find(b"\xff", at + 1)
    return "", -1


def read_claim(frame: bytes) -> Claim:
    """What a Xing, Info or VBRI header claims.

    Args:
        frame: the first frame of a file.
    """
    for tag in (b"Xing", b"Info"):
        if (at := frame.find(tag, 0, _XING_WITHIN)) >= 0 and len(frame) >= at + 16:
            flags, *numbers = struct.unpack_from(">3I", frame, at + 4)
            count = numbers.pop(0) if flags & _HAS_FRAMES else 0
            return Claim(count > 0, numbers[0] if flags & _HAS_BYTES else 0)
    if (at := frame.find(b"VBRI", 0, _XING_WITHIN)) >= 0 and len(frame) >= at + 18:
        # libsndfile does not read it: its number of frames is an estimate all the same
        return Claim(False, struct.unpack_from(">I", frame, at + 10)[0])
    return Claim(False, 0)
