"""How large networks are: closed forms, so that a training's memory is known before torch is loaded.

The tests hold them against the built networks: parameters to the last one, activations against what autograd keeps.
"""

from dataclasses import dataclass
from math import log2

from descant.config.decoders import WaveNetDecoder
from descant.config.mel2mel import Mel2Mel
from descant.config.networks import ADA, EncoderShape, ModulatorShape, VectorQuantiser, WaveNetShape
from descant.config.transformers import Transformer
from descant.config.vocoders import MelWaveNet, OnePassVocoder
from descant.config.vqvaes import VQVAE

FLOAT_BYTES = 4
# logistic distributions around a linear prediction, and numbers that autograd keeps of what it shows and of the mixture
PREDICTION_PARTS, PREDICTION_KEPT = 4, 74
# of vocoders of one pass: their blocks' taps and inner width, the steps of a Fourier window; their oscillators; numbers
# that autograd keeps of an output of the head, and of a sample for the losses between spectra
CONVNEXT_KERNEL, CONVNEXT_EXPANSION, FOURIER_PARTS = 7, 3, 8
LOWEST_HERTZ, STEPS_PER_OCTAVE, HIGHEST_SHARE = 27.5, 48, 0.98
HEAD_KEPT, SPECTRA_KEPT = 7, 34
# of VQ-VAEs of the waveform: taps, and numbers that autograd keeps of a sample for their losses
VQVAE_KERNEL, WAVEFORM_KEPT, LINEAR_KEPT, LOG_MEL_KEPT = 3, 1, 69, 64
# of transformers: rows of their timing, taps of their conditioner, and how often autograd keeps what heads hold, for
# layers that look along the own block, along its place in all of them, and along the block before
TIMING_ROWS, CONDITIONER_KERNEL, ATTENTION_KEPT = 3 * 64, 3, (6, 6, 4)


@dataclass(frozen=True)
class Size:
    """The size of a network.

    Attributes:
        parameters: trainable numbers.
        kept: numbers that autograd keeps of one step of a window, for the backward pass.
    """

    parameters: int
    kept: float

    def __add__(self, other: "Size") -> "Size":
        return Size(self.parameters + other.parameters, self.kept + other.kept)


def wavenet_size(shape: WaveNetShape, classes: int, conditioning: int = 0, hop: int = 1) -> Size:
    """A WaveNet's size; with conditioning channels it is a local model under codes of a hop."""
    layers, residual, gate, skip = (
        len(shape.dilations),
        shape.residual_channels,
        shape.gate_channels,
        shape.skip_channels,
    )
    half = gate // 2
    parameters = _embedding(shape.input, classes, residual)
    parameters += (shape.start_kernel * residual + 1) * residual
    parameters += layers * (shape.kernel * residual + 1) * gate + (layers - 1) * (half + 1) * residual
    parameters += (layers * half + 1) * skip + (skip + 1) * skip + (skip + 1) * classes
    if conditioning:
        parameters += conditioning * layers * gate + hop * residual
    if shape.linear_prediction:
        parameters += 3 * residual + (skip + 1) * (3 * PREDICTION_PARTS + 1)
    # the taps of every convolution (narrow ones on a CPU keep fewer), both halves of every gate, the gated outputs
    # twice, the head's, the logits'
    kept = shape.start_kernel * residual + layers * (shape.kernel * residual + gate + half) + (layers - 1) * half
    # and the step itself, an int64
    kept += 2 * skip + classes + 2 + (PREDICTION_KEPT if shape.linear_prediction else 0)
    return Size(parameters, kept)


def ada_size(settings: ADA, classes: int) -> Size:
    """The size of an encoder, its bottleneck, modulator and local model."""
    bottleneck, modulator = settings.bottleneck, settings.modulator
    width = bottleneck.query_dim
    size = _encoder_size(settings.encoder, classes, settings.hop, width)
    if isinstance(bottleneck, VectorQuantiser) and bottleneck.codebook_update == "loss":
        size += Size(bottleneck.classes * width, 0)
    size += _modulator_size(modulator, width, settings.hop)
    return size + wavenet_size(settings.local_model, classes, modulator.channels, settings.hop)


def wavenet_decoder_size(settings: WaveNetDecoder, classes: int, upper_classes: int, hop: int) -> Size:
    """The size of a WaveNet given codes of so many classes, one for each hop."""
    # of each code its number, an int64
    size = Size(upper_classes * settings.embedding, 2 / hop)
    size += _modulator_size(settings.modulator, settings.embedding, hop)
    return size + wavenet_size(settings.local_model, classes, settings.modulator.channels, hop)


def _modulator_size(shape: ModulatorShape, width: int, hop: int) -> Size:
    blocks = shape.blocks * _block_parameters(shape.channels, shape.kernel)
    kept = (width + (2 * shape.blocks + 1) * shape.channels) / hop
    return Size((width + 1) * shape.channels + blocks, kept)


def vqvae_size(settings: VQVAE) -> Size:
    """The size of an encoder and a decoder of the waveform; a codebook that learns by averages has no parameters."""
    channels, width, stages = settings.channels, settings.codebook.dimension, int(log2(settings.hop))
    parameters = (4 + 1) * channels + (stages - 1) * (4 * channels + 1) * channels
    parameters += 2 * stages * settings.depth * _block_parameters(channels, VQVAE_KERNEL)
    parameters += (VQVAE_KERNEL * channels + 1) * width + (VQVAE_KERNEL * width + 1) * channels
    parameters += stages * (4 * channels + 1) * channels + VQVAE_KERNEL * channels + 1
    # of each stage, at its rate, what comes in and two tensors a block; the decoder mirrors the encoder
    rates = sum(0.5 ** (stage + 1) for stage in range(stages))
    kept = 1 + 2 * rates * (2 * settings.depth + 1) * channels + channels
    losses = settings.loss
    kept += WAVEFORM_KEPT + (losses.spectral > 0) * (LOG_MEL_KEPT if losses.spectrum == "log_mel" else LINEAR_KEPT)
    return Size(parameters, kept + (1 + 2 * settings.codebook.quantisers) * width / settings.hop)


def mel2mel_size(settings: Mel2Mel, rows: int, bands: int, instruments: int) -> Size:
    """The size of a Mel2Mel.

    Args:
        settings: its section.
        rows: of the roll: as many for keys that are struck as for those that are held.
        bands: of the spectrogram.
        instruments: how many have a timbre.
    """
    width, points, both = settings.width, settings.embedding, settings.direction == "both"
    ways = 2 if both else 1
    read, out = rows if settings.inputs == "onsets_and_frames" else rows // 2, ways * width
    parameters = instruments * points + (settings.kernel * read + 1) * width + (settings.kernel * out + 1) * bands
    modulated = (width if settings.film != "second" else 0) + (out if settings.film != "first" else 0)
    parameters += 2 * (points + 1) * modulated
    # the roll, all of it where none is padded, what FiLM modulates, both spectrograms as they are compared
    kept = (rows if settings.kernel == 1 else read) + modulated + 2 * bands + width
    for layer in range(settings.layers):
        below = out if layer else width
        parameters += ways * 4 * width * (below + width + 2)
        # its output, its gates and states, and what they were made of; two ways are joined
        kept += ways * (10 * width + 6 * below) + (out if both else 0)
    return Size(parameters, kept)


def mel_wavenet_size(settings: MelWaveNet, classes: int, bands: int, step: int) -> Size:
    """The size of a WaveNet vocoder, for frames ``step`` samples apart."""
    upsampling, width = settings.upsampling, settings.upsampling.channels
    # what the layers are conditioned on, at the rate of the last convolution
    size, channels, rate = Size(0, width * upsampling.factor / step), bands, 1
    for stride in upsampling.strides:
        # of each convolution its inputs, of each but the first before and after the rectifier
        kept = (1 if rate == 1 else 2) * channels * rate / step
        size += Size(2 * stride * channels * width + width, kept)
        channels, rate = width, rate * stride
    return size + wavenet_size(settings.local_model, classes, width, step // upsampling.factor)


def one_pass_size(settings: OnePassVocoder, bands: int, step: int, sample_rate: int, roll_rows: int = 0) -> Size:
    """The size of a vocoder of one pass, for frames ``step`` samples apart; see its system."""
    width = settings.channels
    outputs = 2 * (FOURIER_PARTS * step // 2 + 1)
    if settings.head == "oscillators":
        octaves = log2(HIGHEST_SHARE * sample_rate / 2 / LOWEST_HERTZ)
        outputs = 2 * (int(octaves * STEPS_PER_OCTAVE) + 1) + step + 1
    convolution = CONVNEXT_KERNEL * width + width
    block = convolution + 2 * width + 2 * CONVNEXT_EXPANSION * width * width + (CONVNEXT_EXPANSION + 2) * width
    start = CONVNEXT_KERNEL * (bands + roll_rows) * width + width
    parameters = start + 4 * width + settings.blocks * block + (width + 1) * outputs
    frame = bands + roll_rows + 4 * width + settings.blocks * (5 + 2 * CONVNEXT_EXPANSION) * width + HEAD_KEPT * outputs
    return Size(parameters, frame / step + SPECTRA_KEPT)


def transformer_size(settings: Transformer, classes: int, upper_classes: int = 0, ratio: int = 1) -> Size:
    """A transformer's size; its labels' rows, whose number only the corpus says, are left out.

    Args:
        settings: its section.
        classes: of the codes that it draws.
        upper_classes: of the level above; 0 for a prior.
        ratio: codes that it draws to one of the level above.
    """
    width, heads, mlp = settings.width, settings.attention_width, settings.mlp_width
    layer = 4 * width + (width + 1) * 3 * heads + (heads + 1) * width + (width + 1) * mlp + (mlp + 1) * width
    parameters = settings.layers * layer + (2 * classes + 3) * width + classes
    # both norms' inputs and outputs, the MLP's units three times; at the top the norm, the logits, the step twice
    kept: float = 2 * width + classes + 4
    for number in range(settings.layers):
        # rotations are kept once for all layers of a way, two for those whose keys are turned otherwise
        turned = settings.attention_width // settings.heads * (2 if number == 2 else 1) if number < 3 else 0
        kept += 4 * width + 3 * mlp + ATTENTION_KEPT[number % 3] * heads + settings.heads + 4 + turned
    size = Size(parameters, kept)
    if upper_classes:
        channels, blocks = settings.conditioner.channels, settings.conditioner.blocks
        weights = upper_classes * channels + blocks * _block_parameters(channels, CONDITIONER_KERNEL)
        size += Size(weights + 2 * ratio * channels * width + 3 * width, width + 2)
        size += Size(0, ((2 * blocks + 1) * channels + 2) / ratio)
    elif settings.timing:
        size += Size(TIMING_ROWS * width, 4)
    return size


def _encoder_size(shape: EncoderShape, classes: int, hop: int, width: int) -> Size:
    channels, stages = shape.channels, int(log2(hop))
    parameters = _embedding(shape.input, classes, channels) + (channels + 1) * width
    parameters += stages * (4 * channels + 1) * channels
    parameters += (stages * shape.blocks_per_stage + shape.blocks) * _block_parameters(channels, shape.kernel)
    # each halving keeps its input, each block two tensors at its rate
    kept = sum((1 + shape.blocks_per_stage) * channels * 0.5**stage for stage in range(stages))
    return Size(parameters, kept + ((2 * shape.blocks + 1) * channels + 3 * width) / hop)


def _embedding(kind: str, classes: int, channels: int) -> int:
    return (classes if kind == "embedding" else 2) * channels


def _block_parameters(channels: int, kernel: int) -> int:
    return (kernel * channels + 1) * channels + (channels + 1) * channels
