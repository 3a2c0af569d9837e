"""``part_models:`` networks of music in voices: the RMVAE (Vignal 2020), and one with an exact likelihood.

The defaults of the RMVAE are the thesis's where its text or code gives them; the others, and all of the autoregressive
network's, are ours.
"""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from descant.config.networks import Network
from descant.config.parts import STEPS_A_MEASURE

Rate = Annotated[float, Field(ge=0, lt=1)]


class RecurrentShape(NamedTuple):
    """Widths of the RMVAE's recurrent version.

    Attributes:
        frame: dense layers on a sixteenth, encoder first to last; the decoder has them backwards.
        frame_lstm: units each way of the LSTMs over a measure's sixteenths, and how many.
        measure: dense layers on a measure, encoder first to last.
        measure_lstm: units of the LSTMs over measures, and how many.
    """

    frame: tuple[int, ...]
    frame_lstm: tuple[int, int]
    measure: tuple[int, ...]
    measure_lstm: tuple[int, int]


class ConvolutionalShape(NamedTuple):
    """Widths of the RMVAE's convolutional version.

    Attributes:
        channels: of the convolutions over sixteenths and pitches, a group between two halvings.
        measure: dense layers on a measure, encoder first to last.
        measure_lstm: units of the LSTMs over measures, and how many.
    """

    channels: tuple[tuple[int, ...], ...]
    measure: tuple[int, ...]
    measure_lstm: tuple[int, int]


Size = Literal["small", "medium", "large"]
# the thesis writes 16, 32 and 64 units over measures, times its 8 measures and 4 voices
RECURRENT: dict[Size, RecurrentShape] = {
    "small": RecurrentShape((48, 32, 32), (64, 2), (64, 128), (512, 2)),
    "medium": RecurrentShape((64, 48, 32, 48), (128, 2), (256, 256), (1024, 2)),
    "large": RecurrentShape((64, 48, 48, 48, 64), (256, 2), (256, 256, 256), (2048, 3)),
}
# of these the thesis's code gives the small one; the others are twice and four times as wide (ours)
CONVOLUTIONAL: dict[Size, ConvolutionalShape] = {
    "small": ConvolutionalShape(((10, 10), (15, 20), (20, 25)), (36, 36), (768, 2)),
    "medium": ConvolutionalShape(((20, 20), (30, 40), (40, 50)), (72, 72), (1024, 2)),
    "large": ConvolutionalShape(((40, 40), (60, 80), (80, 100)), (144, 144), (2048, 2)),
}


def check_measures(window: int, least: int) -> None:
    """Refuse windows that are no whole number of measures, or too few.

    Raises:
        ValueError: naming the window, and one that fits.
    """
    if window % STEPS_A_MEASURE or window < least * STEPS_A_MEASURE:
        fits = max(least, -(-window // STEPS_A_MEASURE)) * STEPS_A_MEASURE
        raise ValueError(
            f"training.window is {window}, no whole number of measures of {STEPS_A_MEASURE} sixteenths, {least} at "
            f"least; set it to {fits}"
        )


class RMVAE(Network):
    """Recurrent multimodal variational autoencoder: the measures so far to the next one, any voices missing."""

    kind: Literal["rmvae"] = Field("rmvae", description="the kind of network")
    version: Literal["recurrent", "convolutional"] = Field(
        "recurrent", description="what encodes and decodes a voice's measure: LSTMs, or convolutions"
    )
    size: Size = Field("small", description="widths and depths, those of the thesis's three sizes")
    latent: int | None = Field(
        None, ge=1, le=4096, description="dimensions of a measure's latent; empty = its encoder's last width (ours)"
    )
    recurrent_product: bool = Field(
        True, description="whether the product of one measure is one more expert of the next (RPoE)"
    )
    offset: int = Field(
        1, ge=1, le=8, description="measures ahead that it predicts; 2 leaves a measure's time to play along live"
    )
    subsets: int = Field(
        2, ge=0, le=14, description="random sets of voices a step in the loss, beside all voices and each alone"
    )
    kl_weight: float = Field(1.0, ge=0, description="weight of the KL divergence once it has risen")
    kl_from: float = Field(0.01, ge=0, le=1, description="share of the steps after which that weight begins to rise")
    kl_until: float = Field(0.4, ge=0, le=1, description="share of the steps after which it has risen, linearly")
    duration: float = Field(
        1.0,
        ge=0,
        description="polyphonic parts: weight of the squared errors of durations beside the activations' loss",
    )
    scale: float = Field(0.1, ge=0, description="weight of the loss on pitch classes that the measure does not have")
    rhythm: float = Field(0.01, ge=0, description="weight of the loss on sixteenths at which nothing begins")
    semitone: float = Field(0.01, ge=0, description="weight of the loss on pitch classes a semitone apart")
    tone: float = Field(0.01, ge=0, description="weight of the loss on pitch classes a tone apart")
    tritone: float = Field(0.01, ge=0, description="weight of the loss on pitch classes a tritone apart")
    dense_dropout: Rate = Field(0.01, description="share of the dense layers' outputs that are dropped")
    lstm_dropout: Rate = Field(0.001, description="share of the LSTMs' outputs that are dropped")
    convolution_dropout: Rate = Field(0.001, description="share of the convolutions' outputs that are dropped")
    input_noise: Rate = Field(
        0.01, description="chance that a token it reads is replaced by any; the thesis flips bits, 1e-4 of 129 a token"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_measures(self.training.window, self.offset + 1)
        if self.kl_from > self.kl_until:
            raise ValueError(f"kl_from is {self.kl_from:g}, above kl_until, {self.kl_until:g}")
        return self


class AutoregressiveParts(Network):
    """An LSTM over sixteenths that says one voice after another, in any order, given any tokens that are fixed."""

    kind: Literal["autoregressive_parts"] = Field("autoregressive_parts", description="the kind of network")
    width: int = Field(192, ge=1, le=4096, description="units of the LSTM, and width of what it reads")
    layers: int = Field(1, ge=1, le=8, description="layers of the LSTM, one upon another")
    context: int = Field(
        64, ge=1, le=4096, description="units each way of the LSTM that reads the tokens that are fixed, to their end"
    )
    latent: int = Field(
        0, ge=0, le=4096, description="dimensions of a measure's latent, a product of experts; 0 = none"
    )
    kl_weight: float = Field(0.003, ge=0, description="weight of the latents' KL divergence, in nats a token")
    dropout: Rate = Field(0.2, description="share of the LSTM's and the head's outputs that are dropped")
    composed: float = Field(
        0.5, ge=0, le=1, description="share of the windows that are learnt with nothing fixed; the others are filled"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_measures(self.training.window, 1)
        return self


PartModel = Annotated[RMVAE | AutoregressiveParts, Field(discriminator="kind")]
