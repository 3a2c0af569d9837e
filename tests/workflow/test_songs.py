"""A real song with its vocals taken out, from the package that ships it to a model and a page to listen to."""

import base64
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import soundfile
import soxr
import yaml
from pipeline import ROOT, SONGS, planned, run

from descant.audio import mulaw
from descant.config.loading import load, merge
from descant.config.reading import read_yaml
from descant.corpus.excerpt import PARTS, decode_stream, excerpt_file
from descant.modelfile import read_model
from descant.separation.spleeter_environment import is_supported
from descant.sequences import open_sequence

pytestmark = pytest.mark.slow
# one model with a level of codes; test_pipeline.py runs the others
MODEL = "hop8"
TARGETS = (f"results/report/players/{MODEL}.html", "results/report/separation.html", "results/corpus/tracks.csv")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory, spleeter_resources: Path) -> Path:
    """A folder in which the song went through the chain, up to audio drawn from a model and pages to listen to."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "resources").mkdir()
    (folder / "resources" / "spleeter").symlink_to(spleeter_resources)
    run(folder, "--cores", "2", *TARGETS, over=SONGS)
    return folder


def over(folder: Path, separation: dict[str, str]) -> Path:
    """A configuration file with other keys of separation."""
    path = folder / "over.yaml"
    path.write_text(yaml.safe_dump(merge(read_yaml(SONGS), {"separation": separation})))
    return path


def audio_of(folder: Path, track: str) -> npt.NDArray[np.float32]:
    (path,) = folder.glob(f"*/{track}.*")
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == 44100
    return audio


def sdr(reference: npt.NDArray[np.float32], estimate: npt.NDArray[np.float32]) -> float:
    """Signal-to-distortion ratio, dB: energy of the reference over that of the difference."""
    return float(10 * np.log10(np.square(reference).sum() / np.square(reference - estimate).sum()))


def used_tracks(folder: Path) -> list[str]:
    """Ids of the files of the song, in order."""
    tracks = pd.read_csv(folder / "results/corpus/tracks.csv").sort_values("source")
    assert list(tracks["status"]) == ["used"] * PARTS
    assert sorted(tracks["split"]) == ["test", "train", "validation"]
    return list(tracks["track"])


def mixes_of(folder: Path) -> list[npt.NDArray[np.float32]]:
    return [audio_of(folder / "results/corpus/ingested", track) for track in used_tracks(folder)]


def stems_of(folder: Path) -> list[npt.NDArray[np.float32]]:
    return [audio_of(folder / "results/corpus/separated", track) for track in used_tracks(folder)]


def test_what_is_trained_on_is_nearer_to_the_song_without_its_vocals(songs: Path) -> None:
    mix, stem = np.concatenate(mixes_of(songs)), np.concatenate(stems_of(songs))
    # the parts, laid end to end, are the excerpt, to 24 bits
    np.testing.assert_allclose(mix, decode_stream(excerpt_file(), "mixture"), atol=2**-24)
    without = np.sum([decode_stream(excerpt_file(), name) for name in ("drums", "bass", "other")], axis=0)
    assert stem.shape == mix.shape
    assert sdr(mix, stem) < 20
    assert sdr(without, stem) > sdr(without, mix) + 3


def test_the_run_ends_with_audio_of_a_model_that_learnt_from_the_stem(songs: Path) -> None:
    config = load(ROOT / "config.yaml", SONGS)
    packed = open_sequence(songs / "results/sequences/audio")
    stems = dict(zip(used_tracks(songs), stems_of(songs), strict=True))
    for row in packed.tracks():
        heard = mulaw.decode(packed.steps(row))
        stem = soxr.resample(stems[row.track].mean(axis=1), 44100, packed.sample_rate)
        # all that differs is mu-law's rounding
        assert sdr(stem[: len(heard)], heard) > 30
    assert (
        read_model(songs / "results/training/vqvae8/model.safetensors").facts.learnt.fingerprint == packed.fingerprint
    )
    files = list((songs / "results/samples" / MODEL / "audio").glob("*.flac"))
    assert len(files) == config.sampling.count
    assert all(soundfile.info(file).duration >= config.sampling.seconds for file in files)


def test_mix_and_stem_can_be_heard(songs: Path) -> None:
    page = (songs / "results/report/separation.html").read_text()
    heard = [base64.b64decode(part.partition('"')[0]) for part in page.split("data:audio/flac;base64,")[1:]]
    assert len(heard) == 2 * PARTS and len(set(heard)) == 2 * PARTS
    assert "spleeter:2stems" in page and ("tensorflow" if is_supported() else "torch") in page
    run(songs, *TARGETS, "--report", "results/report.html", over=SONGS)
    report = (songs / "results/report.html").read_text()
    assert "separation.html" in report
    assert str(songs) not in report and str(ROOT) not in report


def test_a_second_run_has_nothing_to_do(songs: Path) -> None:
    assert "Nothing to be done" in run(songs, "--cores", "2", *TARGETS, over=SONGS).stderr


@pytest.mark.parametrize(
    ("change", "planned_rules", "not_planned"),
    [
        ({"stem": "vocals"}, {"separate shard=0", "train training=vqvae8"}, {"excerpt", "scan", "ingest shard=0"}),
        ({"method": "none"}, {"separate shard=0", "encode_audio shard=0"}, {"page page=separation", "ingest shard=0"}),
    ],
)
def test_a_key_of_separation_reruns_what_depends_on_it(
    songs: Path, tmp_path: Path, change: dict[str, str], planned_rules: set[str], not_planned: set[str]
) -> None:
    jobs = planned(songs, "all", over=over(tmp_path, change))
    assert planned_rules <= jobs and not not_planned & jobs
    assert not any(job.startswith("spleeter_") for job in jobs)


def test_what_spleeter_needs_is_made_first_and_only_where_it_is_used(tmp_path: Path, spleeter_resources: Path) -> None:
    def jobs(separation: dict[str, str]) -> set[str]:
        return {job for job in planned(tmp_path, "all", over=over(tmp_path, separation)) if job.startswith("spleeter_")}

    assert jobs({"backend": "tensorflow"}) == {"spleeter_environment", "spleeter_weights"}
    assert jobs({"backend": "torch"}) == {"spleeter_weights"}
    assert jobs({"method": "none"}) == set()
    assert jobs({"backend": "torch", "weights": str(spleeter_resources / "weights")}) == set()
    shown = run(tmp_path, "--dry-run", over=over(tmp_path, {"weights": str(tmp_path)}), check=False)
    assert (
        shown.returncode and "lacks checkpoint, model.data-00000-of-00001, model.index" in shown.stdout + shown.stderr
    )


def test_torch_takes_the_same_stem_out(songs: Path, tmp_path: Path) -> None:
    if not is_supported():
        pytest.skip("TensorFlow is not there to compare with")
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "spleeter").symlink_to(songs / "resources" / "spleeter")
    run(tmp_path, "--cores", "2", "results/sequences/audio/data.npy", over=over(tmp_path, {"backend": "torch"}))
    for stem, same in zip(stems_of(songs), stems_of(tmp_path), strict=True):
        np.testing.assert_allclose(same, stem, atol=1e-4)
