"""Levels of Jukebox trained, encoded, decoded and measured, beside a residual codec."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from page_reading import read_page
from pipeline import ROOT, planned, run

from descant.audio.clips import to_16_bit
from descant.audio.rendered import open_rendered
from descant.evaluation.distortion import spectral_convergence_db
from descant.modelfile import check_streams, read_model
from descant.recordings import open_recordings, read_recording
from descant.sequences import open_checked
from descant.systems.restore import restore
from descant.systems.vqvae import VQVAESystem

pytestmark = pytest.mark.slow
TINY = ROOT / "config" / "test" / "jukebox.yaml"
CPU = torch.device("cpu")


def test_levels_are_trained_encoded_decoded_and_measured(tmp_path: Path) -> None:
    run(tmp_path, "--cores", "1", "all", "candidates", over=TINY)
    results = tmp_path / "results"
    assert {path.stem for path in (results / "report").iterdir()} == {
        *("index", "table", "players", "curves", "reconstruction", "onsets", "note_f1"),
        *("distances", "structure", "novelty", "candidates"),
    }
    drawn = results / "samples" / "jukebox"
    assert {path.name for path in drawn.iterdir()} == {
        *("level1.npy", "level2.npy", "audio", "prime"),
        *("candidates.npy", "candidates"),
    }
    prime, candidates, top, bottom = (
        np.load(drawn / f"{name}.npy") for name in ("prime/level2", "candidates", "level2", "level1")
    )
    primed = 20
    assert candidates.shape == (3, primed + 25) and top.shape == (2, primed + 55)
    assert np.array_equal(candidates[:, :primed], prime)
    # they go on as they were heard, and no others
    assert np.array_equal(top[:, : primed + 25], candidates[[2, 0]])
    assert np.array_equal(bottom[:, : 4 * primed], np.load(drawn / "prime" / "level1.npy")[[2, 0]])
    heard, recorded = open_rendered(drawn / "candidates"), np.load(drawn / "prime" / "waveform.npy")
    assert [(one.primed, one.drawn) for one in open_rendered(drawn / "audio").samples] == [(32 * primed, 1760)] * 2
    decoder = restore(read_model(results / "training" / "top" / "model.safetensors"), VQVAESystem)
    for number in range(3):
        sound = np.concatenate(list(decoder.sound_blocks(candidates[number], CPU)))[32 * primed :]
        np.testing.assert_allclose(heard.read(number), np.clip(sound, -1, 1), atol=1 / 32768)
        assert np.array_equal(to_16_bit(heard.read(number, -32 * primed, 0)), recorded[number % len(recorded)])
    shown = read_page((results / "report" / "candidates.html").read_text(), str(tmp_path))
    assert len(shown.all("audio")) == 3 + 2 and "pick: [2, 0]" in shown.text
    said = read_page((results / "report" / "players" / "jukebox.html").read_text(), str(tmp_path)).text
    assert "picked: candidates 2, 0 of 3" in said and "none was chosen by ear" not in said
    table = pd.read_csv(results / "table" / "table.csv").set_index("model")
    # a decoder of one pass gives the audio no likelihood
    assert list(table.index) == ["jukebox", "small_data"] and table["bits_per_sample"].isna().tolist() == [True, False]
    rates = [16000 / hop for hop in (8, 32)]
    bits = [table[f"bits_per_step_level{level}"]["jukebox"] for level in (1, 2)]
    assert table["bits_per_second"]["jukebox"] == pytest.approx(sum(np.multiply(rates, bits)), rel=1e-3)

    # the other row draws from the prior as it was at a step that one run paused at
    steps = [
        read_model(results / "training" / f"small{at}-on-top" / "model.safetensors").facts.steps for at in ("-at-4", "")
    ]
    assert steps == [4, 6] and len(list((results / "runs" / "training" / "small-on-top").iterdir())) == 1

    # a WaveNet draws the audio below the top level, which is then bounded by its bits and the codes' own
    small = table.loc["small_data"]
    bound = small["bits_per_step_level0"] + small["bits_per_step_level1"] / 32
    assert small["bits_per_sample"] == pytest.approx(bound, rel=1e-3)
    folder = results / "samples" / "small_data"
    prime, begun, top, audio = (
        np.load(folder / f"{name}.npy") for name in ("prime/level0", "candidates", "level1", "level0")
    )
    assert np.array_equal(top[:, : begun.shape[1]], begun[[1, 0]]) and len(begun) == 2
    assert audio.shape == (2, 32 * top.shape[1]) and np.array_equal(audio[:, : 32 * primed], prime[[1, 0]])
    of_row = open_rendered(folder / "audio")
    assert np.array_equal(to_16_bit(of_row.read(0, -32 * primed, 0)), np.load(folder / "prime" / "waveform.npy")[1])

    waveform = open_recordings(results / "sequences" / "waveform")
    found = {name: open_checked(results / "sequences" / name) for name in ("bottom", "top", "residual")}
    for (name, codes), hop in zip(found.items(), (8, 32, 32), strict=True):
        assert (codes.classes, codes.hop, codes.channels) == (32, hop, 4 if name == "residual" else 0)
        assert codes.index["length"].tolist() == [math.ceil(length / hop) for length in waveform.index["length"]]
        assert codes.index["split"].tolist() == waveform.index["split"].tolist()
        model = read_model(results / "training" / name / "model.safetensors")
        check_streams(model, {"waveform": waveform})
        system, track = restore(model, VQVAESystem), waveform.tracks("test")[0]
        own = np.concatenate(list(system.code_blocks(np.asarray(waveform.steps(track)), CPU)))
        same = next(one for one in codes.tracks() if one.track == track.track)
        assert np.array_equal(codes.steps(same), own)

    made = results / "evaluation" / "reconstruction"
    summary = json.loads((made / "summary.json").read_text())
    assert list(summary["stacks"]) == ["bottom", "top", "residual"]
    excerpts = pd.read_csv(made / "excerpts.csv", dtype={"track": str})
    row = next(row for row in excerpts.to_dict("records") if row["rendering"] == "top")
    # the excerpt is what the whole track's codes are decoded to there
    (track,) = [one for one in waveform.tracks() if one.track == row["track"]]
    (codes_of,) = [one for one in found["top"].tracks() if one.track == row["track"]]
    system = restore(read_model(results / "training" / "top" / "model.safetensors"), VQVAESystem)
    whole = np.concatenate(list(system.sound_blocks(np.asarray(found["top"].steps(codes_of)), CPU)))
    stretch = slice(row["start"], row["start"] + row["samples"])
    original = read_recording(waveform, track, stretch.start, stretch.stop)
    expected = spectral_convergence_db(original, np.clip(whole[stretch], -1, 1), waveform.sample_rate)
    assert row["convergence_db"] == pytest.approx(expected, abs=0.02)
    codes = pd.read_csv(made / "codes.csv").set_index("stack")
    assert codes.loc["residual"][["hop", "quantisers", "classes"]].tolist() == [32, 4, 32]
    assert codes.loc["bottom"]["codes"] == sum(track.length for track in found["bottom"].tracks("test"))
    assert codes["gap"].isna().all() and not any("gap" in reason for reason in summary["missing"])
    for measure in ("onsets", "note_f1"):
        figures = json.loads((results / "evaluation" / measure / "summary.json").read_text())
        said = [*figures["renderings"], *figures["missing"]]
        assert all(any(name in one for one in said) for name in found)
    page = read_page((results / "report" / "reconstruction.html").read_text(), str(tmp_path))
    assert len(page.all("audio")) == (2 + 3) * excerpts["track"].nunique()
    assert "20 kbit/s" not in page.text and "10 kbit/s" in page.text

    # drawn top codes and audio are both searched for copies; here they are too short
    novelty = results / "evaluation" / "novelty" / "models"
    assert {path.name for path in novelty.iterdir()} == {
        f"{row}.{kind}.json" for row in ("jukebox", "small_data") for kind in ("audio", "codes")
    }

    assert planned(tmp_path, "all", "candidates", over=TINY) == set()
    shown = run(tmp_path, "--cores", "1", "estimate", over=TINY).stdout
    assert "bottom" in shown and "disk in all" in shown
