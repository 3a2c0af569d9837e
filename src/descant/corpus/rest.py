"""What stands in a file behind the samples that its header claims: chunks and tags, or more samples."""

import os
import struct
from typing import BinaryIO

from descant.corpus.mpeg import find_frames

# A stray byte, a line's end or a frame that is cut is nothing that anybody misses
LEAST_BYTES = 512
# An ID3v1 tag stands at the end of many files
_ID3V1_BYTES = 128
_APE_BYTES = 32
_LOOK_BYTES = 1 << 16
# How a chunk's header is laid out: its id, then the size of what follows it, or, for W64, of the whole chunk
_RIFF, _IFF, _CAF, _W64 = struct.Struct("<4sI"), struct.Struct(">4sI"), struct.Struct(">4sq"), struct.Struct("<16sQ")
_CHUNKS = {"WAV": _RIFF, "WAVEX": _RIFF, "RF64": _RIFF, "AIFF": _IFF, "CAF": _CAF, "W64": _W64}


def unclaimed_bytes(file: BinaryIO, place: int, container: str, is_big_endian: bool) -> int:
    """How many bytes from a place on are neither chunks nor tags nor zeros, and so are music that no header claims.

    Args:
        file: a whole recording.
        place: where the decoder stopped reading.
        container: libsndfile's name of the format.
        is_big_endian: of a WAV that is RIFX.

    Returns:
        0 where there is nothing to speak of.
    """
    end = _without_tags(file, place)
    if end - place < LEAST_BYTES:
        return 0
    file.seek(place)
    head = file.read(min(_LOOK_BYTES, end - place))
    if head.startswith((b"RIFF", b"RF64", b"FORM")):
        # another recording behind this one
        return end - place
    if container in _CHUNKS and _holds_chunks(file, place, end, _IFF if is_big_endian else _CHUNKS[container]):
        return 0
    if head.startswith((b"ID3", b"APETAGEX", b"LYRICSBEGIN")) and container != "MP3":
        return 0
    if container == "MP3":
        return end - place if find_frames(head)[0] else 0
    if container == "OGG":
        return end - place if b"OggS" in head else 0
    return 0 if _is_zero(file, place, end) else end - place


def _without_tags(file: BinaryIO, place: int) -> int:
    """Where the file ends without the ID3v1 and APE tags behind its music."""
    end = file.seek(0, os.SEEK_END)
    for size, mark in ((_ID3V1_BYTES, b"TAG"), (_APE_BYTES, b"APETAGEX")):
        if end - place < size:
            break
        file.seek(end - size)
        footer = file.read(size)
        if footer.startswith(mark):
            # an APE tag's size counts its footer, and not its header
            end -= size if mark == b"TAG" else struct.unpack_from("<I", footer, 12)[0] + _APE_BYTES
    return max(end, place)


def _holds_chunks(file: BinaryIO, place: int, end: int, layout: struct.Struct) -> bool:
    """Whether the bytes are chunks up to the end, with or without a pad byte before the first."""
    return any(_chain(file, start, end, layout) for start in (place, place + 1, place - 1))


def _chain(file: BinaryIO, place: int, end: int, layout: struct.Struct) -> bool:
    while end - place >= layout.size:
        file.seek(place)
        name, size = layout.unpack(file.read(layout.size))
        if not all(0x20 <= letter < 0x7F for letter in name[:4]) or size < 0:
            return False
        if layout is _W64:
            # 64-bit chunks count their header, and begin at multiples of 8
            place += max(size, layout.size) + -size % 8
        else:
            place += layout.size + size + (size % 2 if layout is not _CAF else 0)
    return place - end <= 1


def _is_zero(file: BinaryIO, place: int, end: int) -> bool:
    file.seek(place)
    while place < end and (data := file.read(min(_LOOK_BYTES, end - place))):
        if data.strip(b"\0"):
            return False
        place += len(data)
    return True
