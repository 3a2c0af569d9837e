"""Rendered music that is searched: real scores through the pipeline's own synthesiser."""

from pathlib import Path

import pytest
import soundfile
from waveforms import record

from descant.config.corpus import Scores
from descant.corpus.rendering import render
from descant.corpus.scores import locate, read_pieces
from descant.evaluation.novelty.features import Features, open_features, write_features
from descant.scores.notes import PIANO
from descant.sequences import Labels, PackedSequence

RATE = 16000
TRACKS, HELD_OUT = 22, 8
SCORES = Scores(seconds_per_piece=30, render_rate=RATE)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> PackedSequence:
    """Recordings of 30 s of each of 22 pieces; the last eight are held out."""
    folder, music = tmp_path_factory.mktemp("rendered"), []
    for number, piece in enumerate(read_pieces(Scores())[:TRACKS]):
        score = locate("builtin", piece.path)
        render(score, piece.quarters_per_minute, PIANO, SCORES, folder / "a.flac")
        split = "train" if number < TRACKS - HELD_OUT else "validation" if number % 4 == 0 else "test"
        labels = Labels(piece.title, piece.composer)
        music.append((f"{number:016x}", split, soundfile.read(folder / "a.flac")[0], labels))
    return record(folder / "waveform", music, RATE)


@pytest.fixture(scope="session")
def features(rendered: PackedSequence, tmp_path_factory: pytest.TempPathFactory) -> Features:
    """What is compared of them."""
    folder: Path = tmp_path_factory.mktemp("features")
    write_features(rendered, folder)
    return open_features(folder)
