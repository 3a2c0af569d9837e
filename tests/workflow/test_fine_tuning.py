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
