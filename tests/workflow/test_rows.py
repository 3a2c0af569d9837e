"""Rows are independent: what is added or left out changes nothing of the others."""

from pathlib import Path

import pytest
import yaml
from pipeline import ROOT, TINY, planned, run

from descant.config.loading import load, merge
from descant.config.reading import read_yaml
from descant.plan.plan import make_plan
from descant.report.registry import measures

# two rows on sequences that no other row has: one on the audio, one on codes that another row uses too
ADA = {"bottleneck": {"kind": "vq", "classes": 16}, "local_model": "local_codes", "training": {"window": 256}}
ADDED: dict[str, object] = {
    "adas": {"vqvae128": {**ADA, "hop": 128}, "upper": {**ADA, "hop": 16}},
    "models": {
        "hop128": {"title": "hop 128", "stack": ["vqvae128"], "prior": "codes"},
        "deep": {"title": "deep", "stack": ["vqvae8", "upper"], "prior": "codes"},
    },
}
STACKS = {"hop128": ["vqvae128"], "deep": ["vqvae8.upper"]}
# of what is drawn
MEASURES = set(measures()) - {"synthesis"}
# what compares all rows; and every page, since each links to all
OF_ALL_ROWS = {"write_table", "structure_summary", *MEASURES} - {"structure"}
PAGES = {"index", "table", "curves", "population", *MEASURES}


def laid_over(folder: Path, change: dict[str, object]) -> Path:
    """A configuration file of the tiny run with a change."""
    path = folder / "over.yaml"
    # the order of rows is that of the table, and counts
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), change), sort_keys=False))
    return path


@pytest.mark.slow
def test_added_rows_plan_their_own_jobs_and_the_pages_and_nothing_else(finished: Path, tmp_path: Path) -> None:
    jobs = planned(finished, "all", over=laid_over(tmp_path, ADDED))
    own = set()
    for model, stacks in STACKS.items():
        for stack in stacks:
            own |= {f"train training={stack}", f"train training=codes-on-{stack}", f"encode sequence={stack}"}
            own |= {f"likelihood likelihood={name}" for name in (stack, f"{stack}-shuffled", f"codes-on-{stack}")}
            own |= {f"reconstruct sequence={stack}"}
        levels = {"hop128": 2, "deep": 3}[model]
        own |= {f"draw model={model}, level={level}" for level in range(levels)}
        each = ("decode", "embed_drawn", "measure_structure", "transcribe", "novelty_audio", "novelty_codes")
        own |= {f"{rule} model={model}" for rule in each}
    models = [*load(ROOT / "config.yaml", TINY).models, *STACKS]
    pages = {f"page page={name}" for name in (*PAGES, *(f"players/{model}" for model in models))}
    assert jobs == own | pages | OF_ALL_ROWS | {"all"}


@pytest.mark.slow
def test_a_mel2mel_beside_stacks_plans_its_own_jobs_and_the_pages(finished: Path, tmp_path: Path) -> None:
    training = {"steps": 4, "batch": 1, "window": 64}
    row = {"kind": "mel2mel", "title": "Mel2Mel", "mel2mel": "small"}
    change = {"mel2mels": {"small": {"width": 8, "training": training}}, "models": {"played": row}}
    jobs = planned(finished, "all", over=laid_over(tmp_path, change))
    own = {"mel", "roll", "train training=small-from-roll", "table_mel2mel", "timbres row=played"}
    pages = {job for job in jobs if job.startswith("page ")}
    assert jobs - pages == own | {"all"}
    assert {"page page=timbre", "page page=curves", "page page=index"} <= pages


def test_one_row_alone_plans_what_it_needs(tmp_path: Path) -> None:
    jobs = planned(tmp_path, "all", over=laid_over(tmp_path, {"rows": ["hop64"]}))
    plan = make_plan(load(ROOT / "config.yaml", laid_over(tmp_path, {"rows": ["hop64"]})))
    assert {job for job in jobs if job.startswith("train")} == {f"train training={each.name}" for each in plan.trained}
    assert {each.name for each in plan.trained} == {"vqvae64", "codes-on-vqvae64"}
    assert {job for job in jobs if "model=" in job and not job.endswith("model=hop64")} == {
        f"draw model=hop64, level={level}" for level in (0, 1)
    }
    assert "page page=population" not in jobs


def test_a_row_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    refused = run(tmp_path, "--dry-run", "all", over=laid_over(tmp_path, {"rows": ["hop46"]}), check=False)
    assert refused.returncode != 0
    assert "rows names 'hop46', which is not in models; did you mean 'hop64'?" in refused.stdout + refused.stderr
