"""SoundFonts: where the file lies, what its bytes are, and the part of it that some programs need.

The format is SoundFont 2.04 (E-mu 1994 to 2005), section 7: RIFF with a list of samples and nine tables.
"""

import hashlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from descant.errors import ScoreError
from descant.scores.notes import PERCUSSION

PACKAGE, SHIPPED = "pretty_midi", "TimGM6mb.sf2"
PERCUSSION_BANK = 128
_BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATOR = np.dtype([("kind", "<u2"), ("amount", "<u2")])
_TABLES = {
    b"phdr": np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")]),
    b"pbag": _BAG,
    b"pgen": _GENERATOR,
    b"inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    b"ibag": _BAG,
    b"igen": _GENERATOR,
    b"shdr": np.dtype([("name", "S20"), ("span", "<u4", 4), ("rest", "V10")]),
}
_INSTRUMENT, _SAMPLE = 41, 53
# samples of silence that the format asks for after each sound
_GAP = 46
# where sounds that are left out point to: start, end, loop's start, loop's end
_NOWHERE = (0, 48, 8, 40)


def soundfont_file(setting: str | None) -> Path:
    """The SoundFont that ``corpus.scores.soundfont`` means: the file itself, or for None that of pretty_midi's wheel.

    Raises:
        ScoreError: when there is no such file.
    """
    if setting is not None:
        if not Path(setting).is_file():
            cure = "check the path of your SF2 file; with null the small one that is installed is used"
            raise ScoreError(f"corpus.scores.soundfont: there is no file {setting}", cure)
        return Path(setting)
    # found, not imported: the package is slow to import, and only its file is wanted
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / SHIPPED).is_file():
            return path
    raise ScoreError(f"the SoundFont {SHIPPED} is not installed", f"install {PACKAGE}, which brings it")


def soundfont_digest(setting: str | None) -> str:
    """Hexadecimal sha256 of a SoundFont's bytes.

    Raises:
        ScoreError: when there is no such file, or it cannot be read.
    """
    path = soundfont_file(setting)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error.strerror) from error


def read_soundfont(path: Path, programs: Iterable[int]) -> bytes:
    """Read a SoundFont with only the samples that some programs need, so that a large one takes little memory.

    Args:
        path: of an SF2 file.
        programs: General MIDI programs, :data:`~descant.scores.notes.PERCUSSION` among them.

    Returns:
        An SF2 file with all tables, in which the other programs' sounds are silent.

    Raises:
        ScoreError: when the file cannot be read, is no SF2 file, or has no such program.
    """
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
        lists = dict(_chunks(content, 12, len(content)))
        info = _list(content, lists[b"INFO"])
        tables = _list(content, lists[b"pdta"])
        samples = _list(content, lists[b"sdta"])[b"smpl"].view("<i2")
        if int.from_bytes(info[b"ifil"][:2].tobytes(), "little") != 2:
            raise _unreadable(path, "its samples are compressed (SF3); take an SF2 file")
        parsed = {name: tables[name].view(kind) for name, kind in _TABLES.items()}
        used = _samples_of(parsed, programs, path)
        kept, spans = _cut(samples, parsed[b"shdr"]["span"], used)
    except OSError as error:
        raise _unreadable(path, error.strerror) from error
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise _unreadable(path, f"it is no SF2 file, or a damaged one: {error}") from error
    sounds = parsed[b"shdr"].copy()
    sounds["span"] = spans
    body = _as_list(b"INFO", {b"ifil": info[b"ifil"].tobytes()})
    body += _as_list(b"sdta", {b"smpl": kept.tobytes()})
    body += _as_list(b"pdta", {name: table.tobytes() for name, table in {**tables, b"shdr": sounds}.items()})
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"sfbk" + body


def _unreadable(path: Path, reason: object) -> ScoreError:
    cure = "give corpus.scores.soundfont an SF2 file with all General MIDI programs"
    return ScoreError(f"the SoundFont {path.name} cannot be read: {reason}", cure)


def _chunks(content: npt.NDArray[np.uint8], start: int, stop: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Names of chunks, for a list its own name, and where their contents begin and end."""
    while start + 8 <= stop:
        name = content[start : start + 4].tobytes()
        end = start + 8 + int.from_bytes(content[start + 4 : start + 8].tobytes(), "little")
        if end > stop:
            raise ValueError(f"the chunk {name!r} is cut short")
        if name == b"LIST":
            yield content[start + 8 : start + 12].tobytes(), (start + 12, end)
        else:
            yield name, (start + 8, end)
        start = end + end % 2


def _list(content: npt.NDArray[np.uint8], place: tuple[int, int]) -> dict[bytes, npt.NDArray[np.uint8]]:
    return {name: content[begin:end] for name, (begin, end) in _chunks(content, *place)}


def _as_list(name: bytes, chunks: Mapping[bytes, bytes]) -> bytes:
    parts = [key + len(chunk).to_bytes(4, "little") + chunk + b"\0" * (len(chunk) % 2) for key, chunk in chunks.items()]
    return b"LIST" + (4 + sum(map(len, parts))).to_bytes(4, "little") + name + b"".join(parts)


def _samples_of(tables: Mapping[bytes, npt.NDArray[Any]], programs: Iterable[int], path: Path) -> set[int]:
    """Numbers of the samples that some programs play."""
    presets = tables[b"phdr"][:-1]
    samples: set[int] = set()
    for program in programs:
        bank, number = (PERCUSSION_BANK, 0) if program == PERCUSSION else (0, program)
        found = np.flatnonzero((presets["bank"] == bank) & (presets["program"] == number))
        if not len(found):
            what = "percussion" if program == PERCUSSION else f"General MIDI program {program}"
            cure = "give corpus.scores.soundfont an SF2 file with all General MIDI programs"
            raise ScoreError(f"the SoundFont {path.name} has no {what}", cure)
        for preset in found:
            for instrument in _amounts(tables, b"phdr", b"pbag", b"pgen", int(preset), _INSTRUMENT):
                samples |= set(_amounts(tables, b"inst", b"ibag", b"igen", instrument, _SAMPLE))
    return samples


def _amounts(
    tables: Mapping[bytes, npt.NDArray[Any]], heads: bytes, bags: bytes, generators: bytes, number: int, kind: int
) -> list[int]:
    """What the zones of a preset or instrument name by generators of one kind."""
    first, last = (int(tables[heads]["bag"][place]) for place in (number, number + 1))
    begin, end = (int(tables[bags]["generator"][place]) for place in (first, last))
    zone = tables[generators][begin:end]
    return [int(amount) for amount in zone["amount"][zone["kind"] == kind]]


def _cut(
    samples: npt.NDArray[np.int16], spans: npt.NDArray[np.uint32], used: set[int]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint32]]:
    """The samples that are used, one after another, and where each now lies."""
    parts = [np.zeros(_NOWHERE[1] + _GAP, dtype=np.int16)]
    length = len(parts[0])
    moved = np.tile(np.array(_NOWHERE, dtype=np.uint32), (len(spans), 1))
    # the last header is the table's end, which names nothing
    moved[-1] = spans[-1]
    for number in sorted(used):
        begin, end = (int(place) for place in spans[number][:2])
        if not begin < end <= len(samples):
            raise ValueError(f"sample {number} lies outside of the file")
        part = samples[begin : end + _GAP]
        parts += [part, np.zeros(_GAP, dtype=np.int16)]
        moved[number] = spans[number] - np.uint32(begin) + np.uint32(length)
        length += len(part) + _GAP
    return np.concatenate(parts), moved
