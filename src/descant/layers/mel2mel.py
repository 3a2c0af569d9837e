"""Mel2Mel's layers (Kim, Bittner, Kumar & Bello 2019): from piano rolls and timbres to log-mel spectrograms."""

from dataclasses import dataclass

import torch
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
        self.channels = channels
        self.convolution = nn.Conv1d(channels, out, kernel)

    def forward(self, frames: Tensor) -> Tensor:
        """Map ``(batch, time, channels)`` to ``(batch, time, out)``."""
        out: Tensor = self.convolution(F.pad(frames.transpose(1, 2), self.padding)).transpose(1, 2)
        return out

    def advance(self, frames: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Go on from the frames before these; of a causal one.

        Args:
            frames: ``(batch, time, channels)``.
            before: what the last call returned beside its output; None at the beginning.

        Returns:
            ``(batch, time, out)``, and the last frames, which the next call needs.
        """
        if before is None:
            before = frames.new_zeros(len(frames), self.padding[0], self.channels)
        seen = torch.cat([before, frames], 1)
        out: Tensor = self.convolution(seen.transpose(1, 2)).transpose(1, 2)
        return out, seen[:, seen.shape[1] - self.padding[0] :]


@dataclass(frozen=True)
class Played:
    """What a network that reads forward remembers of what it has played.

    Attributes:
        input: the last frames of the roll.
        lstm: hidden and cell states.
        output: the last frames that the output convolution read.
    """

    input: Tensor
    lstm: tuple[Tensor, Tensor]
    output: Tensor


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
        hidden, _ = self.lstm(self._before(self.input(rolls), timbres))
        out: Tensor = self.output(self._after(hidden, timbres))
        return out

    def advance(self, rolls: Tensor, timbres: Tensor, played: Played | None) -> tuple[Tensor, Played]:
        """Play on from what was played; of a network that reads forward.

        Args:
            rolls: ``(batch, time, rows)``, as few frames as there are.
            timbres: ``(batch, embedding)``, or one for each frame.
            played: what the last call returned; None at the beginning.

        Returns:
            ``(batch, time, bands)``, equal to the same frames of the whole, and what the next call needs.
        """
        before = (None, None, None) if played is None else (played.input, played.lstm, played.output)
        read, last = self.input.advance(rolls, before[0])
        hidden, state = self.lstm(self._before(read, timbres), before[1])
        out, kept = self.output.advance(self._after(hidden, timbres), before[2])
        return out, Played(last, state, kept)

    def _before(self, read: Tensor, timbres: Tensor) -> Tensor:
        hidden: Tensor = self.activation(read)
        return hidden if self.first is None else self.first(hidden, timbres)

    def _after(self, hidden: Tensor, timbres: Tensor) -> Tensor:
        return hidden if self.second is None else self.second(hidden, timbres)
