"""``mel2mels:`` networks from scores to mel spectrograms (Kim, Bittner, Kumar & Bello 2019).

The defaults are the published network's; its variants are those of Kim's dissertation (2019, chapter 5).
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from descant.config.networks import Network

Loss = Literal["tanh_log_abs", "log_abs", "abs"]


class Mel2Mel(Network):
    """One network from a piano roll and a point in a space of timbres to a mel spectrogram."""

    inputs: Literal["onsets_and_frames", "onsets", "frames"] = Field(
        "onsets_and_frames", description="what it reads of a score: keys that are struck, keys that are held, or both"
    )
    loss: Loss = Field(
        "tanh_log_abs",
        description="squared error of what is learnt: 'abs', magnitudes; 'log_abs', their logarithm; 'tanh_log_abs', "
        "the hyperbolic tangent of a quarter of that",
    )
    embedding: int = Field(2, ge=1, le=256, description="dimensions of the space of timbres")
    width: int = Field(256, ge=1, le=4096, description="channels of the first convolution, and units of each LSTM")
    kernel: int = Field(1, ge=1, le=15, description="taps of both convolutions over frames, odd")
    relu: bool = Field(False, description="whether a rectifier follows the first convolution")
    film: Literal["both", "first", "second"] = Field(
        "both", description="where the timbre acts: before the LSTM, after it, or both"
    )
    direction: Literal["both", "forward"] = Field(
        "both", description="which way the LSTM reads; 'forward' sees nothing of what comes, and can play live"
    )
    layers: int = Field(1, ge=1, le=8, description="layers of the LSTM, one upon another")

    @model_validator(mode="after")
    def _kernel_is_odd(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}; it must be odd, so that it is centred on its frame")
        return self
