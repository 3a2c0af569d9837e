"""How large networks of music in voices are: closed forms, as in :mod:`descant.plan.size`.

The tests hold parameters against the built networks to the last one, and activations roughly: these are estimates.
"""

from collections.abc import Sequence
from itertools import pairwise

from descant.config.part_models import CONVOLUTIONAL, RECURRENT, RMVAE, AutoregressiveParts
from descant.plan.size import Size
from descant.scores.parts import MEASURE
from descant.scores.polyphony import DURATIONS, planes_of

KERNEL = 5
# of an output of a dense layer autograd keeps what the rectifier gives, what is dropped of it, and what is left
DENSE_KEPT = 3


def rmvae_size(settings: RMVAE, voices: int, classes: int) -> Size:
    """The size of an RMVAE of so many classes, or durations, for windows whose sets of voices are decoded at once."""
    recurrent = settings.version == "recurrent"
    shape = RECURRENT[settings.size] if recurrent else CONVOLUTIONAL[settings.size]
    latent, (units, layers) = settings.latent or shape.measure[-1], shape.measure_lstm
    encoder, decoder = (_recurrent if recurrent else _convolutional)(settings, units, classes)
    expert = Size(2 * (shape.measure[-1] + 1) * latent, 6 * latent / MEASURE)
    sets = 1 + (voices if voices > 1 else 0) + (settings.subsets if voices > 2 else 0)
    decoded = _lstm(latent, units, layers, 1)
    for _ in range(voices):
        encoder_of_one = encoder + expert
        decoded += Size(decoder.parameters, decoder.kept * MEASURE)
        # the experts themselves are read once, their products for every set
        decoded += Size(encoder_of_one.parameters, encoder_of_one.kept * MEASURE / sets + 6 * latent)
    return Size(decoded.parameters + 2 * latent, sets * decoded.kept / MEASURE)


def autoregressive_size(settings: AutoregressiveParts, voices: int, classes: int) -> Size:
    """The size of an autoregressive network of voices."""
    width, units = settings.width, settings.context
    table = voices * (classes + 1)
    # tokens before, sounding, both for the head; places twice; voices
    parameters = 4 * table * width + 2 * MEASURE * width + voices * width
    parameters += 2 * (2 * units + 1) * width + (width + 1) * width + (width + 1) * classes
    parameters += 2 * table * 2 * units + MEASURE * 2 * units
    dropped = DENSE_KEPT if settings.dropout else 1
    size = Size(parameters, voices * (dropped * width + classes + voices) + (dropped + 1) * width)
    size += _lstm(width, width, settings.layers, 1) + _lstm(2 * units, units, 1, 2)
    if settings.latent:
        latent = settings.latent
        both = 2 * (classes + 1) + voices
        expert, past = Size(2 * (2 * units + 1) * latent, 0), _lstm(latent, width, 1, 1)
        reader = _lstm(2 * units, units, 1, 2)
        size += Size(both * 2 * units + 2 * latent + (latent + 1) * width, 0) + expert
        size += Size(reader.parameters, voices * reader.kept)
        size += Size(past.parameters, (past.kept + 12 * voices * latent) / MEASURE)
    return size


def _lstm(below: int, units: int, layers: int, ways: int) -> Size:
    """LSTMs one upon another; kept are numbers of each step."""
    parameters, kept = 0, 0
    for layer in range(layers):
        read = ways * units if layer else below
        parameters += ways * 4 * units * (read + units + 2)
        # its gates, states and output, and what they are made of; two ways are joined
        kept += ways * (10 * units + 6 * read) + (ways * units if ways > 1 else 0)
    return Size(parameters, kept)


def _dense(below: int, widths: Sequence[int]) -> Size:
    parameters = sum((one + 1) * other for one, other in pairwise((below, *widths)))
    return Size(parameters, DENSE_KEPT * sum(widths))


def _a_measure(size: Size) -> Size:
    """What is kept of a measure, shared by its steps."""
    return Size(size.parameters, size.kept / MEASURE)


def _recurrent(settings: RMVAE, channels: int, classes: int) -> tuple[Size, Size]:
    """A voice's encoder and decoder."""
    shape = RECURRENT[settings.size]
    units, layers = shape.frame_lstm
    # a table of tokens, or a dense layer on rolls
    first = (classes + (classes == DURATIONS)) * shape.frame[0]
    encoder = Size(first, DENSE_KEPT * shape.frame[0]) + _dense(shape.frame[0], shape.frame[1:])
    encoder += _lstm(shape.frame[-1], units, layers, 2) + _a_measure(_dense(2 * units, shape.measure))
    decoder = _a_measure(_dense(channels, shape.measure[::-1])) + Size(MEASURE * shape.measure[0], 0)
    decoder += _lstm(shape.measure[0], units, layers, 2) + _dense(2 * units, shape.frame[::-1])
    return encoder, decoder + _head(shape.frame[0], classes)


def _convolutional(settings: RMVAE, channels: int, classes: int) -> tuple[Size, Size]:
    shape = CONVOLUTIONAL[settings.size]
    groups = len(shape.channels)
    widths, halved = [width for group in shape.channels for width in group], 2**groups
    taps, group = KERNEL**2, len(shape.channels[0])
    count, across = planes_of(classes)
    parameters, kept = 0, 0.0
    for number, (below, width) in enumerate(pairwise((count, *widths))):
        parameters += (taps * below + 1) * width
        # a plane of each sixteenth, halved both ways after each group
        kept += DENSE_KEPT * width * across / 4 ** (number // group)
    left = widths[-1] * (MEASURE // halved) * (across // halved)
    encoder = Size(parameters, kept + count * across) + _a_measure(_dense(left, shape.measure))
    rows = -(-across // halved)
    parameters, kept = 0, 0.0
    for number, (below, width) in enumerate(pairwise((*widths[::-1], count))):
        parameters += (taps * below + 1) * width
        kept += (
            (DENSE_KEPT * width + (below if number % group == 0 else 0))
            * rows
            * halved
            / 4 ** (groups - 1 - number // group)
        )
    planes = widths[-1] * (MEASURE // halved) * rows
    decoder = _a_measure(_dense(channels, (*shape.measure[::-1], planes))) + Size(parameters, kept)
    return encoder, decoder + _head(count * rows * halved, count * across)


def _head(below: int, classes: int) -> Size:
    """The outputs, and what their probabilities are made of."""
    return Size((below + 1) * classes, 3 * classes)
