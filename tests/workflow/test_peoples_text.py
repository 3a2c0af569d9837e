"""Titles, notes and names of folders are people's own: whatever they hold, they reach the commands as they are."""

import json
import shlex
from typing import Any

import pytest
import yaml
from pipeline import ROOT, TINY, run

from descant.config.loading import merge
from descant.config.reading import read_yaml

TITLES = [
    "a {evil} b",
    "--output=evil.html",
    "--pages=evil",
    "{params.title} {wildcards} {0} {}",
    "$(touch evil) `touch evil`",
    'it\'s "quoted"; touch evil # %s \\n',
    "{ model }{{double}}",
    "-n {input} --forceall",
]
TARGETS = ("all", "listening", "listening_simulation", "estimate", "parameters", "codes")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The words of every command that a dry run would start with such titles, notes and folders."""
    folder = tmp_path_factory.mktemp("evil")
    music = folder / "music {live} --output=x $(touch evil)"
    music.mkdir()
    for name in ("a {evil} b.wav", "--output=x.wav", "c.wav"):
        (music / name).write_bytes(b"RIFF")
    models = read_yaml(ROOT / "config.yaml")["models"]
    change = {
        "models": {
            model: {"title": title, "note": f"{title} {TITLES[0]}", "prime": None}
            for model, title in zip(models, TITLES, strict=True)
        },
        "corpus": {"source": "folder", "folder": {"path": str(music)}, "labels": str(music / "{labels}.csv")},
        "listening": {"folder": "ratings {of} me"},
        "sampling": {"prime": {"file": str(music / "a {evil} b.wav")}},
    }
    (music / "{labels}.csv").write_text("file,artist\nc.wav,{artist}\n")
    over = folder / "own.yaml"
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), change)))
    (folder / "work").mkdir()
    shown = run(folder / "work", "--dry-run", "--printshellcmds", *TARGETS, over=over)
    assert not list(folder.rglob("evil"))
    lines = [line.strip().removeprefix("Shell command: ") for line in shown.stdout.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("python -m descant.commands.")]


def words_of(commands: list[list[str]], name: str) -> list[list[str]]:
    found = [words for words in commands if words[2] == f"descant.commands.{name}"]
    assert found, name
    return found


def given(words: list[str]) -> dict[str, Any]:
    """What a page's command is made to read."""
    found: dict[str, Any] = json.loads(words[words.index("--given") + 1])
    return found


def test_every_rule_can_be_planned(commands: list[list[str]]) -> None:
    assert len({words[2] for words in commands}) > 25


def test_no_title_or_note_becomes_an_option(commands: list[list[str]]) -> None:
    for words in commands:
        # what stands alone after its option, or after a list's, could be taken for an option
        assert not [word for word in words if any(word.startswith(title) for title in TITLES)], words[2]


def test_titles_reach_the_commands_as_they_are(commands: list[list[str]]) -> None:
    rendered = words_of(commands, "decode")
    titles = [word.removeprefix("--title=") for words in rendered for word in words if "--title=" in word]
    assert sorted(titles) == sorted(TITLES)
    players = [words for words in words_of(commands, "page") if words[3].startswith("players/")]
    assert sorted(given(words)["title"] for words in players) == sorted(TITLES)


def test_notes_reach_the_table_as_they_are(commands: list[list[str]]) -> None:
    (words,) = [words for words in words_of(commands, "page") if words[3] == "table"]
    for title in TITLES:
        assert f"{title}: {title} {TITLES[0]}" in given(words)["notes"]


def test_a_recording_to_continue_reaches_every_row_as_it_is_named(commands: list[list[str]]) -> None:
    for words in words_of(commands, "prime"):
        assert json.loads(words[words.index("--settings") + 1])["prime"]["file"].endswith("/a {evil} b.wav")
    for words in words_of(commands, "draw"):
        model, level = words[words.index("--output") + 1].split("/")[2:]
        assert f"--prime=results/samples/{model}/prime/{level}" in words
