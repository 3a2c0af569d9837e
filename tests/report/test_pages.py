import base64
import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from page_reading import Page, make_page, read_page
from small_models import model_file
from waveforms import record

from descant.audio import mulaw
from descant.commands.decode import decode
from descant.config.networks import ADA, Prior
from descant.errors import ModelFileError, ResultError, SamplingError
from descant.modelfile import write_model
from descant.recordings import open_recordings
from descant.report.blocks import Page as PageOfBlocks
from descant.report.clips import real_clips
from descant.report.pages.table import build_table, decimals, heading
from descant.report.render import render
from descant.results import read_table
from descant.sequences import Labels, SequenceWriter, open_sequence

HOSTILE = "<img src=http://example.org/x onerror=alert(1)> \"&' {{ 7*7 }}"
RATE = 16000
TRAINING = {"steps": 30, "batch": 2, "window": 800}
WAVENET = {"stacks": 1, "layers_per_stack": 4, "residual_channels": 2, "gate_channels": 2, "skip_channels": 2}


def write_model_of(path: Path, kind: str, sequence: str, hop: int, fingerprint: str, bottleneck: str = "vq") -> Path:
    settings = (
        ADA.model_validate({"hop": 8, "bottleneck": {"kind": bottleneck}, "local_model": WAVENET, "training": TRAINING})
        if kind == "ada"
        else Prior.model_validate({"wavenet": WAVENET, "training": TRAINING})
    )
    facts = {"name": sequence, "classes": 256, "hop": hop, "sample_rate": RATE, "fingerprint": fingerprint}
    weights = {"x": torch.zeros(1)}
    write_model(path, model_file(kind, settings.model_dump(mode="json"), weights, steps=30, **facts))
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with packed audio, a model of two ADAs and a prior, and three rendered samples."""
    random = np.random.default_rng(0)
    with SequenceWriter(tmp_path / "audio", 256, 1, RATE) as writer:
        for number, split in enumerate(("train", "train", "test", "test", "validation")):
            steps = random.integers(0, 256, 12_000).astype(np.uint8)
            writer.add(f"{number:016x}", split, Labels(f"{HOSTILE} {number}", HOSTILE, HOSTILE), iter([steps]))
    packed = open_sequence(tmp_path / "audio")
    recordings = [(t.track, t.split, mulaw.decode(packed.steps(t)), t.labels) for t in packed.tracks()]
    record(tmp_path / "waveform", recordings, RATE)
    fingerprint = packed.fingerprint
    write_model_of(tmp_path / "low.safetensors", "ada", "audio", 1, fingerprint)
    write_model_of(tmp_path / "high.safetensors", "ada", "low", 8, "other", "argmax")
    write_model_of(tmp_path / "prior.safetensors", "wavenet", "low.high", 64, "another")
    np.save(tmp_path / "level0.npy", random.integers(0, 256, (3, 4000)).astype(np.uint8))
    decode(tmp_path / "level0.npy", RATE, HOSTILE, tmp_path / "rendered")
    return tmp_path


def listen(made: Path, **changed: object) -> str:
    models = [made / f"{name}.safetensors" for name in ("prior", "low", "high")]
    given = {"title": HOSTILE, "note": HOSTILE, "temperature": 0.9, "top_p": 1.0, "models": models, **changed}
    files = {
        "drawn": made / "rendered",
        "audio": made / "audio" / "data.npy",
        "recordings": made / "waveform" / "data.npy",
    }
    return make_page("players/x", made / "out" / "p.html", **{**files, **given})


def policy(page: Page) -> str:
    return next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)


def test_players_page_holds_the_samples_and_real_music(made: Path) -> None:
    html = listen(made)
    page = read_page(html, str(made), "alert(1)>")
    assert "{{ 7*7 }}" in page.text and "49" not in page.text.split("How it makes")[0]
    audio = [base64.b64decode(attributes["src"].partition("base64,")[2]) for attributes in page.all("audio")]
    assert audio[:3] == [(made / "rendered" / f"{number:02}.flac").read_bytes() for number in range(3)]
    assert len(audio) == 3 + 2 and all(content.startswith(b"fLaC") for content in audio)
    assert all("controls" in attributes and attributes["aria-label"] for attributes in page.all("audio"))
    assert len(page.all("img")) == 5 == len([slider for slider in page.all("input") if slider["aria-label"]])
    assert html.count("<script") == 1 and "'unsafe-inline'" not in policy(page).partition("script-src")[2]
    assert next(tag for tag, _ in page.tags if tag in ("h1", "h2", "h3")) == "h1"
    assert not [path for path in (made / "out").iterdir() if path.name != "p.html"]
    assert listen(made) == html


def test_players_page_shows_the_stack_and_the_scale_from_the_files(made: Path) -> None:
    text = " ".join(Page(listen(made)).text.replace("\N{NO-BREAK SPACE}", " ").split())
    assert "A WaveNet draws codes: 250 a second, each one of 256. It sees the last 33 of them: 132 ms of music." in text
    assert "An AMAE turns each code into 8 codes of the level below: 2,000 a second, each one of 256." in text
    assert "A VQ-VAE turns each code into 8 audio samples: 16,000 a second, each one of 256." in text
    # 30 steps of 2 windows of 800 steps of 1, 8 and 64 samples, over 24,000 samples of training music
    assert all(f"30 training steps, {times} times" in text for times in ("2", "16", "128"))
    assert "Trained on 1.5 s of music in 2 tracks, for 30 steps in each of 3 networks." in text
    assert "little music and few steps" in text
    assert "All 3 samples drawn, at temperature 0.9, no nucleus cut; none was chosen by ear." in text


def test_players_page_can_be_short_and_without_excerpts(made: Path) -> None:
    html = listen(made, show=2, excerpts=0, note="", temperature=None, top_p=None)
    page = read_page(html, str(made))
    assert len(page.all("audio")) == 2 and "The first 2 of 3 samples drawn; none" in page.text
    assert "there are no test tracks" in page.text


@pytest.mark.parametrize("names", [["prior", "low"], ["low", "high"], ["prior", "prior", "low", "high"], ["prior"]])
def test_models_that_do_not_fit_are_refused(made: Path, names: list[str]) -> None:
    with pytest.raises(ModelFileError, match="prior"):
        listen(made, models=[made / f"{name}.safetensors" for name in names])


def test_other_audio_and_broken_files_are_refused(made: Path) -> None:
    models = [made / f"{name}.safetensors" for name in ("prior", "low", "high")]
    write_model_of(models[1], "ada", "audio", 1, "other audio")
    with pytest.raises(ModelFileError, match="other audio"):
        listen(made)
    models[1].write_bytes(b"torn")
    with pytest.raises(ModelFileError, match="cannot be read"):
        listen(made)
    write_model_of(models[1], "ada", "audio", 1, open_sequence(made / "audio").fingerprint)
    (made / "rendered" / "samples.csv").write_text("file,seconds\n00.flac,x\n")
    with pytest.raises(SamplingError, match=r"samples\.csv"):
        listen(made)


def test_excerpts_are_from_the_middle_of_test_tracks(made: Path) -> None:
    clips = real_clips(open_recordings(made / "waveform"), 5, 0.25)
    assert [clip.name[-1] for clip in clips] == ["2", "3"] and clips[0].facts.startswith("0.2 s")
    assert len(real_clips(open_recordings(made / "waveform"), 1, 100.0)) == 1


@pytest.mark.parametrize(
    "array", [np.zeros((2, 8), np.int64), np.zeros(8, np.uint8), np.zeros((0, 8), np.uint8),
              np.full((1, 8), 300, np.uint16)]
)  # fmt: skip
def test_decoding_refuses_what_is_no_audio(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(SamplingError, match="256 classes"):
        decode(tmp_path / "x.npy", RATE, "t", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


KILLED = """
import os, sys
from pathlib import Path
from descant.commands import decode as command

def die(folder, audio, count, rate, primed):
    (folder / "00.flac").write_bytes(b"half")
    os._exit(9)

command.write_rendered = die
command.decode(Path(sys.argv[1]), 16000, "t", Path(sys.argv[2]))
"""


def test_what_a_killed_rendering_left_goes_with_the_next(made: Path) -> None:
    before = set(made.rglob("*"))
    words = [sys.executable, "-c", KILLED, str(made / "level0.npy"), str(made / "rendered")]
    assert subprocess.run(words, check=False).returncode == 9
    assert set(made.rglob("*")) > before
    decode(made / "level0.npy", RATE, HOSTILE, made / "rendered")
    assert set(made.rglob("*")) == before


def test_decoding_replaces_all_or_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in (made / "rendered").iterdir()}

    def torn(folder: Path, audio: object, count: int, rate: int, primed: int) -> None:
        (folder / "00.flac").write_bytes(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("descant.commands.decode.write_rendered", torn)
        with pytest.raises(OSError, match="disk full"):
            decode(made / "level0.npy", RATE, "t", made / "rendered")
    assert {path.name: path.read_bytes() for path in (made / "rendered").iterdir()} == before
    (made / "rendered" / "stale.flac").write_bytes(b"old")
    decode(made / "level0.npy", RATE, HOSTILE, made / "rendered")
    assert {path.name: path.read_bytes() for path in (made / "rendered").iterdir()} == before
    assert not list(made.glob("*.tmp"))


COLUMNS = ("model", "title", "levels", "bits_per_step_level0", "bits_per_sample", "bits_per_sample_low",
           "bits_per_sample_high", "paper_fidelity", "paper_fidelity_plus_minus", "note")  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., list[dict[str, str]]]:
    def write(*rows: tuple[object, ...]) -> list[dict[str, str]]:
        with (tmp_path / "t.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        return read_table(tmp_path / "t.csv")

    return write


def test_table_sets_the_paper_apart_and_shows_what_is_absent(table: Callable[..., list[dict[str, str]]]) -> None:
    rows = table(
        ("flat", "Flat", 1, 4.123456, 4.123456, 4.0, 4.25, 3.8, 0.18, ""),
        ("own", HOSTILE, 3, -0.5, 12345.6, "", "", "", "", "its <b>note</b>"),
    )
    table, notes = build_table(rows, {"levels": HOSTILE, "bits_of_another_run": "x"})
    page = read_page(render(PageOfBlocks(HOSTILE, [table])), "alert(1)>")
    assert notes == [f"{HOSTILE}: its <b>note</b>"]
    spans = [attributes for attributes in page.all("th") if attributes.get("scope") == "colgroup"]
    assert [(span["colspan"], "tinted" in span["class"]) for span in spans] == [("1", False), ("2", False), ("1", True)]
    assert "The paper (2018), human ratings" in page.text and "Measured here" in page.text
    assert sum("tinted" in cell.get("class", "") for cell in page.all("td")) == 2
    assert len([a for a in page.all("span") if a.get("aria-label") == "no figure"]) == 1
    assert "± 0.18" in page.text and "3.80" in page.text and "\N{MINUS SIGN}0.500" in page.text
    assert "own" in page.text
    assert page.all("a") == [{"href": "#note-1", "aria-label": "note 1"}]


def test_hidden_columns_are_gone(table: Callable[..., list[dict[str, str]]]) -> None:
    rows = table(("flat", "Flat", 1, 4.1, 4.1, 4.0, 4.2, "", "", "a note"))
    table, _ = build_table(rows, {"title": "Row"}, ["model", "note", "levels", "receptive_field_ms"])
    page = read_page(render(PageOfBlocks("t", [table])))
    assert "flat" not in page.text and "a note" not in page.text and "Levels" not in page.text and "Row" in page.text


def test_numbers_keep_what_was_given_and_no_more() -> None:
    assert decimals(["3.82", "0.2", ""]) == 2 and decimals(["24576", "384.0"]) == 0
    assert decimals(["3.123456"]) == 3 and decimals(["49974.41234"]) == 0 and decimals(["31.93755"]) == 2
    assert heading("receptive_field_ms") == "Receptive field (ms)"
    assert heading("paper_musicality") == "Musicality"
    assert heading("bits_per_step_level0") == "Bits per step, level\N{NO-BREAK SPACE}0"


@pytest.mark.parametrize("text", ["", "a,b\n", "a,b\n1\n", "a,b\n1,2,3\n"])
def test_wrong_tables_are_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ResultError, match="run snakemake again"):
        read_table(tmp_path / "t.csv")
