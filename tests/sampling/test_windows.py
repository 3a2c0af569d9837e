"""Parallel windows: where they lie, where they are joined, and that nothing is drawn which no window drew."""

import logging
import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from small_models import model_file
from torch import Tensor, nn

from descant.commands.draw import draw
from descant.config.models import Sampling, Windows
from descant.config.networks import ADA
from descant.modelfile import write_model
from descant.runs.interruption import Interrupted
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.files import read_steps
from descant.sampling.levels import LevelSettings, draw_level, level_layout
from descant.sampling.levels import draw_windows as draw_layout
from descant.sampling.windows import Layout, join, lay_out, meeting
from descant.steps import write_steps
from descant.systems.ada import ADASystem

CLASSES = 9
CODES = torch.randint(8, (2, 90), generator=torch.Generator().manual_seed(2))
# a row of five windows is longer than the block after which a stop is noticed
LONG_CODES = torch.randint(8, (1, 1500), generator=torch.Generator().manual_seed(3))
SETTINGS = LevelSettings(1, DrawSettings(0.9), EngineSettings("reference"), 1e9)
WINDOWS = Windows(count=5, warm_up=2)


@pytest.fixture(scope="module")
def settings(tiny_ada: Callable[..., ADA]) -> ADA:
    return tiny_ada()


@pytest.fixture
def ada(settings: ADA, lively: Callable[[nn.Module], nn.Module]) -> ADASystem:
    torch.manual_seed(1)
    system = ADASystem(settings, CLASSES).eval()
    lively(system)
    return system


def draw_below(
    system: ADASystem, codes: Tensor, settings: LevelSettings, folder: Path, windows: Windows | None = None
) -> np.ndarray:
    """All steps that the codes stand for."""
    return draw_level(system, codes, len(codes), codes.shape[1] * system.hop, settings, folder, windows)


def draw_windows(system: ADASystem, codes: Tensor, layout: Layout, settings: LevelSettings, folder: Path) -> np.ndarray:
    """All windows of a layout."""
    return draw_layout(system, codes, len(codes), codes.shape[1] * system.hop, layout, settings, folder)


def forget(system: ADASystem) -> None:
    """Let no step depend on those before it."""
    with torch.no_grad():
        system.local_model.embedding.table.weight.zero_()


@given(codes=st.integers(1, 400), warm_up=st.integers(1, 60), most=st.integers(1, 40))
def test_windows_cover_all_and_overlap_by_the_warm_up(codes: int, warm_up: int, most: int) -> None:
    layout = lay_out(codes, warm_up, most)
    starts, length = layout.starts, layout.length
    assert 1 <= len(starts) <= most and starts[0] == 0 and starts[-1] + length == codes
    for first, second in pairwise(starts):
        assert first + length - second in (warm_up, warm_up + 1)
        assert second - first >= warm_up, "a window is joined to one other on either side"
    # all windows but the first draw their warm-up in vain, and the rounding to equal lengths
    drawn = length * len(starts)
    assert drawn <= codes + (len(starts) - 1) * (warm_up + 1)
    if most > 1:
        assert (len(starts) == 1) == (codes < 3 * warm_up)


@given(st.data())
def test_the_cut_follows_the_longest_run_of_equal_steps(data: st.DataObject) -> None:
    time = data.draw(st.integers(1, 40))
    earliest = data.draw(st.integers(1, time))
    same = data.draw(st.lists(st.booleans(), min_size=time, max_size=time))
    left = np.zeros(time, np.uint8)
    right = np.where(same, 0, 1).astype(np.uint8)

    def run(cut: int) -> int:
        return next((back for back in range(cut) if not same[cut - 1 - back]), cut)

    assert meeting(left, right, earliest) == max(range(earliest, time + 1), key=lambda cut: (run(cut), cut))


@given(st.data())
def test_windows_of_one_sequence_are_joined_to_it(data: st.DataObject) -> None:
    layout = lay_out(data.draw(st.integers(1, 60)), data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9)))
    hop = data.draw(st.integers(1, 4))
    codes = layout.starts[-1] + layout.length
    sequences = np.random.default_rng(0).integers(0, 9, (2, codes * hop)).astype(np.uint16)
    drawn = windows_of(sequences, layout, hop)
    field = data.draw(st.integers(1, layout.warm_up * hop))
    joined = join(drawn, layout, hop, field)
    assert joined.dtype == np.uint16
    assert np.array_equal(joined, sequences)


def windows_of(sequences: np.ndarray, layout: Layout, hop: int) -> np.ndarray:
    return np.concatenate([sequences[:, start * hop : (start + layout.length) * hop] for start in layout.starts])


@given(codes=st.integers(12, 80), most=st.integers(2, 9), hop=st.integers(1, 4), field=st.integers(1, 5))
def test_each_window_gives_one_stretch_after_a_receptive_field(codes: int, most: int, hop: int, field: int) -> None:
    warm_up = -(-2 * field // hop)
    layout = lay_out(codes, warm_up, most)
    assume(len(layout.starts) > 1)
    # steps that encode their window, and never agree
    numbers = np.arange(len(layout.starts), dtype=np.uint8).repeat(2)
    drawn = numbers[:, None].repeat(layout.length * hop, axis=1)
    for sequence in join(drawn, layout, hop, field):
        changes = np.flatnonzero(np.diff(sequence)) + 1
        assert np.array_equal(sequence[np.r_[0, changes]], np.arange(len(layout.starts)))
        expected = (np.array(layout.starts[1:]) + warm_up) * hop
        assert np.array_equal(changes, expected), "nowhere equal: cut at the warm-up's end"


def test_a_model_without_memory_draws_the_same_in_windows(ada: ADASystem, tmp_path: Path) -> None:
    forget(ada)
    whole = draw_below(ada, CODES, SETTINGS, tmp_path / "whole")
    assert len(np.unique(whole)) > 2
    for number, windows in enumerate((WINDOWS, Windows(count=2, warm_up=3.7))):
        drawn = draw_below(ada, CODES, SETTINGS, tmp_path / str(number), windows)
        assert len(level_layout(ada, 90, windows).starts) == windows.count
        assert drawn.dtype == whole.dtype and np.array_equal(drawn, whole)


def test_what_a_window_draws_is_a_sequence_of_its_own_from_its_place(ada: ADASystem, tmp_path: Path) -> None:
    layout = level_layout(ada, 90, WINDOWS)
    drawn = draw_windows(ada, CODES, layout, SETTINGS, tmp_path / "windows")
    assert drawn.shape == (10, layout.length * ada.hop)
    for number, start in enumerate(layout.starts):
        alone = draw_windows(ada, CODES, Layout((start,), layout.length, 0), SETTINGS, tmp_path / f"at{number}")
        assert np.array_equal(drawn[2 * number : 2 * number + 2], alone)


def test_before_its_first_join_nothing_changes_and_a_sequence_stands_alone(ada: ADASystem, tmp_path: Path) -> None:
    whole = draw_below(ada, CODES, SETTINGS, tmp_path / "whole")
    drawn = draw_below(ada, CODES, SETTINGS, tmp_path / "windows", WINDOWS)
    untouched = level_layout(ada, 90, WINDOWS).starts[1] * ada.hop + ada.local_model.receptive_field
    assert np.array_equal(drawn[:, :untouched], whole[:, :untouched])
    alone = draw_below(ada, CODES[:1], SETTINGS, tmp_path / "alone", WINDOWS)
    assert np.array_equal(alone, drawn[:1])


def test_shared_uniform_numbers_make_windows_agree(ada: ADASystem, tmp_path: Path) -> None:
    layout = level_layout(ada, 90, WINDOWS)
    overlap, field = layout.warm_up * ada.hop, ada.local_model.receptive_field

    def agreement(settings: LevelSettings, name: str) -> float:
        drawn = draw_windows(ada, CODES, layout, SETTINGS, tmp_path / "one").reshape(5, 2, -1)
        other = draw_windows(ada, CODES, layout, settings, tmp_path / name).reshape(5, 2, -1)
        pairs = [
            drawn[number][:, (start - before) * ada.hop :][:, :overlap] == other[number + 1][:, :overlap]
            for number, (before, start) in enumerate(pairwise(layout.starts))
        ]
        return float(np.mean([pair[:, field:] for pair in pairs]))

    unshared = LevelSettings(2, SETTINGS.draw, SETTINGS.engine)
    assert agreement(SETTINGS, "one") > agreement(unshared, "two") + 0.2


@pytest.mark.parametrize("windows", [None, WINDOWS])
def test_a_last_hop_may_be_cut_short(ada: ADASystem, tmp_path: Path, windows: Windows | None) -> None:
    whole = draw_below(ada, CODES, SETTINGS, tmp_path / "whole", windows)
    short = draw_level(ada, CODES, 2, whole.shape[1] - 3, SETTINGS, tmp_path / "short", windows)
    assert np.array_equal(short, whole[:, :-3])


def test_too_short_for_two_windows_it_is_drawn_plainly(ada: ADASystem, tmp_path: Path) -> None:
    codes = CODES[:, :10]
    assert level_layout(ada, 10, WINDOWS) == Layout((0,), 10, level_layout(ada, 90, WINDOWS).warm_up)
    drawn = draw_below(ada, codes, SETTINGS, tmp_path / "windows", WINDOWS)
    assert np.array_equal(drawn, draw_below(ada, codes, SETTINGS, tmp_path / "whole"))


def command(folder: Path, sampling: Sampling, output: str, settings: ADA, system: ADASystem) -> np.ndarray:
    model = model_file("ada", settings.model_dump(mode="json"), system.state_dict(), classes=CLASSES)
    write_model(folder / "model.safetensors", model)
    write_steps(folder / "codes.npy", LONG_CODES.numpy().astype(np.uint8))
    draw(
        sampling.model_dump_json(include={"count", "temperature", "top_p", "engine", "precision", "windows"}),
        folder / "model.safetensors",
        1500 * system.hop,
        folder / output,
        folder / "codes.npy",
        runs=folder / "runs",
    )
    return read_steps(folder / output, CLASSES).numpy()


def test_the_command_draws_in_windows_and_goes_on_after_a_stop(
    ada: ADASystem,
    settings: ADA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sampling = Sampling(count=1, temperature=0.9, engine="reference", windows=WINDOWS)
    (tmp_path / "undisturbed").mkdir()
    expected = command(tmp_path / "undisturbed", sampling, "level.npy", settings, ada)
    assert expected.shape == (1, 1500 * ada.hop)
    conditioning = ADASystem.conditioning

    def stopping(system: ADASystem, codes: Tensor, start: int, stop: int) -> Tensor:
        if start == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return conditioning(system, codes, start, stop)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(ADASystem, "conditioning", stopping)
        command(tmp_path, sampling, "level.npy", settings, ada)
    assert not (tmp_path / "level.npy").exists()
    with caplog.at_level(logging.INFO):
        assert np.array_equal(command(tmp_path, sampling, "level.npy", settings, ada), expected)
    assert "going on from step 1024" in caplog.text
    other = sampling.model_copy(update={"windows": Windows(count=9)})
    command(tmp_path, other, "level.npy", settings, ada)
    assert len(list((tmp_path / "runs").iterdir())) == 2, "other windows are another draw"


@pytest.mark.parametrize(
    "windows", [{"count": 1}, {"warm_up": 1.9}, {"warm_up": 0}, {"seconds": 3}, {"count": 2.5}, {"warm_up": "inf"}]
)
def test_settings_that_make_no_sense_are_refused(windows: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Sampling.model_validate({"windows": windows})


def test_windows_are_off_unless_asked_for() -> None:
    assert Sampling().windows is None
    assert Sampling.model_validate({"windows": {}}).windows == Windows()
