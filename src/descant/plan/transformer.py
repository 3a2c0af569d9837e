"""Trainings of the family of Jukebox's transformers (Dhariwal et al. 2020): priors of codes, and upsamplers."""

from descant.config.root import Config
from descant.plan.parts import Sequence, Training
from descant.plan.size import transformer_size
from descant.plan.stack import ON, STEPS

# cannot stand in a name of the configuration
GIVEN = "-given-"
# what an upsampler calls the level above
UPPER = "upper"


def prior_training(config: Config, name: str, codes: Sequence) -> Training:
    """The training of a transformer as a prior on codes.

    Args:
        config: the checked configuration.
        name: of the transformer.
        codes: of the coarsest level.
    """
    section = config.transformers[name]
    size = transformer_size(section, codes.classes)
    title = f"{name} prior on {codes.name}"
    return Training(f"{name}{ON}{codes.name}", title, "transformer", {STEPS: codes.name}, section, size)


def upsampler_training(config: Config, name: str, codes: Sequence, upper: Sequence) -> Training:
    """The training of a transformer as an upsampler of codes given those of the level above.

    Args:
        config: the checked configuration.
        name: of the transformer.
        codes: that it draws.
        upper: the level above, whose hop is a multiple.
    """
    section = config.transformers[name]
    size = transformer_size(section, codes.classes, upper.classes, upper.hop // codes.hop)
    title = f"{name} upsampler of {codes.name} given {upper.name}"
    inputs = {STEPS: codes.name, UPPER: upper.name}
    return Training(f"{name}{ON}{codes.name}{GIVEN}{upper.name}", title, "upsampler", inputs, section, size)
