"""Labels of a person's own: they reach the index and the report, and a change of them decodes nothing again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from pipeline import TINY, planned, run

from descant.config.loading import merge
from descant.config.reading import read_yaml
from descant.sequences import Labels, open_sequence

pytestmark = pytest.mark.slow


def test_labels_reach_the_index(tmp_path: Path) -> None:
    music = tmp_path / "my music"
    music.mkdir()
    time = np.arange(16000) / 16000
    for n in range(4):
        soundfile.write(music / f"é {n}.flac", 0.3 * np.sin(2 * np.pi * 200 * (n + 1) * time), 16000)
    labels = music / "labels.csv"
    rows = [f"é {n}.flac;Artist {n % 2};Title {n};{'House' if n else ''}" for n in range(4)]
    labels.write_text("file;artist;title;genre\n" + "\n".join(rows), encoding="utf-8-sig")
    over = tmp_path / "own.yaml"
    change = {"corpus": {"source": "folder", "folder": {"path": str(music)}, "shards": 1}}
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), change)))
    folder = tmp_path / "work"
    folder.mkdir()
    run(folder, "--cores", "1", "corpus", over=over)

    expected = [Labels(f"Title {n}", f"Artist {n % 2}", "House" if n else "") for n in range(4)]
    tracks = open_sequence(folder / "results/sequences/audio").tracks()
    assert sorted((track.labels for track in tracks), key=lambda one: one.title) == expected
    table = pd.read_csv(folder / "results/corpus/tracks.csv", keep_default_na=False)
    assert [Labels(row.title, row.artist, row.genre) for row in table.itertuples()] == expected
    minutes = pd.read_csv(folder / "results/corpus/labels.csv", keep_default_na=False)
    assert minutes["value"].tolist() == ["Artist 0", "Artist 1", "House", "", ""]
    assert minutes["tracks"].tolist() == [2, 2, 3, 1, 4]
    assert "artist: 2 known" in (folder / "results/logs/sequences/pack.log").read_text()

    assert not planned(folder, "corpus", over=over)
    labels.write_text(labels.read_text(encoding="utf-8").replace("House", "Dub"), encoding="utf-8")
    assert planned(folder, "corpus", over=over) == {"pack", "corpus"}
    labels.unlink()
    assert planned(folder, "corpus", over=over) == {"pack", "corpus"}
    labels.write_text("file,artist\né 0.flac,x\né 0.flac,y\n", encoding="utf-8")
    shown = run(folder, "--cores", "1", "corpus", over=over, check=False)
    assert shown.returncode and "line 3: 'é 0.flac' is named a second time" in shown.stdout + shown.stderr
