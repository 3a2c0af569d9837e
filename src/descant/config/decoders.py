"""``decoders:`` WaveNets that draw the audio given a level's codes, as the half of an ADA that draws does.

Users of Jukebox ask for one in place of its finest upsampler where there is little music (its issue 77).
"""

from pydantic import Field

from descant.config.networks import ModulatorShape, Network, WaveNetShape


class WaveNetDecoder(Network):
    """A WaveNet of the audio, given the codes of a level that a VQ-VAE has encoded already."""

    embedding: int = Field(64, ge=1, le=16384, description="dimension of the vector that each code becomes (ours)")
    modulator: ModulatorShape = Field(default_factory=ModulatorShape)
    local_model: WaveNetShape = Field(description="the WaveNet that draws the audio, given what the codes become")
