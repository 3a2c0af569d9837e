"""Mel2Mel's layers (Kim, Bittner, Kumar & Bello 2019): from piano rolls and timbres to log-mel spectrograms."""

import torch.nn.functional as F
from torch import Tensor, nn

from descant.config.mel2mel import Mel2Mel
from descant.layers.film import FiLM

# what fresh weights say of every band: half way, in decibels, from full scale to -100 dB (ours)
START = -5.76


class FrameConvolution(nn.Module):
    """A convolution over frames that keeps their number: centred, or causal, which pads the past alone.

    Args:
        channels: that come in.
        out: that come out.
        kernel: taps, odd.
        causal: whether a frame sees nothing of those after it.
    """

    def __init__(self, channels: int, out: int, kernel: int, causal: bool) -> None:
        super().__init__()
        self.padding = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)
        self.convolution = nn.Conv1d(channels, out, kernel)

    def forward(self, frames: Tensor) -> Tensor:
        """Map ``(batch, time, channels)`` to ``(batch, time, out)``."""
        out: Tensor = self.convolution(F.pad(frames.transpose(1, 2), self.padding)).transpose(1, 2)
        return out


def initialise(lstm: nn.LSTM) -> None:
    """Weights as the published network's begin: Glorot's, orthogonal ones between steps, and open forget gates."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            nn.init.zeros_(parameter)
            # gates are input, forget, cell, output; of the two biases, which are added, one opens the second
            if name.startswith("bias_ih"):
                nn.init.ones_(parameter[lstm.hidden_size : 2 * lstm.hidden_size])


class Mel2MelNetwork(nn.Module):
    """Convolution, FiLM, LSTM, FiLM, convolution; nothing else is not linear, but a rectifier where it is asked for.

    Args:
        settings: the network's section.
        rows: of the roll that it reads.
        bands: of the spectrogram.
    """

    def __init__(self, settings: Mel2Mel, rows: int, bands: int) -> None:
        super().__init__()
        width, points, causal = settings.width, settings.embedding, settings.direction == "forward"
        out = width if causal else 2 * width
        self.input = FrameConvolution(rows, width, settings.kernel, causal)
        self.activation = nn.ReLU() if settings.relu else nn.Identity()
        self.first = FiLM(points, width) if settings.film != "second" else None
        self.lstm = nn.LSTM(width, width, settings.layers, batch_first=True, bidirectional=not causal)
        self.second = FiLM(points, out) if settings.film != "first" else None
        self.output = FrameConvolution(out, bands, settings.kernel, causal)
        initialise(self.lstm)
        nn.init.constant_(self.output.convolution.bias, START)  # type: ignore[arg-type]

    def forward(self, rolls: Tensor, timbres: Tensor) -> Tensor:
        """Log-mel spectrograms ``(batch, time, bands)``.

        Args:
            rolls: ``(batch, time, rows)``.
            timbres: ``(batch, embedding)``, or one for each frame.
        """
        hidden = self.activation(self.input(rolls))
        if self.first is not None:
            hidden = self.first(hidden, timbres)
        hidden, _ = self.lstm(hidden)
        if self.second is not None:
            hidden = self.second(hidden, timbres)
        out: Tensor = self.output(hidden)
        return out
