"""Drawn codes become audio of the asked length, equal to what the decoder makes of all of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import model_file

from descant.audio.clips import to_16_bit
from descant.audio.rendered import open_rendered
from descant.commands.decode_codes import decode_codes
from descant.config.training import Training
from descant.config.vqvaes import VQVAE
from descant.errors import DescantError
from descant.modelfile import write_model
from descant.steps import write_steps
from descant.systems.vqvae import VQVAESystem

RATE = 8000


def test_codes_become_as_much_audio_as_is_asked_for(tiny_training: Callable[..., Training], tmp_path: Path) -> None:
    settings = VQVAE.model_validate(
        {"hop": 8, "channels": 4, "depth": 1, "codebook": {"classes": 16, "dimension": 4}, "training": tiny_training()}
    )
    torch.manual_seed(1)
    system = VQVAESystem(settings, RATE).eval()
    torch.nn.init.normal_(system.decoder.out.weight, std=0.02)
    file = model_file(
        "vqvae",
        settings.model_dump(mode="json"),
        system.state_dict(),
        stream="waveform",
        name="waveform",
        classes=0,
        sample_rate=RATE,
    )
    write_model(tmp_path / "model", file)
    codes = np.random.default_rng(1).integers(0, 16, (2, 200)).astype(np.uint8)
    write_steps(tmp_path / "codes.npy", codes)
    decode_codes(tmp_path / "codes.npy", tmp_path / "model", 1595, RATE, "A row", tmp_path / "audio")
    rendered = open_rendered(tmp_path / "audio")
    with torch.no_grad():
        expected = system.decode(torch.from_numpy(codes.astype(np.int64))).clamp(-1, 1).numpy()
    assert [sample.samples for sample in rendered.samples] == [1595, 1595]
    for number in range(2):
        np.testing.assert_allclose(rendered.read(number), expected[number, :1595], atol=1 / 32768)
    # the recordings of sequences 3 and 1 stand where their codes were given, before as many samples as are asked for
    recorded = np.random.default_rng(2).integers(-9000, 9000, (4, 80)).astype(np.int16)
    np.save(tmp_path / "prime.npy", recorded)
    decode_codes(
        *(tmp_path / "codes.npy", tmp_path / "model", 1500, RATE, "A row", tmp_path / "primed"),
        prime=tmp_path / "prime.npy",
        pick=[3, 1],
    )
    primed = open_rendered(tmp_path / "primed")
    for number, sequence in enumerate((3, 1)):
        assert (primed.samples[number].primed, primed.samples[number].drawn) == (80, 1500)
        np.testing.assert_array_equal(to_16_bit(primed.read(number, -80, 0)), recorded[sequence])
        np.testing.assert_allclose(primed.read(number), expected[number, 80:1580], atol=1 / 32768)
    for pick in ([4, 1], None):
        with pytest.raises(DescantError, match="16-bit samples"):
            decode_codes(
                *(tmp_path / "codes.npy", tmp_path / "model", 1500, RATE, "A row", tmp_path / "other"),
                prime=tmp_path / "prime.npy",
                pick=pick,
            )
    write_steps(tmp_path / "codes.npy", np.full((1, 5), 16, np.uint8))
    with pytest.raises(DescantError):
        decode_codes(tmp_path / "codes.npy", tmp_path / "model", 40, RATE, "A row", tmp_path / "other")
