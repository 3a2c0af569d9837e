"""From a corpus and a stack of two networks to the page of its reconstructions."""

import base64
import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from page_reading import make_page, read_page
from torch import nn
from waveforms import record

from descant.audio import mulaw
from descant.commands.codes import codes
from descant.commands.likelihood import likelihood
from descant.commands.measure import measure
from descant.commands.reconstruct import reconstruct
from descant.config.networks import ADA
from descant.errors import SequenceError
from descant.modelfacts import Input, ModelFacts
from descant.modelfile import ModelFile, write_model
from descant.sequences import Labels, SequenceWriter, open_sequence
from descant.systems.ada import ADASystem

RATE, HOP = 8000, 4
HOSTILE = "<img src=http://example.org/x onerror=alert(1)> \"&' {{ 7*7 }}"
STACKS = ("low", "low.high")
EXCERPTS = json.dumps({"seconds": 0.05, "excerpts": 3})


@dataclass(frozen=True)
class Made:
    """A folder with packed audio and recordings, and for each stack a model file and codes."""

    folder: Path

    def model(self, stack: str) -> Path:
        return self.folder / f"{stack}.safetensors"

    def sequence(self, stack: str) -> Path:
        return self.folder / "sequences" / stack

    def draw(self, stack: str, output: str = "drawn.npy", excerpts: str = EXCERPTS, **over: object) -> np.ndarray:
        models = [self.model(STACKS[level]) for level in reversed(range(1 + stack.count(".")))]
        options = {"model": models, "seed": 1, **over}
        path = self.folder / stack / output
        reconstruct("{}", excerpts, self.sequence("audio"), self.sequence(stack), output=path,
                    runs=self.folder / "runs" / stack, **options)  # fmt: skip
        return np.load(path, allow_pickle=False)

    def score(self, stack: str, output: str, shuffle_seed: int | None) -> pd.DataFrame:
        below = self.sequence(stack.rpartition(".")[0] or "audio")
        path = self.folder / stack / output
        likelihood("{}", self.model(stack), below, path, self.sequence(stack), shuffle_seed)
        return pd.read_parquet(path)

    def page(self, stacks: tuple[str, ...], out: Path, excerpts: str = EXCERPTS) -> str:
        """The figures of some stacks, and their page."""
        given: dict[str, object] = {
            "reconstruction": json.loads(excerpts),
            "audio": f"{self.sequence('audio')}/data.npy",
            "recordings": f"{self.sequence('waveform')}/data.npy",
        }
        drawn = [{"stack": stack, "drawn": f"{self.folder}/{stack}/drawn.npy"} for stack in stacks]
        scored = [
            {**one, "below": "low" if stack == "low.high" else None, "codes": f"{self.sequence(stack)}/data.npy",
             **{name: f"{self.folder}/{stack}/{name}.parquet" for name in ("true", "shuffled")}}
            for stack, one in zip(stacks, drawn, strict=True)
        ]  # fmt: skip
        settings = {"evaluation": {"reconstruction": json.loads(excerpts)}, "seed": 1}
        measure("reconstruction", json.dumps({**given, **settings, "stacks": scored}), out)
        files = {"measured": out / "measured.json", "excerpts": out / "excerpts.csv"}
        return make_page("reconstruction", out / "page.html", **given, **files, stacks=drawn)


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, tiny_ada: Callable[..., ADA], lively: Callable[[nn.Module], nn.Module]
) -> Made:
    folder = tmp_path_factory.mktemp("made")
    made = Made(folder)
    random = np.random.default_rng(0)
    music = []
    with SequenceWriter(made.sequence("audio"), 256, 1, RATE) as writer:
        for number, split in enumerate(("train", "test", "test", "test", "validation", "test")):
            # the last track is too short for an excerpt
            samples = 160 if number == 5 else 4003 + 100 * number
            audio = 0.3 * np.sin(np.arange(samples) * 0.05 * (number + 1)) + 0.01 * random.standard_normal(samples)
            track, labels = f"{number:016x}", Labels(f"{HOSTILE} {number}")
            writer.add(track, split, labels, iter([mulaw.encode(audio)]))
            music.append((track, split, audio, labels))
    record(made.sequence("waveform"), music, RATE)
    below, classes = "audio", 256
    for stack in STACKS:
        torch.manual_seed(3)
        settings = tiny_ada(hop=HOP)
        system = ADASystem(settings, classes).eval()
        lively(system)
        (folder / stack).mkdir()
        sequence = open_sequence(made.sequence(below))
        facts = ModelFacts(
            kind="ada", settings=settings.model_dump(mode="json"), inputs=(Input.of("steps", sequence),), steps=1
        )
        file = ModelFile(facts, system.state_dict())
        write_model(made.model(stack), file)
        codes(made.model(stack), made.sequence(below), made.sequence(stack))
        below, classes = stack, system.codes
        made.draw(stack)
        made.score(stack, "true.parquet", None)
        made.score(stack, "shuffled.parquet", 1)
    return made


@pytest.fixture(scope="module")
def written(made: Made) -> Path:
    """A folder with the page of both stacks and what comes with it."""
    made.page(STACKS, made.folder / "out")
    return made.folder / "out"


def test_both_draws_are_whole_excerpts_and_the_same_again(made: Made) -> None:
    for stack in STACKS:
        drawn = made.draw(stack)
        assert drawn.shape == (2 * 3, 400) and drawn.dtype == np.uint8
        assert not np.array_equal(drawn[:3], drawn[3:])
        again = made.draw(stack, "again.npy", save_every=0.0)
        assert np.array_equal(drawn, again)
        assert not np.array_equal(drawn, made.draw(stack, "other.npy", seed=2))


def test_levels_that_were_drawn_are_not_drawn_again(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed job goes on from: with all levels in its run directory it builds no engine."""
    drawn = made.draw("low.high")

    def refuse(*given: object) -> None:
        raise AssertionError("an engine was built")

    monkeypatch.setattr("descant.sampling.levels.build_engine", refuse)
    assert np.array_equal(made.draw("low.high", "later.npy"), drawn)
    with pytest.raises(AssertionError, match="an engine was built"):
        made.draw("low.high", "later.npy", seed=5)


def test_it_is_what_upsampling_the_true_codes_gives(made: Made) -> None:
    """Level by level by the function that draws, with the seed of this draw."""
    from descant.config.models import Sampling
    from descant.modelfile import read_model
    from descant.sampling.levels import draw_level, level_settings
    from descant.seeds import derive_seed
    from descant.systems.restore import restore

    held = open_sequence(made.sequence("low.high"))
    lengths = {track.track: track.length for track in open_sequence(made.sequence("audio")).tracks("test")}
    tracks = [track for track in held.tracks("test") if lengths[track.track] >= 400]
    starts = [(lengths[track.track] - 400) // 2 for track in tracks]
    rows = [held.steps(track)[start // 16 : start // 16 + 26] for track, start in zip(tracks, starts, strict=True)]
    steps = torch.from_numpy(np.concatenate([rows, rows]).astype(np.int64))
    for stack in reversed(STACKS):
        file = read_model(made.model(stack))
        level = level_settings(
            Sampling(engine="reference"), derive_seed(1, "reconstruct", file.facts.learnt.name), 1, 30.0
        )
        ada, folder = restore(file, ADASystem), made.folder / "by hand" / stack
        drawn = draw_level(ada, steps, len(steps), ada.hop * steps.shape[1], level, folder)
        steps = torch.from_numpy(np.array(drawn).astype(np.int64))
    cut = [row[start % 16 :][:400] for row, start in zip(steps.numpy(), starts * 2, strict=True)]
    assert np.array_equal(cut, made.draw("low.high"))


def test_shuffled_codes_are_scored_on_the_same_steps_and_cost_more(made: Made) -> None:
    true, shuffled = made.score("low", "true.parquet", None), made.score("low", "shuffled.parquet", 1)
    assert true.drop(columns="bits").equals(shuffled.drop(columns="bits"))
    assert (true["bits"] != shuffled["bits"]).all()
    assert shuffled.equals(made.score("low", "again.parquet", 1))
    assert not shuffled.equals(made.score("low", "other.parquet", 2))


def test_the_page_shows_and_plays_what_was_measured(made: Made, written: Path) -> None:
    page = read_page((written / "page.html").read_text(), str(made.folder), "alert(1)>")
    assert "49" not in page.text.split("mu-law alone")[0] and f"{HOSTILE} 1, from 0:00.2" in page.text
    heard = [
        soundfile.read(io.BytesIO(base64.b64decode(attributes["src"].partition("base64,")[2])))
        for attributes in page.all("audio")
    ]
    assert len(heard) == 3 * (2 + len(STACKS))
    assert all(rate == RATE and len(audio) == 400 for audio, rate in heard)
    # of the first excerpt: the original, through mu-law, and each stack's first draw
    for (audio, _), stack in zip(heard[2:4], STACKS, strict=True):
        np.testing.assert_allclose(audio, mulaw.decode(made.draw(stack)[0]), atol=2**-15)
    # the original was rounded to 16 bits, which moves a sample to the next class at most
    quantised, original = (mulaw.encode(audio).astype(np.int64) for audio, _ in (heard[1], heard[0]))
    assert np.abs(quantised - original).max() <= 1
    assert "not reported: intervals of the reconstructions: 3 test tracks long enough, 5 needed" in page.text
    assert "not reported: interval of low's gap: 4 test tracks, 5 needed" in page.text


def test_the_summary_and_the_tables_hold_the_page_s_figures(made: Made, written: Path) -> None:
    summary = json.loads((written / "summary.json").read_text())
    excerpts, usage = pd.read_csv(written / "excerpts.csv"), pd.read_csv(written / "codes.csv").set_index("stack")
    assert list(summary["stacks"]) == list(STACKS) and len(summary["missing"]) == 3
    for stack, figures in summary["stacks"].items():
        rows = excerpts[excerpts["rendering"] == stack]
        assert len(rows) == 3
        assert figures["snr_db"] == pytest.approx(rows["snr_db"].mean())
        assert figures["lsd_db"] == pytest.approx(rows["lsd_db"].mean())
        held = open_sequence(made.sequence(stack))
        counted = np.concatenate([held.steps(track) for track in held.tracks("test")])
        assert figures["codes_used_share"] == len(np.unique(counted)) / held.classes
        assert usage.loc[stack]["codes"] == len(counted)
        true, shuffled = (pd.read_parquet(made.folder / stack / f"{name}.parquet") for name in ("true", "shuffled"))
        gap = (shuffled["bits"].sum() - true["bits"].sum()) / true["steps"].sum()
        assert figures["gap_bits"] == pytest.approx(gap)
    mulaw_rows = excerpts[excerpts["rendering"] == "mu-law alone"]
    assert summary["mulaw"]["snr_db"] == pytest.approx(mulaw_rows["snr_db"].mean()) and summary["mulaw"]["snr_db"] > 30


def test_too_short_tracks_and_no_stack_are_reported_and_stop_nothing(made: Made, tmp_path: Path) -> None:
    long = json.dumps({"seconds": 9.0, "excerpts": 3})
    assert made.draw("low", "none.npy", long).shape == (0, 0)
    before = (made.folder / "low" / "drawn.npy").read_bytes()
    try:
        made.draw("low", excerpts=long)
        html = made.page(("low",), tmp_path / "short", long)
    finally:
        (made.folder / "low" / "drawn.npy").write_bytes(before)
    page = read_page(html, str(made.folder))
    assert "not reported: no test track is as long as an excerpt, 9 s" in page.text and not page.all("audio")
    summary = json.loads((tmp_path / "short" / "summary.json").read_text())
    assert summary["stacks"]["low"]["snr_db"] is None and summary["stacks"]["low"]["gap_bits"] is not None
    html = made.page((), tmp_path / "none")
    page = read_page(html)
    assert "no model has codes" in page.text and len(page.all("table")) == 0
    assert list(csv.reader((tmp_path / "none" / "codes.csv").open()))[1:] == []
    assert made.page((), tmp_path / "again") == html


def test_mistakes_are_reported(made: Made) -> None:
    with pytest.raises(SequenceError, match="every ADA of the stack"):
        made.draw("low.high", "wrong.npy", model=[made.model("low.high")])
    assert not (made.folder / "low.high" / "wrong.npy").exists()
