"""From scores to a trained Mel2Mel, its losses, what it plays of held-out scores, its timbres, and its pages."""

import hashlib
import json
import math
from pathlib import Path

import mido
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from page_reading import read_page
from pipeline import ROOT, planned, run

from descant.commands.find_timbre import FoundTimbre
from descant.corpus.playable import playable
from descant.evaluation.timbre import TimbreSummary
from descant.modelfacts import read_facts
from descant.modelfile import check_streams, read_model
from descant.results import read_json
from descant.sequences import open_checked, open_sequence
from descant.systems.mel2mel import Mel2MelSystem
from descant.systems.restore import restore

pytestmark = pytest.mark.slow
TINY = ROOT / "config" / "test" / "mel2mel.yaml"
INSTRUMENTS = ("Acoustic Grand Piano", "Church Organ")


def test_scores_become_a_network_that_plays_them(tmp_path: Path) -> None:
    run(tmp_path, "--cores", "1", "all", over=TINY)
    results = tmp_path / "results"
    pages = {"index", "synthesis", "curves", "onsets", "note_f1", "timbre", "music", "compositions"}
    assert {path.stem for path in (results / "report").iterdir()} == pages
    assert not (results / "samples").exists()
    assert sorted(path.name for path in (results / "table").iterdir()) == ["mel2mel.csv", "mel2mel.json", "mel2mel.md"]
    mel, roll, waveform = (open_checked(results / "sequences" / name) for name in ("mel", "roll", "waveform"))
    assert mel.index.equals(roll.index)
    assert mel.index["length"].tolist() == [-(-length // 128) for length in waveform.index["length"]]
    assert sorted(set(mel.index["instrument"])) == list(INSTRUMENTS)
    # all renderings of a piece are in one split
    tracks = pd.read_csv(results / "corpus" / "tracks.csv")
    assert len(tracks) == 8 and (tracks.groupby("piece")["split"].nunique() == 1).all()

    folder = results / "training" / "small-from-roll"
    figures = pd.read_csv(folder / "metrics.csv")
    held_out = figures[figures["split"] == "validation"]
    assert held_out["metric"].unique().tolist() == ["tanh_log_abs", "log_abs", "abs"]
    assert set(held_out["step"]) == {3, 6} and held_out["value"].gt(0).all()
    (line,) = pd.read_csv(results / "table" / "mel2mel.csv").to_dict("records")
    # of six steps only the last is in the last tenth
    last = held_out[(held_out["step"] == 6) & (held_out["metric"] == "tanh_log_abs")]["value"].item()
    assert line["validation"] == pytest.approx(1000 * last) and np.isnan(line["validation_sd"]) and line["steps"] == 6
    assert "1 validation in the last tenth of training" in (results / "report" / "curves.html").read_text()
    model = read_model(folder / "model.safetensors")
    check_streams(model, {"mel": mel, "roll": roll})
    assert model.facts.learnt.labels["instrument"].names == INSTRUMENTS
    system = restore(model, Mel2MelSystem)
    rolls = torch.from_numpy(roll.steps(roll.tracks("test")[0]).astype("float32"))[None]
    with torch.no_grad():
        piano, organ = (system.play(rolls, system.timbres(torch.tensor([number]))) for number in (1, 2))
    assert piano.shape == (1, rolls.shape[1], 80) and not torch.equal(piano, organ)

    # what it predicts of every track is packed, and what vocoders make of test tracks is measured and heard
    predicted = open_sequence(results / "sequences" / "mel-of-small-from-roll")
    assert predicted.index.equals(mel.index)
    heard = predicted.steps(predicted.tracks("test")[0])
    by_instrument = {"Acoustic Grand Piano": piano, "Church Organ": organ}
    expected = by_instrument[predicted.tracks("test")[0].labels.instrument]
    assert np.allclose(heard, expected[0], atol=0.01)
    tuned = read_facts(results / "training" / "oscillators-from-mel-of-small-from-roll" / "model.safetensors")
    source = results / "training" / "oscillators-from-mel" / "model.safetensors"
    assert tuned.start == hashlib.sha256(source.read_bytes()).hexdigest()
    assert tuned.by_stream["mel"].fingerprint == predicted.fingerprint
    summary = json.loads((results / "evaluation" / "synthesis" / "summary.json").read_text())
    assert [name for name, one in summary["renderings"].items() if one["share"]] == [
        "Mel2Mel, oscillators",
        "Mel2Mel, oscillators tuned on it",
    ]
    assert (summary["excerpts"], summary["pieces"]) == (2, 1)
    # the recording and two instruments, after the pieces that are heard first, one of them composed
    assert (results / "report" / "index.html").read_text().count("<audio") == 5
    composed, rate = soundfile.read(results / "music" / "composed.flac")
    # two measures at 80 quarters a minute, from their first note on, and a tail
    notes = playable(results / "compositions" / "chorale" / "1.mid", from_first_note=True)
    assert len(composed) == 128 * math.ceil((max(note.end for note in notes) + 1.5) * 125)
    assert min(note.onset for note in notes) == 0 and 4 < len(composed) / rate < 9 and np.abs(composed).max() > 0.01
    piece, rate = soundfile.read(results / "music" / "sonata.flac")
    assert rate == 16000 and len(piece) == 128 * -(-(2 + 1.5) * 125 // 1)

    # people listen to the same excerpts: the source's conditions are systems of the test
    shown = run(tmp_path, "--cores", "1", "listening", over=TINY).stdout
    assert "5 systems and real music, 2 items of 2 s" in shown

    assert planned(tmp_path, "all", over=TINY) == set()
    shown = run(tmp_path, "--cores", "1", "estimate", over=TINY).stdout
    assert "small-from-roll" in shown and "disk in all" in shown

    score = tmp_path / "a {song}'s score.mid"
    write_score(score, (60, 64, 67))
    played = {name: play(tmp_path, score, name) for name in ("piano", "{piano: 0.3, organ: 0.7}")}
    (piano, rate), (mixed, _) = played.values()
    # three notes of a quarter of a second, and the tail
    assert rate == 16000 and len(piano) == len(mixed) == 128 * -(-(0.75 + 1.5) * 125 // 1)
    assert 0 < np.abs(piano).max() <= 1 and not np.array_equal(piano, mixed)
    timbres = results / "evaluation" / "timbre" / "mel2mel"
    measured = read_json(TimbreSummary, timbres / "summary.json")
    assert [one.name for one in measured.instruments] == list(INSTRUMENTS)
    assert sorted(path.name for path in (timbres / "audio").glob("*.flac")) == ["00.flac", "01.flac", "02.flac"]
    page = read_page((results / "report" / "timbre.html").read_text(), str(tmp_path))
    assert len(page.all("audio")) == 3 and all(name in page.text for name in INSTRUMENTS)

    recording = (results / "play" / "played.flac").rename(tmp_path / "a {recording}'s.flac")
    asked = f"find_timbre={{recording: {quoted(recording)}, score: {quoted(score)}}}"
    shown = run(tmp_path, "find_timbre", "--cores", "1", "--config", asked, over=TINY).stdout
    timbre = read_json(FoundTimbre, results / "play" / "timbre.json")
    assert timbre.loss <= min(timbre.instruments.values()) and f"nearest {timbre.nearest}" in shown
    # the piano's own point
    again, _ = play(tmp_path, score, str([measured.instruments[0].x, measured.instruments[0].y]))
    assert np.array_equal(again, piano)

    for wanted, said in (("oboe", "name one of Acoustic Grand Piano, Church Organ"), ("piano", "nothing to play")):
        if wanted == "piano":
            write_score(score, (10, 120))
        asked = f"play={{score: {quoted(score)}, instrument: {wanted}}}"
        shown = run(tmp_path, "play", "--cores", "1", "--config", asked, over=TINY, check=False)
        assert shown.returncode and said in shown.stderr + shown.stdout


def quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def write_score(path: Path, pitches: tuple[int, ...]) -> None:
    track = mido.MidiTrack()
    for pitch in pitches:
        track += [mido.Message("note_on", note=pitch, velocity=90), mido.Message("note_off", note=pitch, time=240)]
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)


def play(folder: Path, score: Path, instrument: str) -> tuple[np.ndarray, int]:
    asked = f"play={{score: {quoted(score)}, instrument: {instrument}}}"
    run(folder, "play", "--cores", "1", "--config", asked, over=TINY)
    return soundfile.read(folder / "results/play/played.flac")
