"""A person's own folder: several formats, a broken file, an odd name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from pipeline import TINY, run

from descant.config.loading import merge
from descant.config.reading import read_yaml

pytestmark = pytest.mark.slow


def recording(seed: int, rate: int, channels: int, seconds: float = 3.0) -> np.ndarray:
    """Plucked tones of a scale, one recording a seed."""
    random = np.random.default_rng(seed)
    time = np.arange(int(rate * seconds)) / rate
    audio = np.zeros((len(time), channels))
    for onset in np.arange(0, seconds, 0.25):
        pitch = 220 * 2 ** (random.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
        after = np.maximum(time - onset, 0)
        audio += ((time >= onset) * 0.2 * np.sin(2 * np.pi * pitch * after) * np.exp(-6 * after))[:, None]
    return audio


def test_the_run_ends_and_the_broken_file_is_listed(tmp_path: Path) -> None:
    music = tmp_path / "my music"
    (music / "album one").mkdir(parents=True)
    soundfile.write(music / "a song.wav", recording(1, 44100, 2), 44100)
    soundfile.write(music / "album one" / "b.flac", recording(2, 48000, 1), 48000)
    soundfile.write(music / "a'b $(x) {y}.ogg", recording(3, 22050, 2), 22050)
    soundfile.write(music / "c.mp3", recording(4, 44100, 2), 44100)
    soundfile.write(music / "-d.wav", recording(5, 8000, 1), 8000, subtype="PCM_24")
    (music / "broken.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEthis is no audio")
    over = tmp_path / "own.yaml"
    # a network of audio, and one of codes
    rows = ["large_wavenet", "hop8"]
    change = {"corpus": {"source": "folder", "folder": {"path": str(music)}}, "rows": rows}
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), change)))
    folder = tmp_path / "work"
    folder.mkdir()
    run(folder, "--cores", "2", "table", over=over)
    tracks = pd.read_csv(folder / "results/corpus/tracks.csv").set_index("source")
    assert tracks.loc["broken.wav", "status"] == "rejected"
    assert tracks.loc["broken.wav", "reason"]
    assert tracks.loc["a'b $(x) {y}.ogg", "status"] == "used"
    assert (tracks["status"] == "used").sum() == 5
    assert pd.read_csv(folder / "results/table/table.csv")["model"].tolist() == rows
    assert str(music) not in (folder / "results/corpus/tracks.csv").read_text()
    shown = run(folder, "--cores", "1", "estimate", over=over).stdout
    assert "hour" in shown and "parameters" in shown and "CPU minutes" in shown and "fresh weights" in shown


def test_nothing_usable_stops_at_once(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    (music / "broken.wav").write_bytes(b"RIFF")
    over = tmp_path / "own.yaml"
    over.write_text(
        yaml.safe_dump(merge(read_yaml(TINY), {"corpus": {"source": "folder", "folder": {"path": str(music)}}}))
    )
    folder = tmp_path / "work"
    folder.mkdir()
    shown = run(folder, "--cores", "2", "table", over=over, check=False)
    assert shown.returncode != 0
    assert "cure:" in shown.stdout + shown.stderr
    assert not (folder / "results/training").exists()
