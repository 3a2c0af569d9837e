"""Two runs on one page: differences are paired, what is missing is shown, and names are data."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from page_reading import Page, read_page
from small_models import model_file

from descant.commands.compare import compare
from descant.commands.decode import decode
from descant.config.networks import Prior
from descant.errors import RunError
from descant.modelfile import write_model
from descant.report.runs import flat, read_run, run_names

HOSTILE = "<img src=http://example.org/x onerror=alert(1)> \"&' {{ 7*7 }}"
WAVENET = {"stacks": 1, "layers_per_stack": 4, "residual_channels": 2, "gate_channels": 2, "skip_channels": 2}
TRACKS = [f"{number:016x}" for number in range(6)]


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_network(folder: Path, place: str, rate: float, steps: int, fingerprint: str = "f" * 64) -> None:
    training = {"steps": steps, "batch": 2, "window": 80, "learning_rate": rate}
    settings = Prior.model_validate({"wavenet": WAVENET, "training": training}).model_dump(mode="json")
    file = model_file("wavenet", settings, {"x": torch.zeros(1)}, steps, classes=256, fingerprint=fingerprint)
    write_model(folder / "results" / place / "model.safetensors", file)
    curve = [f"{step},{split},bits,{8 - rate * step}" for step in (1, 2) for split in ("train", "validation")]
    metrics = folder / "results" / place / "metrics.csv"
    metrics.write_text("\n".join(["step,split,metric,value", *curve]) + "\n")


def write_run(folder: Path, shift: float = 0.0, seed: int = 0, rate: float = 0.01, models: int = 2) -> Path:
    """A run of models whose bits a track differ far more from track to track than by ``shift``."""
    random = np.random.default_rng(5)
    base, own = 4 + random.standard_normal(len(TRACKS)), np.random.default_rng(seed)
    names = ["one", "two", "three"][:models]
    write_rows(
        folder / "results/table/table.csv",
        [
            {"model": name, "title": f"{HOSTILE} {name}", "trained_steps": 0 if name == "two" else 9,
             "bits_per_sample": float(base.mean() + shift), "bits_per_sample_low": 3.0, "bits_per_sample_high": 5.0}
            for name in names
        ],
    )  # fmt: skip
    changes = {name: base + shift + 0.001 * own.standard_normal(len(TRACKS)) for name in names}
    write_rows(
        folder / "results/table/tracks.csv",
        [
            {"model": name, "track": track, "samples": 1000, "bits": float(bits * 1000)}
            for name in names
            for track, bits in zip(TRACKS, changes[name], strict=True)
        ],
    )
    write_rows(
        folder / "results/evaluation/reconstruction/excerpts.csv",
        [
            {"rendering": rendering, "track": track, "start": 64, "samples": 640, "snr_db": "", "lsd_db": 10 + place}
            for rendering in ("mu-law alone", "low")
            for place, track in enumerate(TRACKS)
        ],
    )
    measure = folder / "results/evaluation/novelty/summary.json"
    measure.parent.mkdir()
    figures = {"share": {"value": 0.25 + shift, "low": 0.2, "high": 0.3}, "none": {"value": None}, "count": 3}
    measure.write_text(json.dumps({"models": {"one": figures}, "verdict": HOSTILE, "missing": []}))
    write_network(folder, "training/large-on-audio", rate, 30)
    steps = own.integers(0, 256, (3, 400)).astype(np.uint8)
    for name in names:
        np.save(folder / "steps.npy", steps)
        decode(folder / "steps.npy", 8000, name, folder / "results/samples" / name / "audio")
    return folder


def page_of(first: Path, second: Path, output: Path, **options: int) -> Page:
    compare(first, second, output, **options)
    html = output.read_text()
    return read_page(html, str(output.parent), "alert(1)>")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return write_run(folder / "first run"), write_run(folder / "second", 0.05, seed=1, rate=0.02)


def words(page: Page) -> str:
    return " ".join(page.text.split())


def tight(text: str) -> str:
    """Without spaces: neighbouring cells have none between them."""
    return text.replace(" ", "")


def test_differences_are_paired_by_track(runs: tuple[Path, Path], tmp_path: Path) -> None:
    text = words(page_of(*runs, tmp_path / "out" / "page.html"))
    # tracks differ by 1 bit from one another, the runs by 0.05 on each of them
    found = re.findall(r"0\.050\[(0\.0\d+),(0\.0\d+)\]", tight(text))
    assert len(found) == 2
    assert all(0.045 < float(low) < 0.05 < float(high) + 1e-3 < 0.056 for low, high in found)
    assert tight(text).count("[3.000,5.000]") == 4 and "no interval" not in text and "not comparable" not in text
    spread = r"12\.50\[1[01]\.\d\d,1[34]\.\d\d\]"
    assert re.search(rf"low{spread}{spread}0\.00\[0\.00,0\.00\]", tight(text))
    assert not (tmp_path / "out" / "page.html.tmp").exists()


def test_it_says_which_rows_of_each_run_pass_the_untrained_one(runs: tuple[Path, Path], tmp_path: Path) -> None:
    text = words(page_of(*runs, tmp_path / "page.html"))
    found = re.findall(r"(first run|second): .{0,80}? two needs (\d\.\d\d) bits with no training at all", text)
    assert [name for name, _ in found] == ["first run", "second"] and found[0][1] != found[1][1]
    assert text.count("0 of 1 row need fewer (none).") == 2


def test_settings_curves_samples_and_other_measures_stand_side_by_side(runs: tuple[Path, Path], tmp_path: Path) -> None:
    page = page_of(*runs, tmp_path / "page.html", show=2)
    text = words(page)
    assert "training.learning_rate0.010.02" in tight(text)
    settings = text.partition("What differs in their settings")[2]
    assert "training.steps" not in settings and "inputs.steps.fingerprint" not in settings
    assert "models.one.share0.250[0.200,0.300]0.300[0.200,0.300]" in tight(text)
    assert "models.one.count3.0003.000" in tight(text) and "models.one.none" not in text
    assert "large-on-audio: bits" in text and len(page.all("audio")) == 2 * 2 * 2
    assert [audio["aria-label"] for audio in page.all("audio")[:4]] == [
        "first run: Sample 1", "second: Sample 1", "first run: Sample 2", "second: Sample 2",
    ]  # fmt: skip
    assert "What is not there" not in text and "49" not in text.partition("Models")[0]


def test_the_same_runs_give_the_same_page(runs: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        compare(*runs, tmp_path / name, show=1)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_equal_folder_names_are_distinguished_and_equal_folders_refused(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.copytree(runs[0], tmp_path / "first run")
    page = page_of(runs[0], tmp_path / "first run", tmp_path / "page.html", show=1)
    assert "first run (A) and first run (B)" in words(page)
    assert words(page).count("the same settings and data") == 1
    with pytest.raises(RunError, match="same folder"):
        run_names(runs[0], runs[0] / ".." / "first run")


@pytest.mark.parametrize(
    ("lost", "shown"),
    [
        ("table/tracks.csv", "bits by track: results/table/tracks.csv is not there"),
        ("table/table.csv", "the table: results/table/table.csv is not there"),
        ("evaluation", "reconstructions: results/evaluation/reconstruction/excerpts.csv is not there"),
        ("training", "networks: there is no model.safetensors"),
        ("samples", "samples: there is no audio in results/samples"),
    ],
)
def test_a_missing_part_is_reported_and_the_rest_is_shown(
    runs: tuple[Path, Path], tmp_path: Path, lost: str, shown: str
) -> None:
    shutil.copytree(runs[1], tmp_path / "torn")
    path = tmp_path / "torn" / "results" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    text = words(page_of(runs[0], tmp_path / "torn", tmp_path / "page.html", show=1))
    assert f"torn: {shown}" in text and "first run: " in text
    missing = text.partition("What is not there")[2].partition("Models")[0]
    assert missing.count("torn: ") == 1 and "first run" not in missing
    if lost.startswith("table/tracks"):
        assert "not comparable: a run has no bits by track" in text
    if lost == "table/table.csv":
        assert "only in first run" in text


def test_other_test_tracks_are_not_comparable(runs: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(runs[1], tmp_path / "other")
    path = tmp_path / "other/results/table/tracks.csv"
    path.write_text(path.read_text().replace(f"{TRACKS[0]},", f"{'e' * 16},"))
    excerpts = tmp_path / "other/results/evaluation/reconstruction/excerpts.csv"
    excerpts.write_text(excerpts.read_text().replace(",64,640,", ",64,656,"))
    text = words(page_of(runs[0], tmp_path / "other", tmp_path / "page.html", show=1))
    assert "not comparable: other test tracks (6 test tracks and 6, 5 in common)" in text
    assert "not comparable: other parts of the test tracks were measured" in text


def test_a_torn_part_is_reported_without_a_path_of_the_machine(runs: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(runs[1], tmp_path / "torn")
    for name in ("table/table.csv", "table/tracks.csv", "training/large-on-audio/metrics.csv"):
        (tmp_path / "torn/results" / name).write_text("x\n")
    (tmp_path / "torn/results/training/large-on-audio/model.safetensors").write_bytes(b"torn")
    (tmp_path / "torn/results/evaluation/novelty/summary.json").write_text("[1")
    text = words(page_of(runs[0], tmp_path / "torn", tmp_path / "page.html", show=1))
    for part in ("the table", "bits by track", "curves of large-on-audio", "large-on-audio", "novelty"):
        assert f"torn: {part}: " in text


def test_cells_that_are_no_numbers_and_lost_audio_are_reported(runs: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(runs[1], tmp_path / "torn")
    results = tmp_path / "torn/results"
    for name in ("table/table.csv", "table/tracks.csv", "evaluation/reconstruction/excerpts.csv"):
        path = results / name
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *(",".join([*row.split(",")[:-1], "many"]) for row in rows)]))
    sample = next(results.glob("samples/one/audio/*.flac"))
    sample.unlink()
    text = words(page_of(runs[0], tmp_path / "torn", tmp_path / "page.html", show=2))
    for part in ("the table: table.csv", "bits by track: tracks.csv", "reconstructions: excerpts.csv"):
        assert f"torn: {part} cannot be read" in text
    assert f"torn: {sample.name} or its figure cannot be read" in text


def test_a_model_of_one_run_alone_is_reported(runs: tuple[Path, Path], tmp_path: Path) -> None:
    more = write_run(tmp_path / "more", models=3)
    write_network(more, "training/thin-on-audio", 0.01, 30)
    text = words(page_of(runs[0], more, tmp_path / "page.html", show=1))
    assert "three; only in more" in text and "This model is only in more." in text
    assert "thin-on-audio only in more" in text


def test_a_folder_without_results_is_refused_with_a_cure(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no folder results") as shown:
        compare(runs[0], tmp_path, tmp_path / "page.html")
    assert "--directory" in shown.value.cure and not (tmp_path / "page.html").exists()


def test_settings_are_flat_and_what_is_empty_is_reported() -> None:
    assert flat({"a": {"b": None, "c": [1, 2]}, "d": 1.5}) == {"a.b": "empty", "a.c": "[1, 2]", "d": "1.5"}


def test_a_run_is_read_as_it_is(runs: tuple[Path, Path]) -> None:
    run = read_run(runs[0], "name")
    assert not run.missing and list(run.table) == ["one", "two"] and list(run.curves) == ["large-on-audio"]
    assert run.networks["large-on-audio"]["inputs.steps.fingerprint"] == "f" * 12
    assert run.networks["large-on-audio"]["training.steps"] == "30"
