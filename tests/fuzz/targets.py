"""What reads strangers' files, each as a function of bytes: it returns, or raises a DescantError with a cure.

Binary forms have two targets: one takes the file as it is, the other takes JSON that describes one, of which a file is
made that is well-formed but may say anything.
"""

import functools
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from grids import chorale
from safetensors import safe_open

from descant.config.loading import merge, parse
from descant.config.networks import ADA, Prior
from descant.config.reading import read_yaml
from descant.corpus.labels import read_labels
from descant.errors import DescantError
from descant.listening.answers import Answer, RatingsFile, read_ratings_file
from descant.listening.importers import read_mturk, read_webmushra
from descant.listening.ratings import NEEDED, read_ratings
from descant.modelfacts import DIGEST_KEY, KEY, Input, ModelFacts
from descant.modelfile import ModelFile, digest, read_model, write_model
from descant.scores.midi import read_midi
from descant.scores.notation import read_notation
from descant.scores.part_files import read_parts
from descant.scores.part_writing import midi_of, musicxml_of
from descant.sequences import METADATA_KEY, Labels, SequenceWriter, open_checked, open_sequence
from descant.steps import open_steps
from descant.systems.base import System
from descant.systems.registry import KINDS
from descant.systems.restore import restore

# what is written for a described file, at most
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        read: bytes.
        seeds: valid inputs to begin with.
        json: whether an input is JSON, which is changed as such.
    """

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    json: bool = False


class Unwritten(Exception):
    """A described file cannot be written: there is nothing to read."""


def run(target: Target, data: bytes) -> None:
    """Read an input; what the law forbids is raised."""
    try:
        target.read(data)
    except DescantError as error:
        assert error.cure and len(str(error)) < 20_000, "an error is short, and has a cure"
    except Unwritten:
        pass


@contextmanager
def file_of(data: bytes, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


@functools.cache
def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def in_file(read: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    def of(data: bytes) -> object:
        with file_of(data, name) as path:
            return read(path)

    return of


def described(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unwritten from error
    if not isinstance(value, dict):
        raise Unwritten
    return value


# configuration

ROOT = Path(__file__).parents[2]


@functools.cache
def _base() -> dict[str, Any]:
    return read_yaml(ROOT / "config.yaml")


def _read_config(path: Path) -> object:
    return parse(merge(_base(), read_yaml(path)))


def _configurations() -> Iterator[bytes]:
    yield (ROOT / "config/test/tiny.yaml").read_bytes()
    yield b"corpus:\n  source: folder\n  folder: {path: music}\nlistening: {raters: 3, names: [a:80]}\n"


def _configuration_values() -> Iterator[bytes]:
    for text in _configurations():
        with file_of(text, "config.yaml") as path:
            yield json.dumps(read_yaml(path)).encode()


# ratings


def _ratings_json() -> Iterator[bytes]:
    given = Answer(page=0, scale="fidelity", value=4, revision=1, plays=1, heard_ms=900, rating_ms=1500, comment="é")
    yield RatingsFile(design="a" * 64, session="b" * 32, list=0, ratings=(given,)).model_dump_json().encode()


def _ratings_table() -> pd.DataFrame:
    row = {name: "x" for name in NEEDED} | {"page": 0, "position": 0, "item": 1.0, "value": 3, "source": "people"}
    return pd.DataFrame([row, {**row, "page": 1, "session": "y"}])


def _ratings_csv() -> Iterator[bytes]:
    yield _ratings_table().to_csv(index=False).encode()


def _ratings_parquet() -> Iterator[bytes]:
    buffer = io.BytesIO()
    _ratings_table().to_parquet(buffer)
    yield buffer.getvalue()


def _webmushra() -> Iterator[bytes]:
    yield (
        b'"session_test_id","trial_id","rating_stimulus","rating_score","rating_time","rating_comment","session_uuid"\n'
        b'"t","trial1","reference","100","12","","u1"\n"t","trial1","anchor35","20","12","a, b","u1"\n'
    )
    yield b"session_uuid,trial_id,stimuli_rating1,stimuli,stimuli_rating2\nu,t1,3,C1,4\n"


def _mturk() -> Iterator[bytes]:
    columns = "WorkerId,Input.recording_0_url,Answer.recording_0_quality,Answer.recording_0_musicality"
    yield f"{columns}\nw,http://x/abc.wav,3,4\n\0sashimi 0.wav abc\n".encode()


def _read_mturk(data: bytes) -> object:
    batch, _, uids = data.partition(b"\0")
    with file_of(batch, "batch.csv") as path, file_of(uids, "uids.txt") as names:
        return read_mturk([path], names, "test", {})


def _labels() -> Iterator[bytes]:
    yield '\ufefffile;title;artist;genre\na.wav;T;Ä;"x;\ny"\n'.encode()
    yield b"file,title\n./b/c.flac,T\n"


# sequences


@functools.cache
def _sequence() -> tuple[bytes, bytes]:
    """The data and the index of a sequence of two tracks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SequenceWriter(folder, classes=16, hop=2, sample_rate=8000) as writer:
            writer.add("a", "train", Labels("title", "artist", "genre"), [np.arange(16)])
            writer.add("b", "test", Labels(), [np.zeros(3, int)])
        return (folder / "data.npy").read_bytes(), (folder / "index.parquet").read_bytes()


def _read_sequence(data: bytes, index: bytes, checked: bool = True) -> object:
    with file_of(data, "data.npy") as path:
        path.with_name("index.parquet").write_bytes(index)
        opened = (open_checked if checked else open_sequence)(path.parent)
        return [sum(len(block) for block in opened.blocks(track)) for track in opened.tracks()], opened.rate


def _described_sequences() -> Iterator[bytes]:
    _, index = _sequence()
    table = pq.read_table(io.BytesIO(index))
    facts = json.loads(table.schema.metadata[METADATA_KEY])
    rows = table.to_pylist()
    yield json.dumps(
        {"facts": facts, "rows": rows, "descr": "|u1", "shape": [19], "order": False, "bytes": 19}
    ).encode()
    real = {**facts, "classes": 0, "channels": 2, "unit": "quarter", "steps": 9}
    for row, offset, length in zip(rows, (0, 5), (5, 4), strict=True):
        row.update(offset=offset, length=length)
    yield json.dumps(
        {"facts": real, "rows": rows, "descr": "<f2", "shape": [9, 2], "order": False, "bytes": 36}
    ).encode()


def _read_described_sequence(data: bytes) -> object:
    shown = described(data)
    try:
        columns = {name: [row.get(name) for row in shown["rows"]] for name in shown["rows"][0]}
        table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(shown["facts"]).encode()})
        buffer, header = io.BytesIO(), io.BytesIO()
        pq.write_table(table, buffer)
        form = {"descr": shown["descr"], "fortran_order": shown["order"], "shape": tuple(shown["shape"])}
        np.lib.format.write_array_header_1_0(header, form)
        body = bytes(min(max(int(shown["bytes"]), 0), MOST_BYTES))
    except Exception as error:  # whatever keeps such a file from being written
        raise Unwritten from error
    # nobody knows the digest of what is described
    return _read_sequence(header.getvalue() + body, buffer.getvalue(), checked=False)


def _steps() -> Iterator[bytes]:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(8, dtype=np.uint8).reshape(2, 4))
    yield buffer.getvalue()


# scores


def _midi() -> Iterator[bytes]:
    header = b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, 1, 0, 96])
    # tempo, program, a note held by the pedal, one by running status, percussion, the end
    events = bytes.fromhex(
        "00ff510307a120 00c005 00903c40 00b04000 30803c00 00b0407f 10903e50 203e00 00b04000 00992640 0a892600 00ff2f00"
    )
    whole = header + b"MTrk" + len(events).to_bytes(4, "big") + events
    yield whole
    yield b"RIFF" + (len(whole) + 12).to_bytes(4, "little") + b"RMIDdata" + len(whole).to_bytes(4, "little") + whole


def _musicxml() -> Iterator[bytes]:
    note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>"
    yield (
        '<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1"><part-name>x</part-name>'
        f'</score-part></part-list><part id="P1"><measure number="1"><attributes><divisions>1</divisions></attributes>'
        f"{note}</measure></part></score-partwise>"
    ).encode()


# model files


@functools.cache
def _models() -> tuple[ModelFile, ...]:
    """A WaveNet and an ADA, as small as they are made."""
    training = {"steps": 1, "batch": 1, "window": 8}
    shape = {"stacks": 1, "layers_per_stack": 2, "residual_channels": 4, "gate_channels": 4, "skip_channels": 4}
    narrow = {"channels": 4, "blocks": 1}
    prior = Prior.model_validate({"wavenet": shape, "training": training})
    ada = ADA.model_validate(
        {
            "hop": 2,
            "bottleneck": {"kind": "vq", "classes": 4, "query_dim": 4},
            "encoder": {**narrow, "blocks_per_stage": 1},
            "modulator": narrow,
            "local_model": shape,
            "training": training,
        }
    )
    given = Input(stream="steps", name="audio", classes=16, channels=0, hop=1, sample_rate=8000, fingerprint="f" * 64)
    made = []
    for kind, section in (("wavenet", prior), ("ada", ada)):
        system = KINDS[kind].build(section, {"steps": given})
        facts = ModelFacts(kind=kind, settings=section.model_dump(mode="json"), inputs=(given,), steps=1)
        made.append(ModelFile(facts, system.state_dict()))
    return tuple(made)


def _model_files() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        for model in _models():
            path = Path(folder) / "model.safetensors"
            write_model(path, model)
            yield path.read_bytes()


def _read_model(path: Path) -> object:
    return restore(read_model(path), System)


def _described_models() -> Iterator[bytes]:
    for data in _model_files():
        yield data[8 : 8 + int.from_bytes(data[:8], "little")]


def _read_described_model(data: bytes) -> object:
    """Read a file of a header, whose facts have a right digest, and as many zeros as its tensors say."""
    header = described(data)
    metadata = header.get("__metadata__")
    tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
    try:
        size = max((tensor["data_offsets"][1] for tensor in tensors), default=0)
        body = bytes(min(max(int(size), 0), MOST_BYTES))
    except (TypeError, KeyError, ValueError, IndexError, OverflowError) as error:
        raise Unwritten from error

    def written() -> bytes:
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + body

    with file_of(written(), "model.safetensors") as path:
        try:
            facts = json.loads(metadata[KEY])
            with safe_open(path, "pt") as file:
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts.pop(DIGEST_KEY, None)
            text = f"{json.dumps(facts, sort_keys=True)}\n{digest(weights)}"
            metadata[KEY] = json.dumps({**facts, DIGEST_KEY: hashlib.sha256(text.encode()).hexdigest()})
            path.write_bytes(written())
        except Exception:  # it has no digest to mend: it is read as it is
            pass
        return _read_model(path)


TARGETS: dict[str, Target] = {
    "config_text": Target(in_file(_read_config, "config.yaml"), _configurations),
    "config_values": Target(in_file(_read_config, "config.yaml"), _configuration_values, json=True),
    "model_bytes": Target(in_file(_read_model, "model.safetensors"), _model_files),
    "model_values": Target(_read_described_model, _described_models, json=True),
    "sequence_data": Target(lambda data: _read_sequence(data, _sequence()[1]), lambda: [_sequence()[0]]),
    "sequence_index": Target(lambda data: _read_sequence(_sequence()[0], data), lambda: [_sequence()[1]]),
    "sequence_values": Target(_read_described_sequence, _described_sequences, json=True),
    "steps": Target(in_file(lambda path: open_steps(path, 8), "steps.npy"), _steps),
    "midi": Target(read_midi, _midi),
    "musicxml": Target(in_file(read_notation, "score.musicxml"), _musicxml),
    "parts": Target(in_file(read_parts, "score.musicxml"), lambda: [musicxml_of(chorale()), midi_of(chorale())]),
    "labels": Target(in_file(read_labels, "labels.csv"), _labels),
    "ratings_json": Target(in_file(read_ratings_file, "ratings.json"), _ratings_json),
    "ratings_values": Target(in_file(read_ratings_file, "ratings.json"), _ratings_json, json=True),
    "ratings_csv": Target(in_file(read_ratings, "ratings.csv"), _ratings_csv),
    "ratings_parquet": Target(in_file(read_ratings, "ratings.parquet"), _ratings_parquet),
    "webmushra": Target(in_file(lambda path: read_webmushra(path, None), "mushra.csv"), _webmushra),
    "mturk": Target(_read_mturk, _mturk),
}
