"""The native engine obeys the laws of every engine, on every instruction set it is written for."""

import functools
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from engine_laws import (
    SETTINGS,
    Build,
    a_predictor_inside_obeys_all_laws,
    a_primed_draw_equals_the_reference,
    a_sequence_stands_alone,
    conditioning_of,
    draws_equal_the_reference,
    following_then_drawing_is_one_walk,
    it_goes_on_from_any_state,
    logits_equal_the_full_pass,
    predicting_wavenet,
    wavenet_of,
)

from descant.config.models import Precision
from descant.errors import EngineError
from descant.layers.wavenet import WaveNet
from descant.sampling.engine import DrawSettings
from descant.sampling.generate import sequences, uniforms
from descant.sampling.native import NativeEngine
from descant.sampling.native.build import DIGEST_BYTES, load_kernel
from descant.sampling.weights import rounded_weights

CAPABILITY = torch.backends.cpu.get_cpu_capability()
TARGETS = {
    "native": "",
    "avx2": "-march=x86-64-v3" if CAPABILITY in ("AVX2", "AVX512") else None,
    "portable": "-march=x86-64" if os.uname().machine == "x86_64" else "",
}
EXACT: list[Precision] = ["float32", "bfloat16_weights"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the file, so that each target is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        pytest.skip("no C++ compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("DESCANT_CXXFLAGS", raising=False)
    torch.set_num_threads(1)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    flags = TARGETS[request.param]
    if flags is None:
        pytest.skip(f"this CPU has no {request.param}")
    monkeypatch.setenv("DESCANT_CXXFLAGS", flags)
    return str(request.param)


def engine_of(precision: Precision = "float32", threads: int = 1) -> Build:
    return lambda wavenet, batch, draw: NativeEngine(wavenet, batch, draw, precision, threads)


@functools.cache
def uneven(precision: Precision) -> WaveNet:
    """Widths that fill no vector, several tiles wide, and dilations of three taps; conditioned."""
    wavenet = wavenet_of(
        classes=150, hop=3, kernel=3, start_kernel=3, residual_channels=37, gate_channels=46, skip_channels=71, gain=1.5
    )
    return wavenet if precision == "float32" else rounded_weights(wavenet)


@pytest.mark.parametrize("precision", EXACT)
def test_logits_are_those_of_the_full_pass_on_every_target(target: str, precision: Precision) -> None:
    for batch in (1, 3):
        logits_equal_the_full_pass(engine_of(precision), uneven(precision), batch, 90, 1e-4)


@pytest.mark.parametrize("precision", EXACT)
def test_draws_are_the_references_on_every_target(target: str, precision: Precision) -> None:
    draws_equal_the_reference(engine_of(precision), uneven(precision), 2, 300, SETTINGS)


def test_draws_are_the_references_over_ten_thousand_steps() -> None:
    draws_equal_the_reference(
        engine_of(), wavenet_of(classes=256, hop=16, stacks=1, layers_per_stack=2), 1, 10_000, DrawSettings()
    )


@pytest.mark.parametrize("draw", [DrawSettings(), DrawSettings(0.3, 0.5), DrawSettings(2.0, 0.999)])
@pytest.mark.parametrize("classes", [2, 1000])
def test_classes_are_drawn_by_the_settings(classes: int, draw: DrawSettings) -> None:
    draws_equal_the_reference(engine_of(), wavenet_of(classes=classes), 2, 200, draw)


@pytest.mark.parametrize("stacks", [1, 2])
@pytest.mark.parametrize("residual", [6, 40])
def test_other_shapes(stacks: int, residual: int) -> None:
    wavenet = wavenet_of(
        stacks=stacks, layers_per_stack=7 // stacks - 2, residual_channels=residual, kernel=4, start_kernel=1
    )
    logits_equal_the_full_pass(engine_of(), wavenet, 2, 80, 1e-4)


@pytest.mark.parametrize("precision", [*EXACT, "bfloat16"])
def test_a_sequence_stands_alone(precision: Precision) -> None:
    # eleven are summed in columns of 8, 2 and 1
    if precision == "bfloat16" and not load_kernel().has_bfloat16_products():
        pytest.skip("this CPU has no products of bfloat16")
    a_sequence_stands_alone(engine_of(precision), uneven(precision), 11, 60)


def test_threads_do_not_matter() -> None:
    numbers, by_layer = uniforms(1, sequences(5), 0, 60), conditioning_of(uneven("float32"), 5, 60)[1]
    drawn = [
        NativeEngine(uneven("float32"), 5, SETTINGS, "float32", threads).generate(numbers, by_layer)
        for threads in (1, 2, 8)
    ]
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])


def test_it_goes_on_from_any_state(target: str) -> None:
    # within what is computed ahead, at its end, and beyond all rings
    it_goes_on_from_any_state(engine_of(), wavenet_of(kernel=3), 3, 70, [1, 7, 16, 17, 32, 53])
    it_goes_on_from_any_state(engine_of(), uneven("float32"), 2, 60, [3, 15, 48])


def test_following_then_drawing_is_one_walk() -> None:
    following_then_drawing_is_one_walk(engine_of(), uneven("float32"), 2, 60)


def test_a_primed_draw_equals_the_reference() -> None:
    a_primed_draw_equals_the_reference(engine_of(), uneven("float32"), 2, 62, 24)
    a_primed_draw_equals_the_reference(engine_of(), wavenet_of(kernel=3), 3, 70, 17)


def test_a_state_fits_every_target(monkeypatch: pytest.MonkeyPatch) -> None:
    wavenet = uneven("float32")
    steps, by_layer = torch.randint(150, (2, 48)), conditioning_of(wavenet, 2, 48)[1]
    assert by_layer is not None
    first = NativeEngine(wavenet, 2, SETTINGS, "float32", 1)
    first.follow(steps[:, :21], by_layer)
    monkeypatch.setenv("DESCANT_CXXFLAGS", TARGETS["portable"] or "")
    second = NativeEngine(wavenet, 2, SETTINGS, "float32", 1)
    second.load_state(first.state())
    torch.testing.assert_close(
        second.follow(steps[:, 21:], by_layer[:, 7:]),
        first.follow(steps[:, 21:], by_layer[:, 7:]),
        atol=1e-4,
        rtol=0,
    )


def test_bfloat16_is_near_and_refused_where_it_is_not_had(monkeypatch: pytest.MonkeyPatch) -> None:
    if load_kernel().has_bfloat16_products():
        wavenet = rounded_weights(wavenet_of(hop=4, gain=1))
        logits_equal_the_full_pass(engine_of("bfloat16"), wavenet, 3, 64, 0.05)
    monkeypatch.setenv("DESCANT_CXXFLAGS", TARGETS["portable"] or "")
    if not load_kernel().has_bfloat16_products():
        with pytest.raises(EngineError, match="no products of bfloat16"):
            NativeEngine(wavenet_of(), 1, SETTINGS, "bfloat16", 1)


def test_what_does_not_fit_is_refused() -> None:
    engine = NativeEngine(uneven("float32"), 2, SETTINGS, "float32", 1)
    by_layer = conditioning_of(uneven("float32"), 2, 9)[1]
    assert by_layer is not None
    with pytest.raises(ValueError, match=r"0 … 149"):
        engine.follow(torch.full((2, 3), 150), by_layer)
    with pytest.raises(ValueError, match="does not fit 12 steps"):
        engine.generate(torch.rand(2, 12, dtype=torch.float64), by_layer)
    with pytest.raises(ValueError, match="for 2 sequences"):
        engine.generate(torch.rand(3, 9, dtype=torch.float64), by_layer)
    engine.generate(torch.rand(2, 4, dtype=torch.float64), by_layer)
    with pytest.raises(ValueError, match="step 4 does not begin a hop"):
        engine.generate(torch.rand(2, 3, dtype=torch.float64), by_layer)


class TestBuilding:
    """Built once, kept whole, and refused with a cure. Not optimised, to be quick."""

    @pytest.fixture(autouse=True)
    def _own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("DESCANT_CXXFLAGS", f"{TARGETS['portable']} -O0")

    def test_several_at_once_leave_one_whole_file_that_is_built_once(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(2) as jobs:
            lanes = list(jobs.map(lambda _: load_kernel().vector_lanes(), range(2)))
        assert lanes[0] == lanes[1]
        [file] = (tmp_path / "descant" / "native").iterdir()
        built = file.stat().st_mtime_ns
        load_kernel()
        assert file.stat().st_mtime_ns == built

    def test_a_torn_file_is_not_loaded(self, tmp_path: Path) -> None:
        load_kernel()
        [file] = (tmp_path / "descant" / "native").iterdir()
        whole = file.read_bytes()
        for torn in (b"", whole[: -DIGEST_BYTES - 1]):
            # a file of its own, for the loaded one is still mapped
            file.unlink()
            file.write_bytes(torn)
            assert load_kernel().vector_lanes() > 0
            assert len(file.read_bytes()) == len(whole)

    def test_no_compiler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CXX", "no-such-compiler -v")
        with pytest.raises(EngineError, match=r"does not build.*no-such-compiler"):
            load_kernel()
        monkeypatch.delenv("CXX")
        monkeypatch.setenv("PATH", "")
        with pytest.raises(EngineError, match="no C") as raised:
            load_kernel()
        assert "install" in raised.value.cure

    def test_a_command_line_with_half_a_quote(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CXX", "g++ '-O2")
        with pytest.raises(EngineError, match="variable CXX is no command line"):
            load_kernel()

    def test_flags_of_the_surroundings_do_not_come_in(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        load_kernel()
        monkeypatch.setenv("CXXFLAGS", "-march=nocona -no-such-flag")
        load_kernel()
        assert len(list((tmp_path / "descant" / "native").iterdir())) == 1

    def test_what_a_killed_build_left_is_cleared(self, tmp_path: Path) -> None:
        left = tmp_path / "descant" / "native" / "building-killed"
        left.mkdir(parents=True, mode=0o700)
        (tmp_path / "descant" / "native").chmod(0o700)
        os.utime(left, (0, 0))
        load_kernel()
        assert not left.exists()

    def test_a_build_that_fails_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DESCANT_CXXFLAGS", "-no-such-flag")
        with pytest.raises(EngineError, match="does not build") as raised:
            load_kernel()
        assert "no-such-flag" in raised.value.problem

    def test_a_folder_that_others_may_write_to_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "descant" / "native"
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        load_kernel()
        assert not list(folder.iterdir())
        assert len(list((tmp_path / f"descant-{os.geteuid()}" / "native").iterdir())) == 1

    def test_where_no_folder_can_be_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "descant").write_text("in the way")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "descant"))
        with pytest.raises(EngineError, match="cannot be kept") as raised:
            load_kernel()
        assert "XDG_CACHE_HOME" in raised.value.cure


@pytest.mark.parametrize("hop", [0, 4])
def test_a_predictor_inside(target: str, hop: int) -> None:
    a_predictor_inside_obeys_all_laws(engine_of(threads=2), hop)


def test_a_predictor_inside_with_rounded_weights() -> None:
    wavenet = rounded_weights(predicting_wavenet())
    logits_equal_the_full_pass(engine_of("bfloat16_weights"), wavenet, 2, 60, 1e-4)
    draws_equal_the_reference(engine_of("bfloat16_weights"), wavenet, 2, 200, SETTINGS)
