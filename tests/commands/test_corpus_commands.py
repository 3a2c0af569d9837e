import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import soundfile

from descant.sequences import open_sequence

SCORES = {"scores": {"limit": 3, "seconds_per_piece": 4}, "shards": 2}


def command(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"descant.commands.{name}", *options], cwd=folder, capture_output=True, text=True
    )


def done(folder: Path, name: str, *options: str) -> None:
    shown = command(folder, name, *options)
    assert shown.returncode == 0, shown.stderr


def run_all(folder: Path, corpus: dict[str, object]) -> None:
    settings = json.dumps(corpus)
    done(folder, "scan", "--settings", settings, "--output", "files.parquet")
    for n in "01":
        done(folder, "ingest", "--settings", settings, "--shard", n,
             "--tracks", f"tracks/{n}", "--table", f"tables/{n}.parquet",
             "--fingerprints", f"prints/{n}.parquet", "--notes", f"notes/{n}.parquet")  # fmt: skip
        done(folder, "separate", "--settings", "{}", "--table", f"tables/{n}.parquet", "--tracks", f"tracks/{n}",
             "--output", f"stems/{n}", "--output-table", f"kept/{n}.parquet",
             "--stem-table", f"measured/{n}.parquet")  # fmt: skip
        done(folder, "encode", "--settings", "{}", "--table", f"kept/{n}.parquet",
             "--output-table", f"encoded/{n}.parquet",
             "--tracks", f"stems/{n}", "--output", f"sequences/{n}",
             "--waveform", f"waveforms/{n}")  # fmt: skip
    done(folder, "pack", "--settings", "{}", "--seed", "1", "--shard-sequences", "sequences/0", "sequences/1",
         "--shard-waveforms", "waveforms/0", "waveforms/1",
         "--shard-tables", "encoded/0.parquet", "encoded/1.parquet",
         "--shard-fingerprints", "prints/0.parquet", "prints/1.parquet",
         "--shard-notes", "notes/0.parquet", "notes/1.parquet", "--output", "audio",
         "--waveform", "waveform", "--tracks-table", "tracks.csv", "--labels-table", "labels.csv",
         "--remarks", "remarks.json", "--notes", "notes.parquet", "--files", "files.parquet")  # fmt: skip


def test_scores_to_sequence_twice_the_same(tmp_path: Path) -> None:
    prints = []
    for name in ("a", "with space 'n"):
        folder = tmp_path / name
        folder.mkdir()
        run_all(folder, SCORES)
        prints.append([open_sequence(folder / name).fingerprint for name in ("audio", "waveform")])
        table = pd.read_csv(folder / "tracks.csv")
        assert list(table["status"]) == ["used"] * 3 and set(table["split"]) == {"train", "validation", "test"}
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix in (".csv", ".parquet", ".npy"):
                assert str(tmp_path).encode() not in path.read_bytes()
            assert not path.name.endswith(".tmp")
    assert prints[0] == prints[1]
    lengths = [[track.length for track in open_sequence(folder / name).tracks()] for name in ("audio", "waveform")]
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize("name", ["scan", "ingest", "separate", "encode", "pack"])
def test_help_teaches_and_torch_is_not_imported(tmp_path: Path, name: str) -> None:
    program = f"import sys, runpy; sys.argv = ['{name}', '--help']\n"
    program += f"try: runpy.run_module('descant.commands.{name}', run_name='__main__')\n"
    program += "finally: assert not {'torch', 'music21', 'snakemake'} & set(sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert shown.returncode == 0 and "--settings" in shown.stdout and "  [required]" in shown.stdout, shown.stderr


def test_mistakes_are_reported_without_a_traceback(tmp_path: Path) -> None:
    for settings, problem in (
        ('{"sourc": "scores"}', "sourc: "),
        ("{", "not a valid Corpus section"),
        ('{"source": "folder", "folder": {"path": "nothing"}}', "corpus.folder.path: there is no folder nothing"),
    ):
        shown = command(tmp_path, "scan", "--settings", settings, "--output", "files.parquet")
        assert shown.returncode == 1 and shown.stderr.startswith("error: ") and problem in shown.stderr
        assert "\n  cure: " in shown.stderr and "Traceback" not in shown.stderr
        assert not (tmp_path / "files.parquet").exists()


def test_nothing_usable_stops_with_reasons(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for n in range(3):
        (music / f"{n}.wav").write_text("no music")
    soundfile.write(music / "short.wav", [0.1] * 10, 8000)
    with pytest.raises(AssertionError, match=r"no usable track, but 3 are the least[\s\S]*0.wav: not audio"):
        run_all(tmp_path, {"source": "folder", "folder": {"path": "music"}})


def test_few_jobs_for_many_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    for n in range(1001):
        (tmp_path / "music" / f"{n}.wav").touch()
    for shards, is_told in ((1, True), (2, False)):
        settings = {"source": "folder", "folder": {"path": "music"}, "shards": shards}
        shown = command(tmp_path, "scan", "--settings", json.dumps(settings), "--output", "files.parquet").stderr
        assert ("1001 items a shard" in shown) == is_told and "1001 items in" in shown
