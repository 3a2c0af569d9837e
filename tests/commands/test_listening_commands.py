"""The listening test's commands from the command line: importing, simulating, analysing, the page."""

import functools
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from small_tests import small_test

from descant.commands import cli
from descant.commands.export_ratings import export_ratings
from descant.commands.import_ratings import import_ratings
from descant.commands.listening_analysis import listening_analysis
from descant.commands.page import page
from descant.commands.simulate_listening import simulate_listening
from descant.listening.answers import Answer, RatingsFile
from descant.listening.files import write_json

COMMANDS = (import_ratings, listening_analysis, page, simulate_listening)


@dataclass(frozen=True)
class Ended:
    code: int | str | None
    out: str
    err: str


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """``command(function, *options)``: as from the command line in the folder of the test, but in this process."""
    monkeypatch.chdir(tmp_path)
    # what commands print goes to the standard error of the moment
    monkeypatch.setattr(logging, "basicConfig", functools.partial(logging.basicConfig, force=True))

    def call(function: Callable[..., None], *options: str) -> Ended:
        monkeypatch.setattr(sys, "argv", [function.__name__, *options])
        with pytest.raises(SystemExit) as end:
            cli.run(function)
        captured = capsys.readouterr()
        return Ended(end.value.code, captured.out, captured.err)

    return call


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with manifest and design where the pipeline puts them, and a file that a rater sent back."""
    manifest, design = small_test()
    write_json(tmp_path / "results/listening/manifest.json", manifest)
    write_json(tmp_path / "results/listening/design.json", design)
    answers = tuple(
        Answer(page=0, scale=scale, value=4, revision=1, plays=1, heard_ms=9, rating_ms=9)
        for scale in ("fidelity", "musicality")
    )
    sent = RatingsFile(design=design.design, session="a" * 32, list=0, ratings=answers)
    (tmp_path / "sent back.json").write_text(sent.model_dump_json())
    return tmp_path


@pytest.mark.parametrize("function", COMMANDS, ids=lambda function: function.__name__)
def test_help_is_there(command: Callable[..., Ended], function: Callable[..., None]) -> None:
    shown = command(function, "--help")
    assert shown.code == 0 and "--help" in shown.out


def test_a_file_that_was_sent_back_is_imported_once(made: Path, command: Callable[..., Ended]) -> None:
    assert "2 new ratings of 2" in command(import_ratings, "sent back.json").err
    assert "0 new ratings of 2" in command(import_ratings, "sent back.json").err
    assert command(export_ratings, "--ratings", "ratings/ratings.sqlite", "--output", "r.parquet").code == 0
    assert len(pd.read_parquet("r.parquet")) == 2


def test_the_simulated_chain_from_the_command_line(made: Path, command: Callable[..., Ended]) -> None:
    manifest, design = (f"results/listening/{name}.json" for name in ("manifest", "design"))
    calls = [
        command(simulate_listening, "--manifest", manifest, "--design", design, "--output", "s.sqlite", "--raters", "5",
                "--settings", '{"rater": 0.2}'),
        command(export_ratings, "--ratings", "s.sqlite", "--source", "simulated", "--output", "r.parquet"),
        command(listening_analysis, "--ratings", "r.parquet", "--manifest", manifest, "--output", "a.json",
                "--settings", '{"missed_controls": 0.5}', "--scores", "s.csv"),
        command(page, "listening", "--given", '{"analysis": "a.json"}', "--output", "p.html"),
    ]  # fmt: skip
    assert [shown.code for shown in calls] == [0, 0, 0, 0], calls
    assert json.loads(Path("a.json").read_text())["source"] == "simulated"
    assert set(pd.read_csv("s.csv")["source"]) == {"simulated"}
    assert "<h1>SIMULATED" in Path("p.html").read_text()


def test_other_tools_ratings_become_a_table(tmp_path: Path, command: Callable[..., Ended]) -> None:
    (tmp_path / "uids.txt").write_text("one 0.wav u0\none 1.wav u1\ntest 0.wav t0\ntest 4.wav t4\n")
    (tmp_path / "b.csv").write_text(
        "WorkerId,Input.recording_0_url,Input.recording_1_url,Answer.recording_0_quality,Answer.recording_0_musicality,"
        "Answer.recording_1_quality,Answer.recording_1_musicality\n"
        "W1,http://x/u0.wav,http://x/t4.wav,3,4,2,1\nW2,http://x/t0.wav,http://x/u1.wav,5,5,2,2\n"
    )
    shown = command(import_ratings, "b.csv", "--form", "mturk", "--uids", "uids.txt", "--output", "r.csv",
                   "--control", "4.wav=2,2", "10.wav=2,2")  # fmt: skip
    assert shown.code == 0, shown.err
    table = pd.read_csv("r.csv", keep_default_na=False, na_values=[""])
    assert len(table) == 8 and table.groupby("kind").size().to_dict() == {"control": 2, "real": 2, "system": 4}
    assert "W1" not in (tmp_path / "r.csv").read_text()
    assert command(listening_analysis, "--ratings", "r.csv", "--output", "a.json", "--scores", "s.csv").code == 0
    for options, cure in ((("mturk", "--output", "r.csv"), "--uids"), (("webmushra",), "--output")):
        shown = command(import_ratings, "b.csv", "--form", *options)
        assert shown.code == 1 and cure in shown.err
