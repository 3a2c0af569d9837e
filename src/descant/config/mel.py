"""``mel:`` the mel spectrograms that networks learn."""

from typing import Self

from pydantic import Field, model_validator

from descant.config.base import Section

# the sequences of frames, and the streams of what learns them
MEL, ROLL = "mel", "roll"


class Mel(Section):
    """``mel:`` log-mel spectrograms of the recordings; the values are those of Mel2Mel (Kim et al. 2019)."""

    bands: int = Field(80, ge=1, le=1024, description="triangular bands of equal area, from 0 to half the sample rate")
    window: int = Field(1024, ge=16, le=1 << 16, description="length of a frame's Hann window, samples; even")
    step: int = Field(128, ge=1, le=1 << 16, description="samples from one frame to the next; rolls have them too")
    floor_db: float = Field(-100.0, ge=-300, le=0, description="softer magnitudes are raised to it, dB")

    @model_validator(mode="after")
    def _frames_meet(self) -> Self:
        if self.window % 2:
            raise ValueError(f"window is {self.window}; it must be even, so that a frame is centred on a sample")
        if self.step > self.window:
            raise ValueError(f"step is {self.step}, longer than window, {self.window}: what lies between would be lost")
        return self
