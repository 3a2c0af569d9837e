"""The order of real sounds on a scale of real sounds: the same kind, dulled, and played by other instruments."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from material_of_scores import RATE, STRING_ENSEMBLE, played
from scipy.signal import butter, sosfilt
from waveforms import record

from descant.audio import mulaw
from descant.config.distances import Distances
from descant.evaluation.distances.embed import Cache, EmbeddedSet, embed_set, read_set, write_set
from descant.evaluation.distances.kinds import LOGMEL, MUSICNN, Kind, open_embedding
from descant.evaluation.distances.measure import FLOOR, MMD2, MODEL, Candidate, measure_kind
from descant.evaluation.material import Excerpt, real_excerpts
from descant.scores.notes import PIANO
from descant.sequences import Labels
from descant.statistics import Bootstrap

pytestmark = pytest.mark.slow
PIECES, SECONDS = 12, 6.0


def cut(folder: Path, tracks: list[np.ndarray]) -> list[Excerpt]:
    """Excerpts of tracks, each of which may be shorter than the others."""
    music = [(str(number), "test", track, Labels()) for number, track in enumerate(tracks)]
    return list(real_excerpts(record(folder / "waveform", music, RATE), "test", Distances().seconds))


def dulled(excerpt: Excerpt) -> Excerpt:
    low_pass = butter(6, 2000, fs=RATE, output="sos")
    return replace(excerpt, audio=mulaw.decode(mulaw.encode(sosfilt(low_pass, excerpt.audio))))


def test_same_kind_then_dulled_then_strings(tmp_path: Path) -> None:
    half, rest = range(0, PIECES, 2), range(1, PIECES, 2)
    test = cut(tmp_path / "first", played(tmp_path / "first", half, SECONDS, PIANO))
    others = cut(tmp_path / "second", played(tmp_path / "second", rest, SECONDS, PIANO))
    strings = cut(tmp_path / "third", played(tmp_path / "third", rest, SECONDS, STRING_ENSEMBLE))
    sets = {"test": test, "same": others, "dulled": [dulled(excerpt) for excerpt in others], "strings": strings}
    kinds: tuple[Kind, ...] = (LOGMEL, MUSICNN)
    embeddings = {kind: open_embedding(kind, 1) for kind in kinds}
    for name, excerpts in sets.items():
        write_set(embed_set(excerpts, embeddings, RATE, Cache(tmp_path / "cache"))[0], tmp_path / name)
    for kind in kinds:
        read: dict[str, EmbeddedSet] = {name: read_set(tmp_path / name, kind) for name in sets}
        reference = read.pop("test")
        candidates = [Candidate(MODEL, name, name, found) for name, found in read.items()]
        measured = measure_kind(kind, "", reference, candidates, Bootstrap(200, 0.95, 1))
        found = {row.name: row.value or 0.0 for row in measured.rows if row.measure == MMD2}
        assert found["same"] < found["dulled"] < found["strings"], kind.name
        assert found["same"] < found[FLOOR] < found["strings"], kind.name
