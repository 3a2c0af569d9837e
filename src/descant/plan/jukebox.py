"""The family of Jukebox (Dhariwal et al. 2020): levels that each encode the waveform by themselves.

A level is one training, whatever row it stands in; its codes are a sequence of its name. A prior draws the coarsest
level's codes, upsamplers those below, and the last level drawn is decoded by its own VQ-VAE.
"""

from descant.config.models import JukeboxRow
from descant.config.root import WAVEFORM, Config
from descant.config.transformers import check_slides
from descant.plan.parts import Draw, Likelihood, Part, Rendering, Route, Sequence, Training
from descant.plan.size import vqvae_size
from descant.plan.transformer import prior_training, upsampler_training

# of a 16-bit sample
SAMPLE_BYTES = 2


def plan_row(config: Config, name: str, model: JukeboxRow, audio: Sequence) -> Part:
    """Plan a row of the family.

    Args:
        config: the checked configuration.
        name: of the row.
        model: its section.
        audio: the sequence of every corpus, beside whose waveform the levels' codes stand.

    Raises:
        ConfigError: when windows of ``sampling.slides`` would begin within a code of the level above.
    """
    waveform = Sequence(WAVEFORM, audio.hop, 0, step_bytes=SAMPLE_BYTES)
    planned = [plan_level(config, level, waveform) for level in model.levels]
    trainings = tuple(training for training, _ in planned)
    codes = tuple(sequence for _, sequence in planned)
    renderings = tuple(
        Rendering(f"decoded-{training.name}", training.name, codes.name, training.name, of_codes=True)
        for training, codes in planned
    )
    if model.prior is None:
        route = Route(name, tuple(training.name for training in trainings), sequences=tuple(one.name for one in codes))
        return Part(route, (waveform, *codes), trainings, (), renderings)
    networks = [config.transformers[one] for one in (*model.upsamplers, model.prior)]
    drawn = codes[len(codes) - len(networks) :]
    slides = config.sampling.slides[len(codes) - len(networks) :]
    check_slides(slides, [network.context for network in networks], [one.hop for one in drawn])
    drawing = [prior_training(config, model.prior, codes[-1])]
    likelihoods = [Likelihood(drawing[0].name, drawing[0].name, codes[-1].name)]
    # downwards, each given the level above; of a row without upsamplers the coarsest level alone
    for upsampler, fine, coarse in reversed(list(zip(model.upsamplers, codes, codes[1:], strict=False))):
        training = upsampler_training(config, upsampler, fine, coarse)
        drawing.append(training)
        likelihoods.append(Likelihood(training.name, training.name, fine.name, coarse.name))
    samples = round(config.sampling.seconds * config.audio.sample_rate)
    top = len(codes)
    heard = round(min(model.branch.seconds, config.sampling.seconds) * config.audio.sample_rate)
    draws = tuple(
        Draw(level, training.name, -(-samples // codes[level - 1].hop), None if level == top else level + 1)
        for level, training in zip(range(top, 0, -1), drawing, strict=False)
    )
    decoder = trainings[draws[-1].level - 1]
    route = Route(
        name,
        (*(training.name for training in drawing), *(training.name for training in trainings)),
        draws,
        tuple(one.name for one in codes),
        tuple(likelihood.name for likelihood in reversed(likelihoods)),
        config.transformers[model.prior].context * codes[-1].hop,
        decoder.name,
        Draw(top, drawing[0].name, -(-heard // codes[-1].hop)),
    )
    return Part(route, (waveform, *codes), (*trainings, *drawing), tuple(likelihoods), renderings)


def plan_level(config: Config, name: str, waveform: Sequence) -> tuple[Training, Sequence]:
    """The training of a level, and the sequence of its codes.

    Args:
        config: the checked configuration.
        name: of ``vqvaes``.
        waveform: that it learns.
    """
    settings = config.vqvaes[name]
    classes, quantisers = settings.codebook.classes, settings.codebook.quantisers
    channels = quantisers if quantisers > 1 else 0
    # in the smallest unsigned type that holds them
    code_bytes = (1 if classes <= 1 << 8 else 2) * quantisers
    codes = Sequence(
        name, waveform.hop * settings.hop, classes, 1, waveform.name, name, channels=channels, step_bytes=code_bytes
    )
    title = f"{name}, waveform to codes and back"
    return Training(name, title, "vqvae", {WAVEFORM: waveform.name}, settings, vqvae_size(settings), name), codes
