"""The whole pipeline at test size, and what a change of the configuration reruns."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from pipeline import ROOT, TINY, planned, run

from descant.config.loading import load, merge
from descant.config.reading import read_yaml
from descant.modelfile import read_model
from descant.plan.plan import make_plan
from descant.sequences import open_sequence

pytestmark = pytest.mark.slow


CONFIG = load(ROOT / "config.yaml", TINY)
PLAN = make_plan(CONFIG)
DRAWN = [f"draw model={name}, level={draw.level}" for name, route in PLAN.routes.items() for draw in route.draws]


def test_the_table_has_all_rows(finished: Path) -> None:
    table = pd.read_csv(finished / "results/table/table.csv")
    assert list(table["model"]) == list(CONFIG.models)
    assert len(table) == 8
    lengths = open_sequence(finished / "results/sequences/audio").split("test")["length"]
    scored = np.minimum(lengths, round(CONFIG.evaluation.max_seconds_per_track * CONFIG.audio.sample_rate)).sum()
    assert scored % 64, "the rows' hops do not divide what all of them score"
    for row in table.itertuples():
        route = PLAN.routes[str(row.model)]
        assert row.levels == len(route.sequences)
        assert row.receptive_field_samples == route.receptive_field
        per_level = [pd.read_parquet(finished / f"results/likelihood/{name}.parquet") for name in route.likelihoods]
        samples = per_level[0]["samples"].sum()
        assert samples == pytest.approx(row.test_seconds * CONFIG.audio.sample_rate) == scored
        total = sum(bits["bits"].sum() for bits in per_level) / samples
        assert row.bits_per_sample == pytest.approx(total, rel=1e-9)
        assert row.bits_per_second == pytest.approx(total * CONFIG.audio.sample_rate, rel=1e-9)
        assert 0 < row.bits_per_sample < 12


def test_every_row_has_audio_of_the_asked_length_and_its_codes(finished: Path) -> None:
    for model, route in PLAN.routes.items():
        samples = finished / "results/samples" / model
        files = sorted((samples / "audio").glob("*.flac"))
        assert len(files) == CONFIG.sampling.count
        frames = {soundfile.info(file).frames for file in files}
        prime = CONFIG.prime_of(model)
        primed = round(prime.seconds * 16000) if prime else 0
        assert frames == {primed + round(CONFIG.sampling.seconds * 16000)}
        for draw in route.draws:
            level = np.load(samples / f"level{draw.level}.npy", allow_pickle=False)
            # primed rows have no stack here
            assert level.shape == (CONFIG.sampling.count, primed + draw.steps)


def test_what_rows_share_is_trained_once(finished: Path) -> None:
    trained = {path.name for path in (finished / "results/training").iterdir()}
    assert trained == {training.name for training in PLAN.trained}


def test_codes_keep_the_index_with_lengths_divided_by_the_hop(finished: Path) -> None:
    audio = open_sequence(finished / "results/sequences/audio")
    for sequence in PLAN.encoded:
        codes = open_sequence(finished / "results/sequences" / sequence.name)
        assert codes.hop == sequence.hop
        assert (codes.index["length"] == -(-audio.index["length"] // sequence.hop)).all()
        assert (codes.index["track"] == audio.index["track"]).all()
        assert (codes.index["split"] == audio.index["split"]).all()


def test_a_model_file_opens_by_itself(finished: Path) -> None:
    model = read_model(finished / "results/training/vqvae8/model.safetensors")
    learnt = model.facts.learnt
    assert (model.facts.kind, learnt.name, learnt.classes, model.facts.steps) == ("ada", "audio", 256, 6)
    assert model.facts.settings["hop"] == 8


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
    rerun = {job for job in jobs if job.startswith("train ")}
    assert rerun == {"train training=vqvae8.amae8", "train training=codes-on-vqvae8.amae8"}
    assert not any(job.startswith(("scan", "ingest", "pack")) for job in jobs)
    assert {job for job in jobs if job.startswith("draw")} == {
        f"draw model=vqvae_amae, level={level}" for level in range(3)
    }


def test_a_key_of_sampling_retrains_nothing(finished: Path) -> None:
    jobs = planned(finished, "all", over=over(finished, {"sampling": {"temperature": 0.9}}))
    assert not any(job.startswith(("train", "encode", "likelihood")) for job in jobs)
    assert sum(job.startswith("draw") for job in jobs) == len(DRAWN)
    # codes have no loudness
    jobs = planned(finished, "all", over=over(finished, {"sampling": {"limit_loudness": False}}))
    drawn = [job for job in jobs if job.startswith("draw")]
    assert drawn and all(job.endswith("level=0") for job in drawn)


@pytest.mark.parametrize(
    ("change", "first", "untouched"),
    [
        ({"corpus": {"splits": {"test": 0.3}}}, "pack", ("scan", "ingest", "separate", "encode_audio")),
        ({"corpus": {"item_minutes": 11}}, "ingest", ("scan",)),
        ({"evaluation": {"bootstrap_draws": 200}}, "write_table", ("train", "likelihood", "draw")),
        ({"evaluation": {"max_seconds_per_track": 0.5}}, "likelihood", ("train", "draw")),
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
    run(finished, "--cores", "1", "results/training/nsynth/model.safetensors", over=change)
    model = read_model(finished / "results/training/nsynth/model.safetensors")
    assert model.facts.settings["bottleneck"] == {"kind": "continuous", "query_dim": 4}


def test_checkpoints_kept_or_not_do_not_start_a_new_run(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy, symlinks=True)
    before = (copy / "results/training/vqvae8/model.safetensors").read_bytes()
    change = over(copy, {"adas": {"vqvae8": {"training": {"checkpoint_every": 3}}}})
    run(copy, "--cores", "2", "results/training/vqvae8/model.safetensors", over=change)
    assert len(list((copy / "results/runs/training/vqvae8").iterdir())) == 1
    assert (copy / "results/training/vqvae8/model.safetensors").read_bytes() == before


def test_the_report_opens_offline(finished: Path) -> None:
    run(finished, "--report", "results/report.html")
    page = (finished / "results/report.html").read_text()
    assert "VQ-VAE + AMAE + large WaveNet" in page
    assert str(finished) not in page
