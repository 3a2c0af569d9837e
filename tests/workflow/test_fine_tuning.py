"""The model file that a training starts from is an input of its rule."""

import re
from pathlib import Path

import yaml
from pipeline import run

MODEL = "results/training/vqvae8/model.safetensors"


def test_the_rule_waits_for_the_file_that_a_training_starts_from(tmp_path: Path) -> None:
    over = tmp_path / "tuned.yaml"
    over.write_text(yaml.safe_dump({"adas": {"vqvae8": {"training": {"start_from": "own model.safetensors"}}}}))
    refused = run(tmp_path, "--dry-run", MODEL, over=over, check=False)
    assert refused.returncode != 0 and "own model.safetensors" in refused.stdout + refused.stderr
    (tmp_path / "own model.safetensors").touch()
    planned = run(tmp_path, "--dry-run", MODEL, over=over).stdout
    inputs = re.findall(r"rule train\w*:\n\s*input: ([^\n]*)", planned)
    assert len(inputs) == 1 and "own model.safetensors" in inputs[0]


def test_it_may_be_a_model_of_the_same_run(tmp_path: Path) -> None:
    over = tmp_path / "tuned.yaml"
    trained = "results/training/large-on-audio/model.safetensors"
    over.write_text(yaml.safe_dump({"priors": {"very_large": {"training": {"start_from": trained}}}}))
    planned = run(tmp_path, "--dry-run", "results/training/very_large-on-audio/model.safetensors", over=over).stdout
    assert len(re.findall(r"rule train\w*:", planned)) == 2


def test_every_rule_waits_for_the_network_of_its_training_s_name_in_a_folder(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    for name in ("vqvae8", "vqvae8.vqvae8_pbt"):
        (shipped / name).mkdir(parents=True)
        (shipped / name / "model.safetensors").touch()
    asked = ("codes-on-vqvae8", "codes-on-vqvae8.vqvae8_pbt")
    models = [f"results/training/{name}/model.safetensors" for name in asked]
    planned = run(tmp_path / "run", "--dry-run", *models, "--config", f"start_from={shipped}").stdout
    inputs = re.findall(r"rule (train|train_member):\n\s*input: ([^\n]*)", planned)
    begun = [(rule, re.findall(r"shipped/([^/]*)/", files)) for rule, files in inputs]
    assert begun.count(("train", ["vqvae8"])) == 1 and begun.count(("train", [])) == 2
    assert begun.count(("train_member", ["vqvae8.vqvae8_pbt"])) == len(begun) - 3 == 4
