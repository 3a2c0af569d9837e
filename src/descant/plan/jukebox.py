"""The family of Jukebox (Dhariwal et al. 2020): levels that each encode the waveform by themselves.

A level is one training, whatever row it stands in; its codes are a sequence of its name. A prior draws the coarsest
level's codes, upsamplers those below, and the last level drawn is decoded by its own VQ-VAE, or by a WaveNet that draws
the audio given its codes.
"""

from descant.config.models import JukeboxRow
from descant.config.root import WAVEFORM, Config
from descant.config.transformers import check_slides
from descant.plan.parts import Draw, Likelihood, Part, Rendering, Route, Sequence, Training
from descant.plan.size import vqvae_size, wavenet_decoder_size
from descant.plan.stack import STEPS, beside
from descant.plan.transformer import GIVEN, UPPER, prior_trainings, upsampler_training

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
    priors = prior_trainings(config, model.prior, codes[-1])
    drawing = [next(one for one in priors if one.until == model.prior_step)]
    likelihoods = [Likelihood(drawing[0].name, drawing[0].name, codes[-1].name)]
    # downwards, each given the level above; of a row without upsamplers the coarsest level alone
    for upsampler, fine, coarse in reversed(list(zip(model.upsamplers, codes, codes[1:], strict=False))):
        training = upsampler_training(config, upsampler, fine, coarse)
        drawing.append(training)
        likelihoods.append(Likelihood(training.name, training.name, fine.name, coarse.name))
    finest = codes[0] if model.upsamplers else codes[-1]
    sequences, decoder = codes, finest.encoded_by
    read: tuple[Sequence, ...] = ()
    if model.decoder is not None:
        training, read = decoder_training(config, model.decoder, audio, finest)
        drawing.append(training)
        likelihoods.append(Likelihood(training.name, training.name, audio.name, finest.name))
        sequences, decoder = (audio, *codes), None
    samples = round(config.sampling.seconds * config.audio.sample_rate)
    top = len(codes)
    heard = round(min(model.branch.seconds, config.sampling.seconds) * config.audio.sample_rate)
    hops = [audio.hop, *(one.hop for one in codes)]
    # of the audio where it is drawn too
    levels = [*range(top, top - len(networks), -1), *([] if model.decoder is None else [0])]
    draws = tuple(
        Draw(level, training.name, -(-samples // hops[level]), above)
        for level, training, above in zip(levels, drawing, [None, *levels], strict=False)
    )
    route = Route(
        name,
        (*(training.name for training in drawing), *(training.name for training in trainings)),
        draws,
        tuple(one.name for one in sequences),
        tuple(likelihood.name for likelihood in reversed(likelihoods)),
        config.transformers[model.prior].context * codes[-1].hop,
        decoder,
        Draw(top, drawing[0].name, -(-heard // codes[-1].hop)),
    )
    return Part(route, (waveform, *codes, *read), (*trainings, *priors, *drawing), tuple(likelihoods), renderings)


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


def decoder_training(
    config: Config, name: str, audio: Sequence, codes: Sequence
) -> tuple[Training, tuple[Sequence, ...]]:
    """The training of a WaveNet of the audio given a level's codes, and the sequences that it reads beside these.

    Args:
        config: the checked configuration.
        name: of ``decoders``.
        audio: that it draws.
        codes: of the level.
    """
    settings = config.decoders[name]
    read = beside(audio, settings.local_model)
    size = wavenet_decoder_size(settings, audio.classes, codes.classes, codes.hop)
    inputs = {STEPS: audio.name} | {stream: made.name for stream, made in read.items()} | {UPPER: codes.name}
    title = f"{name} decoder of {codes.name}"
    training = Training(f"{name}{GIVEN}{codes.name}", title, "wavenet_decoder", inputs, settings, size)
    return training, tuple(read.values())
