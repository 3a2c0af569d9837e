"""Reads TensorFlow's V2 checkpoints with numpy alone.

A checkpoint is a *tensor bundle*: ``PREFIX.index`` is a table in LevelDB's format that maps names to protocol
buffers (tensorflow/core/protobuf/tensor_bundle.proto), which say where in ``PREFIX.data-00000-of-00001`` a tensor
lies. Nothing in either file is run.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from descant.errors import ModelFileError

TABLE_MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES = 48
# DataType of tensorflow/core/framework/types.proto
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}
CURE = "give the folder of a saved model as it was unpacked or installed, whole"
Fields = dict[int, list[Any]]


class _DamagedError(Exception):
    """The bytes are not what the format says."""


def read_checkpoint(folder: Path) -> Mapping[str, npt.NDArray[Any]]:
    """Read all tensors of the checkpoint that a folder's ``checkpoint`` file names.

    Args:
        folder: of a saved model.

    Returns:
        Arrays by their names, read-only; tensors of other types than int32/64 and float32/64 are left out.

    Raises:
        ModelFileError: when it is missing, damaged, compressed or in several parts.
    """
    name = _latest(folder)
    index, data = (folder / (name + end) for end in (".index", ".data-00000-of-00001"))
    try:
        entries = dict(_table(index.read_bytes()))
        header = _fields(entries.pop(b""))
        if header.get(1, [1]) != [1]:
            raise _DamagedError("it is in several parts")
        stored = np.memmap(data, np.uint8, mode="r")
        return {
            name.decode(): array for name, entry in entries.items() if (array := _tensor(entry, stored)) is not None
        }
    except OSError as error:
        raise ModelFileError(f"{error.filename} cannot be read: {error.strerror}", CURE) from error
    # a flipped bit makes a number where bytes are due, or one beyond all bounds
    except (_DamagedError, LookupError, ValueError, TypeError, OverflowError, struct.error) as error:
        raise ModelFileError(f"{index.name} in {folder} is no whole checkpoint: {error}", CURE) from error


def _latest(folder: Path) -> str:
    """The name of a folder's checkpoint, which may be empty: what its files have before the dot."""
    try:
        text = (folder / "checkpoint").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{folder} holds no model: its file 'checkpoint' cannot be read", CURE) from error
    found = re.search(r'^model_checkpoint_path: "([^"]+)"', text, re.MULTILINE)
    if not found:
        raise ModelFileError(f"{folder / 'checkpoint'} names no checkpoint", CURE)
    # only the name: the path may be that of the machine it was trained on
    return found[1].rpartition("/")[2]


def _tensor(entry: bytes, stored: npt.NDArray[np.uint8]) -> npt.NDArray[Any] | None:
    """The tensor of a BundleEntryProto: 1 dtype, 2 shape, 3 shard, 4 offset, 5 size."""
    fields = _fields(entry)
    dtype = fields.get(1, [0])[0]
    if dtype not in DTYPES:
        return None
    # TensorShapeProto: 2 dim, of which 1 is the size
    sizes = [_fields(dim).get(1, [0])[0] for dim in _fields(fields.get(2, [b""])[0]).get(2, [])]
    offset, size = fields.get(4, [0])[0], fields.get(5, [0])[0]
    if offset + size > len(stored):
        raise _DamagedError("its data are cut short")
    array: npt.NDArray[Any] = stored[offset : offset + size].view(DTYPES[dtype]).reshape(sizes)
    return array


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, low ones first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise _DamagedError("a number is too long")


def _fields(message: bytes) -> Fields:
    """Values of a protocol buffer by field number."""
    fields: Fields = {}
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(message, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}.get(kind) or _varint(message, at)
            if kind not in (1, 2, 5) or at + size > len(message):
                raise _DamagedError("a message is cut short")
            value, at = message[at : at + size], at + size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a table; its footer says where the index of its blocks is."""
    footer = data[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != TABLE_MAGIC:
        raise _DamagedError("its index has no footer")
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)
    for _, handle in _block(data, footer[at:]):
        yield from _block(data, handle)


def _block(data: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; each key holds only what differs from the one before."""
    offset, at = _varint(handle, 0)
    size, _ = _varint(handle, at)
    if data[offset + size] != 0:
        raise _DamagedError("its index is compressed, which is not supported")
    block = data[offset : offset + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length
