import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

NAMES = ("decode", "page", "measure", "compare")


def command(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"descant.commands.{name}", *options], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", NAMES)
def test_help_is_there_and_torch_is_not_imported(tmp_path: Path, name: str) -> None:
    program = f"""
import runpy, sys
sys.argv = ['{name}', '--help']
try: runpy.run_module('descant.commands.{name}', run_name='__main__')
except SystemExit as end: assert not end.code
assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules
"""
    shown = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "--output" in shown.stdout


def test_render_twice_the_same_under_an_odd_name(tmp_path: Path) -> None:
    np.save(tmp_path / "level0.npy", np.random.default_rng(0).integers(0, 256, (2, 3000)).astype(np.uint8))
    folders = ["a", "with space 'n ünï"]
    for folder in folders:
        shown = command(tmp_path, "decode", "--steps", "level0.npy", "--sample-rate", "16000",
                       "--title", "<Title>", "--output", folder)  # fmt: skip
        assert shown.returncode == 0, shown.stderr
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()} for folder in folders)
    assert first == second and sorted(first) == ["00.flac", "00.png", "01.flac", "01.png", "samples.csv"]
    assert all(str(tmp_path).encode() not in content for content in first.values())


def test_what_a_page_is_given_comes_as_json(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("step,split,metric,value\n1,train,bits,8.0\n1,validation,bits,7.5\n")
    given = json.dumps({"metrics": {"one": "m.csv", "a name": "m.csv"}})
    done = command(
        tmp_path, "page", "curves", "--given", given, "--pages", "index", "curves", "--output", "pages/c.html"
    )
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "pages" / "c.html").read_text()
    assert "a name" in html and str(tmp_path) not in html and "This run" in html
    (tmp_path / "t.csv").write_text("model,bits,paper_x\nm,1.25,\n")
    given = json.dumps(
        {"table": "t.csv", "headings": {"bits": "Bits given", "model": "Row given"}, "hidden": ["paper_x"],
         "notes": ["first <note>", "second note"]}
    )  # fmt: skip
    done = command(tmp_path, "page", "table", "--given", given, "--output", "t.html")
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "t.html").read_text()
    assert all(text in html for text in ("Bits given", "Row given", "first &lt;note&gt;", "second note"))
    assert "human ratings" not in html


@pytest.mark.parametrize(
    "options",
    [
        ("decode", "--steps", "none.npy", "--sample-rate", "16000", "--title", "t", "--output", "o"),
        (
            "page",
            "players/x",
            "--given",
            '{"title": "t", "drawn": "o", "models": ["m"], "audio": "none/d", "recordings": "none/d"}',
        ),
        ("page", "curves", "--given", '{"metrics": {"a": "none.csv"}}'),
        ("page", "population", "--given", '{"populations": {"s": "none"}}'),
        ("page", "table", "--given", '{"table": "none.csv"}'),
        ("page", "table", "--given", '{"table": "none.csv", "other": 1}'),
        ("page", "table", "--given", "nothing"),
        ("page", "beauty", "--given", "{}"),
        ("page", "table", "--given", '{"table": "none.csv"}', "--pages", "index"),
        ("measure", "table", "--given", "{}"),
        ("measure", "novelty", "--given", "{}"),
    ],
)
def test_mistakes_are_reported_with_a_cure_and_leave_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    shown = command(tmp_path, *options, *([] if "--output" in options else ["--output", "o.html"]))
    assert shown.returncode == 1 and "cure:" in shown.stderr and "Traceback" not in shown.stderr
    assert not list(tmp_path.iterdir())
