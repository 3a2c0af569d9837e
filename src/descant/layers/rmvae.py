"""The RMVAE's layers (Vignal 2020): a voice's measure to an expert, and a latent back to measures."""

from itertools import pairwise
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.config.part_models import CONVOLUTIONAL, RECURRENT, RMVAE
from descant.layers.dropout import Dense, dropped
from descant.layers.experts import Expert, ProductOfExperts
from descant.layers.parts import softmax_and_continue
from descant.layers.polyphony import RollEmbedding, activation_and_duration, features
from descant.scores.parts import MEASURE
from descant.scores.polyphony import DURATIONS, planes_of

KERNEL = 5


class RecurrentEncoder(nn.Module):
    """Dense on each sixteenth, LSTMs both ways over a measure, their last states, dense on these."""

    def __init__(self, settings: RMVAE, classes: int) -> None:
        super().__init__()
        shape = RECURRENT[settings.size]
        units, layers = shape.frame_lstm
        self.lstm_dropout, self.dense_dropout = settings.lstm_dropout, settings.dense_dropout
        # a dense layer on a one-hot vector
        embedding = RollEmbedding(shape.frame[0]) if classes == DURATIONS else nn.Embedding(classes, shape.frame[0])
        self.embedding: nn.Module = embedding
        self.frames = Dense(shape.frame[0], shape.frame[1:], settings.dense_dropout)
        self.lstm = nn.LSTM(shape.frame[-1], units, layers, batch_first=True, bidirectional=True)
        self.measure = Dense(2 * units, shape.measure, settings.dense_dropout)

    def forward(self, tokens: Tensor, noise: torch.Generator | None) -> Tensor:
        """Vectors ``(measures, width)`` of int64 ``(measures, 16)``, or of rolls ``(measures, 16, 128)``."""
        frames = dropped(F.relu(self.embedding(tokens)), self.dense_dropout, noise)
        _, (last, _) = self.lstm(self.frames(frames, noise))
        both_ways = torch.cat([last[-2], last[-1]], -1)
        out: Tensor = self.measure(dropped(both_ways, self.lstm_dropout, noise), noise)
        return out


class RecurrentDecoder(nn.Module):
    """Dense on a measure, LSTMs both ways over its sixteenths, dense on each, the head's outputs.

    Each sixteenth reads the measure's vector and a learnt one of its place (ours).
    """

    def __init__(self, settings: RMVAE, channels: int, classes: int) -> None:
        super().__init__()
        shape = RECURRENT[settings.size]
        units, layers = shape.frame_lstm
        self.lstm_dropout = settings.lstm_dropout
        self.measure = Dense(channels, shape.measure[::-1], settings.dense_dropout)
        self.place = nn.Parameter(torch.randn(MEASURE, shape.measure[0]))
        self.lstm = nn.LSTM(shape.measure[0], units, layers, batch_first=True, bidirectional=True)
        self.frames = Dense(2 * units, shape.frame[::-1], settings.dense_dropout)
        self.output = nn.Linear(shape.frame[0], prod(planes_of(classes)))

    def forward(self, measures: Tensor, noise: torch.Generator | None) -> Tensor:
        """Outputs ``(measures, 16, classes)``, or of rolls ``(measures, 16, 256)``, of ``(measures, channels)``."""
        read = self.measure(measures, noise)[:, None] + self.place
        frames, _ = self.lstm(read)
        out: Tensor = self.output(self.frames(dropped(frames, self.lstm_dropout, noise), noise))
        return out


class ConvolutionalEncoder(nn.Module):
    """Convolutions over sixteenths and pitches, the size halved after each group, dense on what is left."""

    def __init__(self, settings: RMVAE, classes: int) -> None:
        super().__init__()
        shape = CONVOLUTIONAL[settings.size]
        self.classes, self.rate = classes, settings.convolution_dropout
        count, across = planes_of(classes)
        widths = [count, *(width for group in shape.channels for width in group)]
        self.layers = nn.ModuleList(
            nn.Conv2d(below, width, KERNEL, padding=KERNEL // 2) for below, width in pairwise(widths)
        )
        self.group = len(shape.channels[0])
        halved = 2 ** len(shape.channels)
        left = widths[-1] * (MEASURE // halved) * (across // halved)
        self.measure = Dense(left, shape.measure, settings.dense_dropout)

    def forward(self, tokens: Tensor, noise: torch.Generator | None) -> Tensor:
        """Vectors ``(measures, width)`` of int64 ``(measures, 16)``, or of rolls ``(measures, 16, 128)``."""
        is_roll = self.classes == DURATIONS
        planes = features(tokens).transpose(1, 2) if is_roll else F.one_hot(tokens, self.classes).float()[:, None]
        for number, layer in enumerate(self.layers, start=1):
            planes = dropped(F.relu(layer(planes)), self.rate, noise)
            if number % self.group == 0:
                planes = F.max_pool2d(planes, 2)
        out: Tensor = self.measure(planes.flatten(1), noise)
        return out


class ConvolutionalDecoder(nn.Module):
    """Dense on a measure, transposed convolutions that double its size, and one dense layer on each sixteenth."""

    def __init__(self, settings: RMVAE, channels: int, classes: int) -> None:
        super().__init__()
        shape = CONVOLUTIONAL[settings.size]
        self.rate, self.group = settings.convolution_dropout, len(shape.channels[0])
        halved = 2 ** len(shape.channels)
        widths = [width for group in shape.channels for width in group][::-1]
        count, across = planes_of(classes)
        # rows enough for all of them once they are doubled
        self.start = (widths[0], MEASURE // halved, -(-across // halved))
        self.measure = Dense(channels, shape.measure[::-1], settings.dense_dropout)
        self.planes = nn.Linear(shape.measure[0], widths[0] * self.start[1] * self.start[2])
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(below, width, KERNEL, padding=KERNEL // 2)
            for below, width in zip(widths, [*widths[1:], count], strict=True)
        )
        self.output = nn.Linear(count * halved * self.start[2], count * across)

    def forward(self, measures: Tensor, noise: torch.Generator | None) -> Tensor:
        """Outputs ``(measures, 16, classes)``, or of rolls ``(measures, 16, 256)``, of ``(measures, channels)``."""
        planes = F.relu(self.planes(self.measure(measures, noise))).view(-1, *self.start)
        for number, layer in enumerate(self.layers):
            if number % self.group == 0:
                planes = F.interpolate(planes, scale_factor=2.0)
            planes = layer(planes)
            # a rectifier on the channels that are left could silence all of it
            if number + 1 < len(self.layers):
                planes = dropped(F.relu(planes), self.rate, noise)
        out: Tensor = self.output(planes.transpose(1, 2).flatten(2))
        return out


class RMVAENetwork(nn.Module):
    """Encoders of voices, a product of their experts, LSTMs over measures, decoders of voices.

    Args:
        settings: the network's section.
        voices: how many.
        classes: of the tokens, or durations of rolls.
    """

    def __init__(self, settings: RMVAE, voices: int, classes: int) -> None:
        super().__init__()
        self.head = activation_and_duration if classes == DURATIONS else softmax_and_continue
        recurrent = settings.version == "recurrent"
        shape = RECURRENT[settings.size] if recurrent else CONVOLUTIONAL[settings.size]
        encoder = RecurrentEncoder if recurrent else ConvolutionalEncoder
        decoder = RecurrentDecoder if recurrent else ConvolutionalDecoder
        latent, (units, layers) = settings.latent or shape.measure[-1], shape.measure_lstm
        self.recurrent_product, self.lstm_dropout = settings.recurrent_product, settings.lstm_dropout
        self.encoders = nn.ModuleList(encoder(settings, classes) for _ in range(voices))
        self.experts = nn.ModuleList(Expert(shape.measure[-1], latent) for _ in range(voices))
        self.product = ProductOfExperts(latent)
        self.lstm = nn.LSTM(latent, units, layers, batch_first=True)
        self.decoders = nn.ModuleList(decoder(settings, units, classes) for _ in range(voices))

    def expert_opinions(self, tokens: Tensor, noise: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Means and deviations ``(batch, measures, voices, latent)`` of ``(batch, measures, 16, voices, …)``."""
        batch, measures = tokens.shape[:2]
        said = [
            expert(encoder(tokens[:, :, :, voice].flatten(0, 1), noise))
            for voice, (encoder, expert) in enumerate(zip(self.encoders, self.experts, strict=True))
        ]
        means, deviations = (torch.stack([one[part] for one in said], 1) for part in (0, 1))
        form = batch, measures, *means.shape[1:]
        return means.view(form), deviations.view(form)

    def posterior(self, means: Tensor, deviations: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation ``(batch, measures, latent)`` of the voices that a mask keeps."""
        product = self.product.recurrent if self.recurrent_product else self.product
        out: tuple[Tensor, Tensor] = product(means, deviations, mask)
        return out

    def decode(self, latents: Tensor, noise: torch.Generator | None) -> Tensor:
        """What is said of the measures that are ``offset`` after those of the latents.

        Args:
            latents: ``(batch, measures, latent)``; what is said after one depends on it and those before.
            noise: of dropout; None without.

        Returns:
            Log-probabilities ``(batch, measures, 16, voices, classes)``; or of rolls ``(…, 2, 128)``, see
            :func:`~descant.layers.polyphony.activation_and_duration`.
        """
        hidden, _ = self.lstm(latents)
        measures = dropped(hidden, self.lstm_dropout, noise).flatten(0, 1)
        outputs = torch.stack([decoder(measures, noise) for decoder in self.decoders], 2)
        said = self.head(outputs)
        return said.view(*latents.shape[:2], *said.shape[1:])
