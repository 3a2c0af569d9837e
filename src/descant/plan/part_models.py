"""The family of music in voices: a row is a network that learns the parts of scores."""

from descant.config.models import PartsRow
from descant.config.part_models import RMVAE
from descant.config.parts import PARTS
from descant.config.root import Config
from descant.plan.part_size import autoregressive_size, rmvae_size
from descant.plan.parts import Part, Route, Sequence, Training
from descant.plan.stack import ON
from descant.scores.forms import FORMS


def plan_row(config: Config, name: str, model: PartsRow, audio: Sequence) -> Part:
    """Plan a row of the family.

    Args:
        config: the checked configuration.
        name: of the row.
        model: its section.
        audio: the sequence of every corpus, which such a row does not read.
    """
    settings = config.part_models[model.part_model]
    form, voices = FORMS[config.parts.form], config.parts.voices
    channels = form.channels(voices)
    parts = Sequence(PARTS, 1, form.classes, channels=channels, step_bytes=channels, unit="quarter")
    size = (
        rmvae_size(settings, voices, form.classes)
        if isinstance(settings, RMVAE)
        else autoregressive_size(settings, voices, form.classes)
    )
    title = f"{model.part_model}, music in voices"
    training = Training(f"{model.part_model}{ON}{PARTS}", title, settings.kind, {PARTS: PARTS}, settings, size)
    return Part(Route(name, (training.name,)), (parts,), (training,), ())
