"""What a GPU's minutes are spent with, at toy size on the CPU; bounded, and written as it is found."""

import importlib.util
import json
import subprocess
import sys
import wave
from pathlib import Path
from types import ModuleType

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    return imported("gpu")


@pytest.fixture
def sampling(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return imported("sampling")


def imported(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="at toy size on a CPU only")
def test_without_a_gpu_it_says_what_it_would_do_and_does_it_at_toy_size(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--minutes", "20", "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no GPU is found" in done.stdout and "training, paper: at most 120 s" in done.stdout
    found = json.loads((tmp_path / "results.json").read_text())
    parts = {part["title"]: part for part in found["parts"]}
    # to compile takes as long as it takes
    assert {part["state"] for title, part in parts.items() if title != "engine compiled"} == {"done"}, done.stdout
    assert "skipped" in parts["tests marked gpu"]["rows"][-1]["tests"]
    for name in ("graph", "eager"):
        assert all(row["samples_a_second"] > 0 for row in parts[f"engine {name}"]["rows"])
    assert all("needs a GPU" in row["problem"] for row in parts["engine triton"]["rows"])
    assert [row["network"] for row in parts["training, toy"]["rows"]] == ["WaveNet", "ADA, hop 8"]
    assert all(row["conv2d"] > 0 for row in parts["convolutions"]["rows"])
    resumed = parts["resume"]["rows"]
    # exact on a CPU
    assert len(resumed) == 3 and all(row["largest_difference_of_weights"] == 0 for row in resumed)
    assert any(row.get("figure") == "bits" for row in parts["real training"]["rows"])
    with wave.open(str(tmp_path / "real.wav")) as sound:
        assert sound.getnframes() > 1000
    written = list(tmp_path.iterdir())
    assert {path.name for path in written} == {"results.json", "report.md", "log.txt", "real.wav", "model.safetensors"}
    assert sum(path.stat().st_size for path in written) < 64 * 10**6
    page = (tmp_path / "report.md").read_text()
    assert all(title in page for title in parts)


def test_a_part_that_hangs_is_ended_and_its_rows_are_kept(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "hangs.py"
    program.write_text('import time; print("RESULT {\\"row\\": 1}", flush=True); time.sleep(600)')
    monkeypatch.setattr(gpu, "PROGRAM", program)
    monkeypatch.setattr(gpu, "GRACE", 0.0)
    found = gpu.Found(tmp_path, {"GPU": "none"})
    gpu.run_part(gpu.Part("hangs", (), 0.1), 5.0, [], found)
    program.write_text("import os; os.abort()")
    gpu.run_part(gpu.Part("crashes", (), 0.1), 60.0, [], found)
    first, second = json.loads((tmp_path / "results.json").read_text())["parts"]
    assert (first["state"], first["rows"]) == ("ended by its time", [{"row": 1}])
    assert second["state"] == "ended with -6"


def test_what_is_missing_is_named(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu.missing() == []
    monkeypatch.setattr(gpu, "NEEDED", ("torch", "no_such_package"))
    assert gpu.missing() == ["no_such_package"]


def test_all_parts_together_fit_the_minutes(gpu: ModuleType) -> None:
    for toy in (False, True):
        shares = [part.share for part in gpu.parts(toy)]
        assert shares[-1] is None and sum(share for share in shares[:-1] if share) + gpu.KEPT <= 1


def test_the_compiled_step_does_not_replay_the_graph_of_the_other(
    sampling: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Captured(sampling.GraphEngine):  # type: ignore[misc, name-defined]
        def __init__(self, *given: object) -> None:
            super().__init__(*given)
            self.graph = self

        def replay(self) -> None:
            raise AssertionError("it replays what was captured before it was compiled")

    monkeypatch.setattr(sampling, "GraphEngine", Captured)
    monkeypatch.setattr(torch, "compile", lambda function, **given: function)
    sampling.compiled(sampling.build_case("demo", 1, 1, "cpu")).run(32)


@pytest.mark.parametrize("way", ["eager", "naive"])
def test_what_launches_kernels_is_timed_to_their_end(
    sampling: ModuleType, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    waited = []
    monkeypatch.setattr(sampling, "wait_for", waited.append)
    getattr(sampling, way)(sampling.build_case("demo", 1, 1, "cpu")).run(16)
    assert waited == [torch.device("cpu")]
