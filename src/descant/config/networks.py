"""``wavenets:`` and ``adas:`` the networks' shapes.

The paper gives hops, receptive fields and the losses' form; widths, codebook size, loss weights and jitter
are not published where we could read them: every default below is ours unless its description names a source.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from descant.config.base import Section
from descant.config.population import Population
from descant.config.training import Training


class Perturbation(Section):
    """Noise in the past that a network learns from: without it, what is drawn drifts away from music.

    A network that has only seen true pasts does not know what to do with its own, which differ a little more at every
    step. What is learnt is the true next sample all the same. All of it is ours.
    """

    noisy: float = Field(0.5, ge=0, le=1, description="share of the music whose past gets white noise")
    hidden: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the music whose past is silence; for a network under codes, which then say what sounds",
    )
    least_level: float = Field(-50.0, ge=-120, le=40, description="of the noise, dB by the music's own level there")
    most_level: float = Field(-5.0, ge=-120, le=40, description="of the noise, dB by the music's own level there")
    stretch: int = Field(4096, ge=1, le=1 << 20, description="samples of one level, or of one silence")

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.noisy + self.hidden > 1:
            raise ValueError(f"noisy and hidden are {self.noisy + self.hidden:g} together; make them 1 or less")
        if self.least_level > self.most_level:
            raise ValueError(f"least_level is {self.least_level:g}, above most_level, {self.most_level:g}")
        return self


class LinearPrediction(Section):
    """A linear predictor inside a WaveNet of mu-law audio: what the network draws starts from what it predicts.

    Speech vocoders (LPCNet, Valin & Skoglund 2019) and lossless coders do so; for music WaveNets it is ours, and so are
    the defaults: ``benchmarks/prediction.py`` shows what others save and cost.
    """

    order: int = Field(256, ge=16, le=4096, description="past samples that it weighs; a multiple of 16")
    window: int = Field(4096, ge=64, le=1 << 20, description="past samples that its coefficients are computed from")
    every: int = Field(128, ge=1, le=1 << 16, description="steps between two computations of its coefficients")
    perturb: Perturbation | None = Field(
        default_factory=Perturbation, description="what the past in training is mixed with; null = nothing"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.order % 16:
            raise ValueError(f"order is {self.order}; set it to a multiple of 16: {-(-self.order // 16) * 16}")
        if self.order >= self.window:
            raise ValueError(f"order is {self.order} but window is {self.window}; the window must be longer")
        return self

    @property
    def multiplications(self) -> int:
        """Multiplications a step, about."""
        return (self.window * (self.order + 2) + self.order**2) // self.every + self.order


class WaveNetShape(Section):
    """A WaveNet: ``stacks`` times dilations 1, 2, 4 … 2**(layers_per_stack - 1)."""

    stacks: int = Field(3, ge=1, le=64, description="how often the dilations are repeated")
    layers_per_stack: int = Field(10, ge=1, le=24, description="layers in a stack: dilations 1 to 2**(n-1)")
    kernel: int = Field(3, ge=2, le=9, description="taps of each dilated convolution (NSynth: 3)")
    start_kernel: int = Field(3, ge=1, le=64, description="taps of the first convolution (NSynth: 3)")
    residual_channels: int = Field(512, ge=1, le=16384, description="width of the residual path (NSynth: 512)")
    gate_channels: int = Field(
        1024, ge=2, le=32768, description="channels before the gated unit, two halves (NSynth: 1024)"
    )
    skip_channels: int = Field(256, ge=1, le=16384, description="width of the skip path (NSynth: 256)")
    input: Literal["embedding", "scalar"] = Field(
        "embedding",
        description="how the input enters: 'embedding' (one-hot, van den Oord 2016), or 'scalar' (NSynth), for audio",
    )
    linear_prediction: LinearPrediction | None = Field(
        None, description="a linear predictor of mu-law audio that the network starts from (ours); empty = none"
    )

    @model_validator(mode="after")
    def _gate_has_two_halves(self) -> Self:
        if self.gate_channels % 2:
            raise ValueError(f"gate_channels is {self.gate_channels}; it must be even: filter and gate are its halves")
        return self

    @property
    def dilations(self) -> tuple[int, ...]:
        """Dilation of every layer, bottom first."""
        return tuple(2**layer for layer in range(self.layers_per_stack)) * self.stacks

    @property
    def receptive_field(self) -> int:
        """How many past steps the layers see: sum of (kernel-1)·dilation, plus the first kernel."""
        return (self.kernel - 1) * sum(self.dilations) + self.start_kernel


class EncoderShape(Section):
    """A non-causal convolutional encoder that halves the rate log2(hop) times."""

    channels: int = Field(128, ge=1, le=16384, description="channels of every layer")
    kernel: int = Field(3, ge=1, le=15, description="taps of the residual blocks, odd")
    blocks_per_stage: int = Field(2, ge=0, le=64, description="dilated residual blocks after each halving of the rate")
    blocks: int = Field(4, ge=0, le=64, description="dilated residual blocks at the rate of the codes")
    input: Literal["embedding", "scalar"] = Field(
        "embedding", description="how the input enters: 'embedding', or 'scalar' for audio only"
    )
    normalise: bool = Field(True, description="batch-normalise the queries, against collapse of the codebook")

    @model_validator(mode="after")
    def _kernel_is_odd(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}; it must be odd, so that the encoder is centred on its step")
        return self


class ModulatorShape(Section):
    """A non-causal convolutional stack from quantised queries to the local model's conditioning."""

    channels: int = Field(128, ge=1, le=16384, description="channels of every layer")
    kernel: int = Field(3, ge=1, le=15, description="taps of the residual blocks, odd")
    blocks: int = Field(4, ge=0, le=64, description="dilated residual blocks")

    @model_validator(mode="after")
    def _kernel_is_odd(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}; it must be odd, so that the modulator looks both ways alike")
        return self


class VectorQuantiser(Section):
    """VQ-VAE bottleneck (van den Oord 2017; Dieleman 2018): straight-through to the nearest codebook vector."""

    system: ClassVar[str] = "A VQ-VAE"
    kind: Literal["vq"] = Field(description="'vq': the nearest vector of a codebook")
    classes: int = Field(256, ge=2, le=65536, description="codebook size K: values that a code can take")
    query_dim: int = Field(64, ge=1, le=16384, description="dimension of queries and codebook vectors")
    codebook_update: Literal["ema", "loss"] = Field(
        "ema", description="how the codebook learns: 'ema', a moving average of the queries, or 'loss', by gradient"
    )
    codebook_loss: float = Field(
        1.0, ge=0, description="alpha, the weight of the codebook loss; used with codebook_update: loss"
    )
    commitment: float = Field(0.25, ge=0, description="beta, the weight of the commitment loss (VQ-VAE 2017: 0.25)")
    ema_decay: float = Field(
        0.99, gt=0, lt=1, description="decay per step of the moving averages of codebook and usage"
    )
    restart_below: float = Field(
        0.0, ge=0, description="a code used less often than this, as a share of uniform use, is restarted; 0 = never"
    )


class ArgmaxQuantiser(Section):
    """AMAE bottleneck (Dieleman 2018): ReLU, divide to sum 1, argmax to one-hot, straight-through."""

    system: ClassVar[str] = "An AMAE"
    kind: Literal["argmax"] = Field(description="'argmax': the largest channel, one-hot; no codebook")
    classes: int = Field(256, ge=2, le=65536, description="number of classes C, also the queries' dimension")
    commitment: float = Field(0.25, ge=0, description="beta, the weight of the commitment loss")
    diversity: float = Field(
        1.0, ge=0, description="nu, the weight of the diversity loss: C times the squared distance of mean use from 1/C"
    )

    @property
    def query_dim(self) -> int:
        """Dimension of the queries: a channel a class."""
        return self.classes


class ContinuousBottleneck(Section):
    """NSynth's bottleneck: a narrow real-valued query, no codes; it can be listened to but has no prior."""

    system: ClassVar[str] = "An autoencoder"
    kind: Literal["continuous"] = Field(description="'continuous': no codes, to listen to only")
    query_dim: int = Field(16, ge=1, le=16384, description="dimension of the queries (NSynth: 16)")


Bottleneck = Annotated[VectorQuantiser | ArgmaxQuantiser | ContinuousBottleneck, Field(discriminator="kind")]


class Network(Section):
    """What is trained."""

    training: Training = Field(description="what differs from the common training")


class Coder(Network):
    """A network that turns a sequence into codes, one for every hop steps."""

    hop: int = Field(ge=2, le=4096, description="steps (of audio: samples) that become one code; a power of two")

    @model_validator(mode="after")
    def _hop_fits(self) -> Self:
        if self.hop & (self.hop - 1):
            raise ValueError(f"hop is {self.hop}; it must be a power of two: 2, 4, 8, …")
        if self.training.window % self.hop:
            raise ValueError(
                f"training.window is {self.training.window}, not a multiple of hop {self.hop}; "
                f"set it to {-(-self.training.window // self.hop) * self.hop}"
            )
        return self


class ADA(Coder):
    """One autoregressive discrete autoencoder."""

    bottleneck: Bottleneck = Field(description="what turns queries into codes: kind is vq, argmax or continuous")
    jitter: float = Field(0.0, ge=0, lt=0.5, description="chance that a query is replaced by either neighbour's")
    encoder: EncoderShape = Field(default_factory=EncoderShape)
    modulator: ModulatorShape = Field(default_factory=ModulatorShape)
    local_model: WaveNetShape = Field(description="the WaveNet that draws the sequence below, given the codes")
    population: Population | None = Field(
        None, description="population-based training; empty = one plain training with the settings as written"
    )

    @model_validator(mode="after")
    def _population_fits(self) -> Self:
        if self.population is None:
            return self
        steps, generations = self.training.steps, self.population.generations
        if steps % generations:
            raise ValueError(
                f"training.steps is {steps}, which population.generations ({generations}) does not divide; "
                f"set it to {-(-steps // generations) * generations}"
            )
        if automatic := [key for key in ("precision", "compile") if getattr(self.training, key) == "auto"]:
            raise ValueError(
                f"training.{automatic[0]} is auto, which may differ between the machines that a population's members "
                "train on; name one for this ADA"
            )
        real = self.real_settings()
        for name, bounds in self.population.tuned.items():
            if name not in real:
                known = ", ".join(sorted(real))
                raise ValueError(f"population.tuned names {name!r}, which is no real-valued key here; {known} are")
            if not bounds.least <= real[name] <= bounds.most:
                raise ValueError(
                    f"{name} is {real[name]:g}, outside population.tuned's bounds {bounds.least:g} to {bounds.most:g}; "
                    "move one of them: the first member starts from the settings as written"
                )
            for end in (bounds.least, bounds.most):
                try:
                    self.tuned({name: end})
                except ValidationError as error:
                    raise ValueError(f"population.tuned.{name} goes to {end:g}: {error.errors()[0]['msg']}") from None
        return self

    def real_settings(self) -> dict[str, float]:
        """Every real-valued key by its dotted name; whole numbers are left out: they give the network its shape."""
        return dict(_reals(self.model_dump(exclude={"population"}), ""))

    def tuned(self, values: Mapping[str, float]) -> Self:
        """This ADA with other values of some real-valued keys, and without its population.

        Args:
            values: by dotted name.

        Raises:
            ValidationError: when a value is none that its key can have.
        """
        settings = self.model_dump(exclude={"population"})
        for name, value in values.items():
            *parents, last = name.split(".")
            place = settings
            for parent in parents:
                place = place[parent]
            place[last] = value
        return type(self).model_validate(settings)


def _reals(settings: Mapping[str, Any], prefix: str) -> list[tuple[str, float]]:
    found = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found += _reals(value, f"{prefix}{key}.")
        elif isinstance(value, float):
            found.append((f"{prefix}{key}", value))
    return found


class Prior(Network):
    """A model of top codes, or of audio, with nothing above it."""

    wavenet: WaveNetShape = Field(description="the network that draws the sequence")
