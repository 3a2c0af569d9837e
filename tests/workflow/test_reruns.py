"""Reruns follow what files hold: a touched file, a moved folder or a moved checkout asks for nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from pipeline import ROOT, SONGS, TINY, environment, planned, run

from descant.config.reading import read_yaml
from descant.config.root import merge

pytestmark = pytest.mark.slow
CHECKOUT = ("Snakefile", "config.yaml", "config", "envs", "profiles", "src", "workflow")


def recording(path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    soundfile.write(path, 0.3 * random.standard_normal(16000), 16000)


def over(folder: Path, path: Path | str) -> Path:
    corpus = {"source": "folder", "folder": {"path": str(path)}, "shards": 1}
    file = folder / "own.yaml"
    file.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"rows": ["large_wavenet"], "corpus": corpus})))
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with music, and a run of it to a packed corpus."""
    folder = tmp_path_factory.mktemp("reruns")
    (folder / "music").mkdir()
    for n in range(4):
        recording(folder / f"music/{n}.wav", n)
    (folder / "music/labels.csv").write_text("file,artist\n0.wav,x\n")
    run(folder / "run", "--cores", "1", "corpus", over=over(folder, folder / "music"))
    yield folder


def again(finished: Path, path: Path | str) -> set[str]:
    return planned(finished / "run", "corpus", over=over(finished, path))


def test_a_slash_a_touch_a_copy_and_another_place_ask_for_nothing(finished: Path) -> None:
    music = finished / "music"
    assert again(finished, f"{music}/") == set()
    os.utime(music / "0.wav", ns=(1, 1))
    shutil.copyfile(music / "1.wav", music / "copy.tmp")
    (music / "copy.tmp").replace(music / "1.wav")
    assert again(finished, "music") == set()
    shutil.copytree(music, finished / "another mount" / "songs")
    assert again(finished, finished / "another mount/songs") == set()


def test_another_byte_and_another_file_ask_for_more(finished: Path) -> None:
    changed = finished / "changed"
    shutil.copytree(finished / "music", changed)
    content = bytearray((changed / "0.wav").read_bytes())
    content[-1] ^= 1
    (changed / "0.wav").write_bytes(content)
    assert {"scan", "ingest shard=0"} <= again(finished, changed)
    shutil.copyfile(finished / "music/0.wav", changed / "0.wav")
    assert again(finished, changed) == set()
    recording(changed / "4.wav", 4)
    assert {"scan", "ingest shard=0"} <= again(finished, changed)


def test_a_moved_checkout_asks_for_nothing(finished: Path, tmp_path: Path) -> None:
    for name in CHECKOUT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(tmp_path / "Snakefile")]
    options = ["--directory", str(finished / "run"), "--configfile", str(over(finished, "music"))]
    shown = subprocess.run(
        [*snakemake, "--dry-run", "corpus", *options],
        env={**environment(), "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Nothing to be done" in shown.stdout + shown.stderr


def test_no_job_reads_what_lies_in_the_checkout(tmp_path: Path) -> None:
    shown = run(tmp_path, "--dry-run", "all", over=SONGS).stdout
    inputs = [line for line in shown.splitlines() if line.strip().startswith("input: ")]
    assert inputs and not [line for line in inputs if str(ROOT) in line]


def test_one_more_recording_costs_one_decoding(finished: Path) -> None:
    more = finished / "more"
    shutil.copytree(finished / "music", more)
    recording(more / "4.wav", 4)
    run(finished / "run", "--cores", "1", "corpus", over=over(finished, more))
    log = (finished / "run/results/logs/corpus/ingest.0.log").read_text()
    assert "shard 0: 5 tracks used, 4 of them decoded before; 0 set aside" in log
    # and what was deleted is made of it again
    shutil.rmtree(finished / "run/results/corpus/ingested")
    run(finished / "run", "--cores", "1", "corpus", "--forcerun", "ingest", over=over(finished, more))
    log = (finished / "run/results/logs/corpus/ingest.0.log").read_text()
    assert "shard 0: 5 tracks used, 5 of them decoded before; 0 set aside" in log
