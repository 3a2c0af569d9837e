"""Primes: what samples continue is what was recorded, encoded by every level; mistakes are refused with a cure."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
from small_models import model_file
from torch import Tensor, nn
from waveforms import record

from descant.audio import mulaw
from descant.audio.clips import from_16_bit, to_16_bit
from descant.audio.rendered import open_rendered
from descant.commands.decode import decode
from descant.commands.draw import draw
from descant.commands.prime import prime as encode_prime
from descant.config.models import Prime, Sampling
from descant.config.networks import ADA, Prior, WaveNetShape
from descant.config.training import Training
from descant.config.vqvaes import VQVAE
from descant.errors import SamplingError
from descant.modelfile import write_model
from descant.recordings import open_recordings, read_recording
from descant.runs.interruption import Interrupted
from descant.sampling import generate
from descant.sampling.engine import Engine
from descant.sampling.generate import Request
from descant.sampling.primes import cut_to_codes, encode_levels, read_prime
from descant.sequences import Labels
from descant.systems.ada import ADASystem
from descant.systems.vqvae import VQVAESystem
from descant.systems.wavenet import WaveNetSystem

RATE, COUNT, DRAWN = 8000, 3, 320
SPLITS = ("train", "test", "validation", "test")


def noise(seed: int, samples: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Recordings of a second each; the last is silent from its middle on."""
    tracks = [(f"{n:016x}", split, noise(n, RATE), Labels()) for n, split in enumerate(SPLITS)]
    tracks[3][2][RATE // 2 :] = 0
    record(tmp_path / "waveform", tracks, RATE)
    return tmp_path / "waveform"


def test_every_sample_continues_another_track_of_a_split(music: Path) -> None:
    recordings = open_recordings(music)
    primes = read_prime(Prime(track="test", start=0.1, seconds=0.2), recordings, COUNT, "auto")
    assert primes.shape == (COUNT, 1600) and primes.dtype == np.int16
    first, second = (read_recording(recordings, track, 800, 2400) for track in recordings.tracks("test"))
    np.testing.assert_array_equal(from_16_bit(primes), [first, second, first])


def test_one_track_is_continued_by_all(music: Path) -> None:
    recordings = open_recordings(music)
    primes = read_prime(Prime(track=f"{2:016x}", seconds=0.2), recordings, COUNT, "auto")
    np.testing.assert_array_equal(primes, [to_16_bit(noise(2, RATE)[:1600])])


@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (44100, 2)])
def test_a_file_is_mixed_and_resampled_and_cut_where_it_is_asked_to(
    music: Path, tmp_path: Path, rate: int, channels: int
) -> None:
    audio = noise(9, 2 * rate * channels).reshape(-1, channels).astype(np.float32)
    path = tmp_path / "my song's start.wav"
    soundfile.write(path, audio, rate, subtype="FLOAT")
    primes = read_prime(Prime(file=str(path), start=0.5, seconds=0.25), open_recordings(music), COUNT, "auto")
    expected = to_16_bit(soxr.resample(audio.mean(axis=1), rate, RATE))[4000:6000]
    np.testing.assert_array_equal(primes, [expected])


def test_a_file_is_mixed_as_the_corpus_is(music: Path, tmp_path: Path) -> None:
    audio = noise(9, 2 * RATE).reshape(-1, 2).astype(np.float32)
    soundfile.write(tmp_path / "two.wav", audio, RATE, subtype="FLOAT")
    prime = Prime(file=str(tmp_path / "two.wav"), seconds=0.25)
    for downmix, expected in (("left", audio[:, 0]), ("right", audio[:, 1]), ("mean", audio.mean(axis=1))):
        primes = read_prime(prime, open_recordings(music), COUNT, downmix)
        np.testing.assert_array_equal(primes, [to_16_bit(expected[: RATE // 4])])


@pytest.mark.parametrize(
    ("prime", "shown"),
    [
        ({"file": "none.wav"}, "no such file"),
        ({"file": "."}, "no such file"),
        ({"file": "text.wav"}, "cannot be read"),
        ({"file": "nan.wav"}, "no numbers"),
        ({"file": "silent.wav"}, "silent"),
        ({"file": "good.wav", "start": 0.3}, r"ends 0\.30 s before"),
        ({"file": "good.wav", "start": 60}, "before the prime does"),
        ({"track": f"{0:016x}"}, "trained on"),
        ({"track": "nobody's"}, "no such track"),
        ({"track": "test", "start": 0.7, "seconds": 0.5}, "before the prime does"),
        ({"track": "test", "start": 0.6, "seconds": 0.1}, r"track 0{15}3 .* silent"),
    ],
)
def test_what_cannot_be_continued_is_refused_with_a_cure(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prime: dict[str, Any], shown: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.wav").write_text("no audio")
    for name, audio in (("good", noise(1, RATE)), ("silent", np.zeros(RATE)), ("nan", np.full(RATE, np.nan))):
        soundfile.write(tmp_path / f"{name}.wav", audio, RATE, subtype="FLOAT")
    with pytest.raises(SamplingError, match=shown) as raised:
        read_prime(
            Prime(**{"seconds": 1.0 if "file" in prime else 0.1, **prime}), open_recordings(music), COUNT, "auto"
        )
    assert raised.value.cure


def test_it_is_cut_at_its_start_and_refused_under_one_code() -> None:
    waveforms = np.arange(200, dtype=np.int16).reshape(2, 100)
    np.testing.assert_array_equal(cut_to_codes(waveforms, 32, RATE), waveforms[:, 4:])
    with pytest.raises(SamplingError, match="shorter than one code of the top level, 128 samples") as raised:
        cut_to_codes(waveforms, 128, RATE)
    assert raised.value.cure == "set sampling.prime.seconds to at least 0.016"


@pytest.fixture
def stack(tiny_ada: Callable[..., ADA], lively: Callable[[nn.Module], nn.Module]) -> list[ADASystem]:
    """Two ADAs, one upon the other."""
    systems = []
    for classes in (256, 8):
        torch.manual_seed(classes)
        system = ADASystem(tiny_ada(), classes).eval()
        lively(system)
        systems.append(system)
    return systems


def test_every_level_is_the_code_of_the_one_below(stack: list[ADASystem]) -> None:
    waveforms = to_16_bit(noise(1, 2 * 320).reshape(2, 320))
    audio, codes, top = encode_levels(waveforms, stack, torch.device("cpu"))
    np.testing.assert_array_equal(audio, mulaw.encode(from_16_bit(waveforms)))
    for below, above, ada in ((audio, codes, stack[0]), (codes, top, stack[1])):
        expected = ada.encode(torch.from_numpy(below.astype(np.int64)))
        np.testing.assert_array_equal(above, expected.numpy())
    assert top.shape == (2, 20) and len(np.unique(codes)) > 1


def test_levels_that_stand_side_by_side_each_encode_the_waveform(
    music: Path, tiny_training: Callable[..., Training], tmp_path: Path
) -> None:
    shape = {"channels": 4, "depth": 1, "codebook": {"classes": 16, "dimension": 4}, "training": tiny_training()}
    systems = {}
    for level, hop in enumerate((8, 32), start=1):
        torch.manual_seed(hop)
        settings = VQVAE.model_validate({"hop": hop, **shape})
        systems[level] = VQVAESystem(settings, RATE).eval()
        stream = {"stream": "waveform", "name": "waveform", "classes": 0, "sample_rate": RATE}
        file = model_file("vqvae", settings.model_dump(mode="json"), systems[level].state_dict(), **stream)
        write_model(tmp_path / f"{level}.safetensors", file)
    sampling = Sampling(count=2, prime=Prime(track="test", seconds=0.033))
    models = [tmp_path / f"{level}.safetensors" for level in (1, 2)]
    encode_prime(sampling.model_dump_json(), music, tmp_path / "prime", models)
    assert {path.name for path in (tmp_path / "prime").iterdir()} == {
        *("waveform.npy", "level0.npy", "level1.npy", "level2.npy")
    }
    waveform = np.load(tmp_path / "prime" / "waveform.npy")
    assert waveform.shape == (2, 256), "whole codes of both levels"
    for level, system in systems.items():
        codes = np.load(tmp_path / "prime" / f"level{level}.npy")
        expected = system.encode(torch.from_numpy(from_16_bit(waveform)))
        np.testing.assert_array_equal(codes, expected.numpy())
        assert codes.shape == (2, 256 // system.hop) and len(np.unique(codes)) > 1


@pytest.fixture
def row(
    music: Path, tmp_path: Path, stack: list[ADASystem], tiny_ada: Callable[..., ADA],
    tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training],
    lively: Callable[[nn.Module], nn.Module],
) -> Path:  # fmt: skip
    """A folder with the models of a row of two ADAs: ``0.safetensors`` and ``1.safetensors``, and its prior."""
    for level, (ada, classes) in enumerate(zip(stack, (256, 8), strict=True)):
        settings = tiny_ada().model_dump(mode="json")
        name = ("audio", "low")[level]
        file = model_file("ada", settings, ada.state_dict(), name=name, classes=classes, hop=4**level, sample_rate=RATE)
        write_model(tmp_path / f"{level}.safetensors", file)
    torch.manual_seed(5)
    prior = WaveNetSystem(tiny_shape(), 8).eval()
    lively(prior)
    settings = Prior(wavenet=tiny_shape(), training=tiny_training()).model_dump(mode="json")
    file = model_file("wavenet", settings, prior.state_dict(), name="high", classes=8, hop=16, sample_rate=RATE)
    write_model(tmp_path / "prior.safetensors", file)
    return tmp_path


def draw_row(row: Path, into: str, prime: dict[str, Any]) -> Path:
    """Encode a prime, draw the row down to audio and decode it, by the commands."""
    sampling = Sampling(count=COUNT, temperature=0.9, engine="reference", prime=Prime(**prime))
    settings, out = sampling.model_dump_json(), row / into
    primed = out / "prime"
    encode_prime(settings, row / "waveform", primed, [row / "0.safetensors", row / "1.safetensors"])
    above = None
    for level, name in ((2, "prior"), (1, "1"), (0, "0")):
        steps = out / f"level{level}.npy"
        draw(settings, row / f"{name}.safetensors", DRAWN // 4**level, steps, above, primed / f"level{level}.npy",
             runs=row / "runs" / into / name)  # fmt: skip
        above = steps
    decode(out / "level0.npy", RATE, "A model", out / "audio", primed / "waveform.npy")
    return out


@pytest.mark.parametrize("prime", [{"track": "test", "seconds": 0.05}, {"file": "mine.flac", "seconds": 0.0333}])
def test_a_row_continues_its_prime_which_is_heard_as_it_was_recorded(
    row: Path, monkeypatch: pytest.MonkeyPatch, prime: dict[str, Any]
) -> None:
    monkeypatch.chdir(row)
    soundfile.write(row / "mine.flac", noise(7, RATE), RATE)
    out = draw_row(row, "out", prime)
    waveform = np.load(out / "prime" / "waveform.npy")
    primed = waveform.shape[1]
    assert waveform.shape == ((COUNT, 400) if "track" in prime else (1, 256)), "whole codes of 16 samples"
    for level in range(3):
        drawn, given = (np.load(path / f"level{level}.npy") for path in (out, out / "prime"))
        assert drawn.shape == (COUNT, (primed + DRAWN) // 4**level)
        np.testing.assert_array_equal(drawn[:, : given.shape[1]], np.broadcast_to(given, (COUNT, given.shape[1])))
    rendered = open_rendered(out / "audio")
    assert {(sample.primed, sample.samples) for sample in rendered.samples} == {(primed, primed + DRAWN)}
    audio = mulaw.decode(np.load(out / "level0.npy"))
    for number in range(COUNT):
        whole = to_16_bit(rendered.read(number, -primed))
        np.testing.assert_array_equal(whole[:primed], waveform[number % len(waveform)])
        np.testing.assert_array_equal(whole[primed:], to_16_bit(audio[number, primed:]))


def test_a_primed_draw_that_was_stopped_goes_on_to_the_same(row: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = draw_row(row, "whole", {"track": "test", "seconds": 0.3})
    original = generate._next

    def stopping(engine: Engine, asked: Request, done: int, count: int, given: Tensor | None) -> Tensor:
        # in the middle of the audio's prime, and at its end
        if asked.steps == 2400 + DRAWN and done in (0, 2048):
            os.kill(os.getpid(), signal.SIGTERM)
        return original(engine, asked, done, count, given)

    with monkeypatch.context() as patch:
        patch.setattr(generate, "_next", stopping)
        for reached in (1024, 2400):
            with pytest.raises(Interrupted, match=f"after step {reached}"):
                draw_row(row, "stopped", {"track": "test", "seconds": 0.3})
    out = draw_row(row, "stopped", {"track": "test", "seconds": 0.3})
    for path in expected.rglob("*.flac"):
        assert (out / path.relative_to(expected)).read_bytes() == path.read_bytes()


def test_another_prime_is_another_draw(row: Path) -> None:
    draw_row(row, "out", {"track": "test", "seconds": 0.05})
    draw_row(row, "out", {"track": "validation", "seconds": 0.05})
    assert len(list((row / "runs" / "out" / "0").iterdir())) == 2


def test_a_model_of_an_ada_is_given_codes_and_a_prior_is_not(row: Path) -> None:
    settings = Sampling(count=1).model_dump_json()
    np.save(row / "codes.npy", np.zeros((1, 4), np.uint8))
    with pytest.raises(SamplingError, match="given codes"):
        draw(settings, row / "0.safetensors", 16, row / "x.npy")
    with pytest.raises(SamplingError, match="given nothing"):
        draw(settings, row / "prior.safetensors", 16, row / "x.npy", row / "codes.npy")


def test_steps_that_do_not_fit_are_refused(row: Path) -> None:
    settings = Sampling(count=2).model_dump_json()
    np.save(row / "codes.npy", np.zeros((1, 4), np.uint8))
    with pytest.raises(SamplingError, match="1 sequences, 2 are drawn"):
        draw(settings, row / "0.safetensors", 16, row / "x.npy", row / "codes.npy")
    settings = Sampling(count=1).model_dump_json()
    with pytest.raises(SamplingError, match="4 codes are too few"):
        draw(settings, row / "0.safetensors", 17, row / "x.npy", row / "codes.npy")
    np.save(row / "prime.npy", np.zeros((3, 4), np.uint8))
    with pytest.raises(SamplingError, match="3 sequences, 1 are drawn"):
        draw(settings, row / "0.safetensors", 8, row / "x.npy", row / "codes.npy", row / "prime.npy")
    np.save(row / "prime.npy", np.zeros((1, 6), np.uint8))
    with pytest.raises(SamplingError, match="6 steps are no whole codes"):
        draw(settings, row / "0.safetensors", 8, row / "x.npy", row / "codes.npy", row / "prime.npy")


@pytest.mark.parametrize(
    "prime",
    [{}, {"file": "a.wav", "track": "test"}, {"track": "test", "seconds": 0}, {"track": "test", "seconds": 61},
     {"track": "test", "start": -1}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(prime: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="prime"):
        Sampling.model_validate({"prime": prime})


def test_windows_and_a_prime_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="only the first of the windows"):
        Sampling.model_validate({"prime": {"track": "test"}, "windows": {}})


def test_the_command_needs_a_prime(music: Path, tmp_path: Path) -> None:
    with pytest.raises(SamplingError, match=r"sampling\.prime|no prime"):
        encode_prime(json.dumps({}), music, tmp_path / "out")
