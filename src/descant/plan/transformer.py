"""Trainings of the family of Jukebox's transformers (Dhariwal et al. 2020): priors of codes, and upsamplers."""

from dataclasses import replace

from descant.config.root import Config
from descant.plan.parts import Sequence, Training
from descant.plan.size import transformer_size
from descant.plan.stack import ON, STEPS

# neither can stand in a name of the configuration
GIVEN, AT = "-given-", "-at-"
# what an upsampler calls the level above
UPPER = "upper"


def prior_trainings(config: Config, name: str, codes: Sequence) -> tuple[Training, ...]:
    """The training of a transformer as a prior on codes: one for each step that is kept, and the last.

    All are one run, which pauses at the steps that are kept and goes on.

    Args:
        config: the checked configuration.
        name: of the transformer.
        codes: of the coarsest level.
    """
    section = config.transformers[name]
    size = transformer_size(section, codes.classes)
    whole = Training(
        f"{name}{ON}{codes.name}", f"{name} prior on {codes.name}", "transformer", {STEPS: codes.name}, section, size
    )
    parts: list[Training] = []
    for step in (*section.training.keep, None):
        before = parts[-1] if parts else None
        part = whole if before is None else replace(whole, first=before.last, before=before.name)
        if step is not None:
            part = replace(
                part,
                name=f"{name}{AT}{step}{ON}{codes.name}",
                title=f"{whole.title} after {step} steps",
                until=step,
                run=whole.name,
            )
        parts.append(part)
    return tuple(parts)


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
