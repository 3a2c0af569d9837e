"""Reruns follow what files hold: a touched file, a moved folder or a moved checkout asks for nothing.

The corpus has stems, and three shards: 0.wav is dealt to the first, 5.wav to the last, the others to the second.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from pipeline import ROOT, SONGS, TINY, command, environment, planned, planned_when_moved, run

from descant.config.loading import merge
from descant.config.reading import read_yaml

pytestmark = pytest.mark.slow
SHARDS, TRACKS = 3, 6
# what people delete once a run is done
INTERMEDIATE = ("runs", *(f"corpus/{name}" for name in ("ingested", "separated", "encoded", "waveforms", "tables")))


def recording(music: Path, number: int) -> None:
    """A recording, and beside the folder its stem."""
    sound = 0.3 * np.random.default_rng(number).standard_normal(16000)
    soundfile.write(music / f"{number}.wav", sound, 16000)
    stems = music.with_name(f"{music.name} stems")
    stems.mkdir(exist_ok=True)
    soundfile.write(stems / f"{number}.wav", sound / 2, 16000)


def over(folder: Path, path: Path | str) -> Path:
    """The configuration of a run on a folder and the stems beside it."""
    change = {
        "rows": ["large_wavenet"],
        "corpus": {"source": "folder", "folder": {"path": str(path)}, "shards": SHARDS},
        "separation": {"method": "stems", "stems_folder": f"{str(path).rstrip('/')} stems"},
    }
    file = folder / "own.yaml"
    file.write_text(yaml.safe_dump(merge(read_yaml(TINY), change)))
    return file


def copied(music: Path, name: str) -> Path:
    """A copy of a folder and of the stems beside it."""
    for end in ("", " stems"):
        shutil.copytree(f"{music}{end}", music.with_name(f"{name}{end}"))
    return music.with_name(name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with music, and a run of it to what a network drew."""
    folder = tmp_path_factory.mktemp("reruns")
    (folder / "music").mkdir()
    for n in range(TRACKS):
        recording(folder / "music", n)
    (folder / "music/labels.csv").write_text("file,artist\n0.wav,x\n")
    run(folder / "run", "--cores", "1", "audio", over=over(folder, folder / "music"))
    yield folder


def again(finished: Path, path: Path | str) -> set[str]:
    return planned(finished / "run", "audio", over=over(finished, path))


def of_shard(number: int) -> set[str]:
    """The jobs that a change of one shard plans, up to the packed corpus."""
    return {"scan", "pack", *(f"{rule} shard={number}" for rule in ("ingest", "separate", "encode_audio"))}


def of_corpus(jobs: set[str]) -> set[str]:
    return {job for job in jobs if job == "pack" or job.startswith(("scan", "ingest", "separate", "encode_audio"))}


def decoded(finished: Path, shard: int) -> str:
    """What a shard's job said of its tracks."""
    return (finished / f"run/results/logs/corpus/ingest.{shard}.log").read_text().rpartition(": ")[2].strip()


def splits(finished: Path) -> dict[str, str]:
    return pd.read_csv(finished / "run/results/corpus/tracks.csv").set_index("source")["split"].to_dict()


def kept(finished: Path) -> set[str]:
    """The entries of the store of what was decoded."""
    return {path.name for path in (finished / "run/results/corpus/kept").iterdir() if path.is_dir()}


def test_a_slash_a_touch_a_copy_and_another_place_ask_for_nothing(finished: Path) -> None:
    music = finished / "music"
    assert again(finished, f"{music}/") == set()
    for folder in (music, music.with_name("music stems")):
        os.utime(folder / "0.wav", ns=(1, 1))
        shutil.copyfile(folder / "1.wav", folder / "copy.tmp")
        (folder / "copy.tmp").replace(folder / "1.wav")
    assert again(finished, "music") == set()
    (finished / "another mount").mkdir()
    for end in ("", " stems"):
        shutil.copytree(f"{music}{end}", finished / f"another mount/songs{end}")
    assert again(finished, finished / "another mount/songs") == set()


def test_what_is_deleted_once_the_run_is_done_asks_for_nothing(finished: Path) -> None:
    aside = finished / "aside"
    for name in INTERMEDIATE:
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(finished / "run/results" / name, aside / name)
    assert again(finished, finished / "music") == set()
    for name in INTERMEDIATE:
        shutil.move(aside / name, finished / "run/results" / name)


def test_another_byte_is_work_for_one_shard(finished: Path) -> None:
    changed = copied(finished / "music", "changed")
    content = bytearray((changed / "5.wav").read_bytes())
    content[-1] ^= 1
    (changed / "5.wav").write_bytes(content)
    assert of_corpus(again(finished, changed)) == of_shard(2)
    shutil.copyfile(finished / "music/5.wav", changed / "5.wav")
    assert again(finished, changed) == set()
    # a stem is separated again, and not decoded
    shutil.copyfile(changed / "5.wav", changed.with_name("changed stems") / "5.wav")
    assert of_corpus(again(finished, changed)) == {"separate shard=2", "encode_audio shard=2", "pack"}


def test_a_moved_checkout_asks_for_nothing(finished: Path, tmp_path: Path) -> None:
    over_music = over(finished, finished / "music")
    assert planned_when_moved(finished / "run", "audio", over=over_music, checkout=tmp_path) == set()


def test_no_job_reads_what_lies_in_the_checkout(tmp_path: Path) -> None:
    shown = run(tmp_path, "--dry-run", "all", over=SONGS).stdout
    inputs = [line for line in shown.splitlines() if line.strip().startswith("input: ")]
    assert inputs and not [line for line in inputs if str(ROOT) in line]


def without_rights(folder: Path, *arguments: str, config: Path) -> None:
    """Run the pipeline as a user whom a mode of 0 keeps out, which it does not keep root."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if drop and shutil.which("setpriv") is None:
        pytest.skip("root cannot give up rights here")
    done = subprocess.run(
        [*drop, *command(folder, *arguments, over=config)],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_rights_that_are_mended_mend_the_run_and_decode_nothing_again(finished: Path) -> None:
    music = copied(finished / "music", "closed")
    entries, table = kept(finished), (finished / "run/results/corpus/tracks.csv").read_text()
    (music / "2.wav").chmod(0)
    without_rights(finished / "run", "--cores", "1", "corpus", config=over(finished, music))
    rows = pd.read_csv(finished / "run/results/corpus/tracks.csv").set_index("source")
    assert "may not be read" in rows.loc["2.wav", "reason"] and (rows["status"] == "used").sum() == TRACKS - 1
    (music / "2.wav").chmod(0o644)
    assert of_corpus(again(finished, music)) == of_shard(1)
    without_rights(finished / "run", "--cores", "1", "corpus", config=over(finished, music))
    assert decoded(finished, 1).startswith("4 tracks used, 4 of them decoded before")
    assert (finished / "run/results/corpus/tracks.csv").read_text() == table and kept(finished) == entries


def test_one_more_recording_costs_one_decoding_and_moves_no_other(finished: Path) -> None:
    more = copied(finished / "music", "more")
    recording(more, TRACKS)
    (more / "notes.txt").write_text("no music")
    assert of_corpus(again(finished, more)) == of_shard(0)
    before, entries = splits(finished), kept(finished)
    run(finished / "run", "--cores", "1", "corpus", over=over(finished, more))
    assert decoded(finished, 0) == "2 tracks used, 1 of them decoded before; 0 set aside"
    assert len(kept(finished) - entries) == 1
    after = splits(finished)
    # what is no music has its row too, whichever shard was ingested
    assert after.keys() == {*before, f"{TRACKS}.wav", "notes.txt"}
    # its place is in train: one that falls to a held-out split may push another out of it
    assert {name: after[name] for name in before} == before
    # and what was deleted is made of what was kept again
    shutil.rmtree(finished / "run/results/corpus/ingested")
    run(finished / "run", "--cores", "1", "corpus", "--forcerun", "ingest", over=over(finished, more))
    assert [decoded(finished, n) for n in range(SHARDS)] == [
        f"{count} tracks used, {count} of them decoded before; 0 set aside" for count in (2, 4, 1)
    ]
    # what no track refers to goes when the corpus changes once more
    for name in (TRACKS, TRACKS - 1):
        (more / f"{name}.wav").unlink()
        run(finished / "run", "--cores", "1", "corpus", over=over(finished, more))
    assert len(kept(finished)) == TRACKS
