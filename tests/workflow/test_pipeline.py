"""The whole pipeline at test size, and what a change of the configuration reruns."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from pipeline import ROOT, TINY, planned, run

from descant.config.root import load, merge, read_yaml
from descant.modelfile import read_model

pytestmark = pytest.mark.slow


def test_the_table_has_all_seven_rows(finished: Path) -> None:
    table = pd.read_csv(finished / "results/table/table.csv")
    config = load(ROOT / "config.yaml", TINY)
    assert list(table["model"]) == list(config.models)
    assert len(table) == 7
    for row in table.itertuples():
        model = str(row.model)
        assert row.levels == len(config.levels(model))
        assert row.receptive_field_samples == config.receptive_field(model)
        per_level = [getattr(row, f"bits_per_step_level{n}") for n in range(len(config.levels(model)))]
        total = sum(bits / config.hop(name) for bits, name in zip(per_level, config.levels(model), strict=True))
        assert row.bits_per_sample == pytest.approx(total, rel=1e-9)
        assert row.bits_per_second == pytest.approx(total * config.audio.sample_rate, rel=1e-9)
        assert 0 < row.bits_per_sample < 12


def test_every_row_has_audio_of_the_asked_length_and_its_codes(finished: Path) -> None:
    config = load(ROOT / "config.yaml", TINY)
    for model in config.models:
        samples = finished / "results/samples" / model
        files = sorted((samples / "audio").glob("*.flac"))
        assert len(files) == config.sampling.count
        seconds = {soundfile.info(file).duration for file in files}
        assert seconds == {-(-round(config.sampling.seconds * 16000) // 64) * 64 / 16000}
        top = np.load(samples / "top.npy", allow_pickle=False)
        audio = np.load(samples / ("top.npy" if not config.models[model].stack else "level0.npy"), allow_pickle=False)
        assert top.shape[1] * config.hop(config.top(model)) == audio.shape[1]


def test_shared_adas_are_trained_once(finished: Path) -> None:
    trained = sorted(path.name for path in (finished / "results/ada").iterdir())
    assert trained == ["vqvae64", "vqvae8", "vqvae8.amae8", "vqvae8.vqvae8_pbt"]


def test_codes_keep_the_index_with_lengths_divided_by_the_hop(finished: Path) -> None:
    from descant.sequences import open_sequence

    audio = open_sequence(finished / "results/sequences/audio")
    for stack, hop in {"vqvae8": 8, "vqvae64": 64, "vqvae8.amae8": 64}.items():
        codes = open_sequence(finished / "results/sequences" / stack)
        assert codes.hop == hop
        assert (codes.index["length"] * hop == audio.index["length"]).all()
        assert (codes.index["track"] == audio.index["track"]).all()
        assert (codes.index["split"] == audio.index["split"]).all()


def test_a_model_file_opens_by_itself(finished: Path) -> None:
    model = read_model(finished / "results/ada/vqvae8/model.safetensors")
    assert (model.kind, model.sequence, model.classes, model.steps) == ("ada", "audio", 256, 6)
    assert model.settings["hop"] == 8


def test_a_second_run_has_nothing_to_do(finished: Path) -> None:
    assert "Nothing to be done" in run(finished, "--cores", "2", "all").stderr


def over(folder: Path, change: dict[str, object]) -> Path:
    """A configuration file of the tiny run with a change."""
    path = folder.parent / f"over-{len(list(folder.parent.iterdir()))}.yaml"
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), change)))
    return path


def test_one_learning_rate_reruns_only_what_depends_on_it(finished: Path) -> None:
    change = over(finished, {"adas": {"amae8": {"training": {"learning_rate": 0.5}}}})
    jobs = planned(finished, "all", over=change)
    rerun = {job for job in jobs if job.startswith("train_")}
    assert rerun == {"train_ada stack=vqvae8.amae8", "train_prior prior=codes, sequence=vqvae8.amae8"}
    assert not any(job.startswith(("scan", "ingest", "pack")) for job in jobs)
    assert {job for job in jobs if job.startswith("upsample")} == {
        "upsample model=vqvae_amae, level=1",
        "upsample model=vqvae_amae, level=0",
    }


def test_a_key_of_sampling_retrains_nothing(finished: Path) -> None:
    jobs = planned(finished, "all", over=over(finished, {"sampling": {"temperature": 0.9}}))
    assert not any(job.startswith(("train_", "encode_", "likelihood_")) for job in jobs)
    assert sum(job.startswith("sample_prior") for job in jobs) == 7


@pytest.mark.parametrize(
    ("change", "first", "untouched"),
    [
        ({"corpus": {"splits": {"test": 0.3}}}, "pack", ("scan", "ingest", "separate", "encode_audio")),
        ({"corpus": {"item_minutes": 11}}, "ingest", ("scan",)),
        ({"evaluation": {"bootstrap_draws": 200}}, "write_table", ("train", "likelihood", "sample", "upsample")),
        ({"evaluation": {"max_seconds_per_track": 0.5}}, "likelihood_prior", ("train", "sample", "upsample")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_reruns_only_the_rules_that_use_it(
    finished: Path, change: dict[str, object], first: str, untouched: tuple[str, ...]
) -> None:
    jobs = planned(finished, "all", over=over(finished, change))
    assert any(job.startswith(first) for job in jobs)
    assert not any(job.startswith(untouched) for job in jobs)


def test_a_continuous_ada_can_be_trained_on_audio(finished: Path) -> None:
    nsynth = {"hop": 8, "bottleneck": {"kind": "continuous", "query_dim": 4}, "local_model": "local"}
    shapes = {"encoder": {"channels": 8}, "modulator": {"channels": 8}}
    change = over(finished, {"adas": {"nsynth": {**nsynth, **shapes}}})
    run(finished, "--cores", "1", "results/ada/nsynth/model.safetensors", over=change)
    model = read_model(finished / "results/ada/nsynth/model.safetensors")
    assert model.settings["bottleneck"] == {"kind": "continuous", "query_dim": 4}


def test_checkpoints_kept_or_not_do_not_start_a_new_run(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy, symlinks=True)
    before = (copy / "results/ada/vqvae8/model.safetensors").read_bytes()
    change = over(copy, {"adas": {"vqvae8": {"training": {"checkpoint_every": 3}}}})
    run(copy, "--cores", "2", "results/ada/vqvae8/model.safetensors", over=change)
    assert len(list((copy / "results/runs/ada/vqvae8").iterdir())) == 1
    assert (copy / "results/ada/vqvae8/model.safetensors").read_bytes() == before


def test_the_report_opens_offline(finished: Path) -> None:
    run(finished, "--report", "results/report.html")
    page = (finished / "results/report.html").read_text()
    assert "VQ-VAE + AMAE + large WaveNet" in page
    assert str(finished) not in page
