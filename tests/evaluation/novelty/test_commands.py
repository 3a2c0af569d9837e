"""A copy that is planted among a model's drawn clips shows on the page and in the summary, through the commands."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from page_reading import read_page
from waveforms import render

from descant.audio import mulaw
from descant.evaluation.novelty.features import Features
from descant.recordings import read_recording
from descant.sequences import PackedSequence, SequenceWriter

RATE, HOP, CLASSES = 16000, 64, 256
CLIP = 5 * RATE


def command(folder: Path, name: str, *options: str) -> None:
    reported = subprocess.run(
        [sys.executable, "-m", f"descant.commands.{name}", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert reported.returncode == 0, reported.stderr


def in_reverse(packed: PackedSequence, count: int) -> list[np.ndarray]:
    """Held-out music backwards: no training track has its notes in that order."""
    tracks = [*packed.tracks("validation"), *packed.tracks("test")]
    return [read_recording(packed, track, 2 * RATE, 2 * RATE + CLIP)[::-1] for track in tracks[:count]]


def write_codes(packed: PackedSequence, folder: Path) -> None:
    """Stand-in codes of every track: made of its audio by rounding means, so that copies have equal codes."""
    with SequenceWriter(folder, CLASSES, HOP, RATE) as writer:
        for track in packed.tracks():
            writer.add(track.track, track.split, track.labels, iter([codes_of(read_recording(packed, track))]))


def codes_of(audio: np.ndarray) -> np.ndarray:
    audio = audio[: len(audio) // HOP * HOP]
    return mulaw.encode(3 * audio.reshape(-1, HOP)[:, ::8].mean(axis=1))


@pytest.mark.slow
def test_a_planted_copy_shows(rendered: PackedSequence, features: Features, tmp_path: Path) -> None:
    source = Path(str(rendered.data.filename)).parent  # type: ignore[attr-defined]
    (tmp_path / "waveform").symlink_to(source)
    track = rendered.tracks("train")[3]
    copies = np.stack([*in_reverse(rendered, 5), read_recording(rendered, track, 8 * RATE, 8 * RATE + CLIP)])
    render(tmp_path / "copies", copies, RATE)
    render(tmp_path / "fresh", np.stack(in_reverse(rendered, 6)), RATE)
    write_codes(rendered, tmp_path / "codes")
    np.save(tmp_path / "top.npy", np.stack([codes_of(row) for row in copies]))

    command(tmp_path, "novelty_features", "--recordings", "waveform", "--output", "features")
    command(tmp_path, "novelty_calibration", "--settings", "{}", "--recordings", "waveform", "--features", "features",
            "--samples", str(CLIP), "--output", "calibration.json")  # fmt: skip
    rows = []
    for name in ("copies", "fresh"):
        command(tmp_path, "novelty_audio", "--settings", "{}", "--calibration", "calibration.json",
                "--features", "features", "--drawn", name, "--output", f"{name}.json")  # fmt: skip
        files = {"drawn": name, "found": f"{name}.json", "codes": "c.json" if name == "copies" else None}
        rows.append({"model": name, "title": f"The <{name}>", **files})
    command(tmp_path, "novelty_codes", "--settings", "{}", "--drawn", "top.npy", "--sequence", "codes",
            "--output", "c.json")  # fmt: skip
    for number in ("1", "2"):
        files = {"calibration": "calibration.json", "rows": rows}
        given = json.dumps({**files, "evaluation": {}, "seed": 1})
        command(tmp_path, "measure", "novelty", "--given", given, "--output", number)
        given = json.dumps(
            {**files, "findings": f"{number}/findings.json", "recordings": "waveform/data.npy", "shown": 20}
        )
        command(tmp_path, "page", "novelty", "--given", given, "--output", f"{number}/novelty.html")
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("1", "2"))
    assert first == second

    summary = json.loads(first["summary.json"])
    assert summary["models"]["copies"]["matched_share"] == pytest.approx(1 / 6)
    assert summary["models"]["copies"]["codes_share"] == pytest.approx(1 / 6, abs=0.02)
    assert summary["models"]["fresh"]["matched_share"] == 0 and summary["models"]["fresh"]["codes_share"] is None
    assert "most of them of The <copies>" in summary["verdict"] and "Not found by this" in summary["verdict"]
    matches = [row for row in csv.DictReader(first["matches.csv"].decode().splitlines()) if row["is_match"] == "1"]
    assert {(row["model"], row["sequence"], row["track"]) for row in matches} == {("copies", "5", track.track)}
    assert all(abs(float(row["track_start_seconds"]) - float(row["start_seconds"]) - 8) < 0.3 for row in matches)

    page = read_page(first["novelty.html"].decode(), str(tmp_path))
    assert "1. The <copies>" in page.text and "The nearest matches" in page.text
    players = [audio["aria-label"] for audio in page.all("audio")]
    assert players[0] == "1: drawn, sample 6" and players[1] == f"1: trained on, {track.labels.name}"
    assert len(players) == 2 * len({(row["check"].split(",")[0]) for row in matches})
