"""``models:`` what is trained together and compared: rows of the table, and others; and ``sampling:``."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from descant.config.base import Section
from descant.config.training import Training
from descant.config.transformers import Label

EngineName = Literal["auto", "reference", "numba", "native", "graph", "triton"]
Slide = Annotated[float, Field(gt=0, le=1)]
Pick = Annotated[int, Field(ge=0)]
Precision = Literal["float32", "bfloat16_weights", "bfloat16"]


class Score(Section):
    """A score of the paper's listening test as printed there."""

    mean: float = Field(ge=0, le=5, description="mean opinion score, 1 to 5")
    plus_minus: float = Field(ge=0, description="as printed; the paper's text names no unit where we could read it")


class Paper(Section):
    """What the paper's table prints for this row; never mixed with our own figures."""

    receptive_field_ms: int = Field(ge=0, description="receptive field, ms")
    fidelity: Score = Field(description="how good it sounds")
    musicality: Score = Field(description="how much it is like music")


class Prime(Section):
    """``sampling.prime:`` the recording that samples continue: it stands at their start and is not measured."""

    file: str | None = Field(None, description="a recording of yours, which every sample continues")
    track: str | None = Field(
        None,
        description="'test' or 'validation': each sample continues another track of that split, from the first on; "
        "or the id of one such track in results/corpus/tracks.csv, which every sample continues",
    )
    start: float = Field(0.0, ge=0, description="where in the recording the prime begins, seconds")
    seconds: float = Field(
        2.0,
        gt=0,
        le=60,
        description="length of the prime, seconds; cut at its start to whole codes of the row's top level",
    )

    @model_validator(mode="after")
    def _one_recording(self) -> Self:
        if (self.file is None) == (self.track is None):
            raise ValueError("it names no recording or two; set either file or track")
        return self


class Stack(Section):
    """One row of the table: a stack of ADAs, and a prior of its top codes."""

    kind: Literal["stack"] = Field("stack", description="the row's family")
    title: str = Field(min_length=1, description="name of the row in tables and pages")
    stack: tuple[str, ...] = Field((), description="names of the ADAs, bottom first; empty for a plain WaveNet")
    prior: str = Field(description="name of the prior that draws the top sequence")
    note: str = Field("", description="what a reader of the table must know of this row")
    prime: Prime | None = Field(
        None, description="what this row's samples continue, in place of sampling.prime; empty = the same as all rows"
    )
    paper: Paper | None = Field(
        None,
        description="what the paper's table prints for this row, shown beside it; null: the row is not in the paper",
    )


class LossFigure(Section):
    """A loss of the dissertation's ablation as printed there: tanh-log-abs, times 1,000."""

    mean: float = Field(ge=0, description="over the checkpoints of the last tenth of training")
    plus_minus: float = Field(ge=0, description="standard deviation over them")


class Ablation(Section):
    """What the ablation of Kim's dissertation (2019, chapter 5) prints; never mixed with our own figures."""

    train: LossFigure = Field(description="on what is trained on")
    validation: LossFigure = Field(description="on held-out tracks")


class Mel2MelRow(Section):
    """A row that turns scores into mel spectrograms, and with a vocoder into sound; it has a table of its own."""

    kind: Literal["mel2mel"] = Field("mel2mel", description="the row's family")
    title: str = Field(min_length=1, description="name of the row in pages")
    mel2mel: str = Field(description="name of the network, of mel2mels")
    vocoder: str | None = Field(
        None, description="name of the network, of vocoders, that makes sound of its spectrograms; empty = none"
    )
    paper: Ablation | None = Field(
        None, description="what the dissertation prints for this variant, shown beside it; null: it is not among these"
    )
    vocoder_tuning: Training | None = Field(
        None,
        description="how the vocoder then learns on, from the spectrograms that this row predicts; empty = not at all",
    )


class PartsRow(Section):
    """A row that composes music in voices: it learns scores, not sound, and stands in no table of bits."""

    kind: Literal["parts"] = Field("parts", description="the row's family")
    title: str = Field(min_length=1, description="name of the row in pages")
    part_model: str = Field(description="name of the network, of part_models")


class Branch(Section):
    """``branch:`` beginnings of a row's top level, to hear and to choose from before the rest is drawn."""

    count: int = Field(8, ge=1, le=4096, description="candidates that `snakemake candidates` draws (ours)")
    seconds: float = Field(
        4.0, gt=0, description="length of each, seconds, at most sampling.seconds; a prime is not counted (ours)"
    )
    pick: tuple[Pick, ...] = Field(
        (),
        description="numbers of the candidates that go on, from 0, as results/report/candidates.html names them: the "
        "row's samples are these and no others; empty = sampling.count samples, drawn without candidates",
    )

    @model_validator(mode="after")
    def _picks_are_there(self) -> Self:
        if too_high := [number for number in self.pick if number >= self.count]:
            raise ValueError(
                f"pick names candidate {too_high[0]}, but there are {self.count}, from 0 on; raise count, or name "
                "another"
            )
        if len(set(self.pick)) < len(self.pick):
            raise ValueError("pick names a candidate twice; name each once")
        return self


class JukeboxRow(Section):
    """A row of Jukebox's family: levels that each encode the waveform by themselves, and decode their codes again."""

    kind: Literal["jukebox"] = Field("jukebox", description="the row's family")
    title: str = Field(min_length=1, description="name of the row in tables and pages")
    levels: tuple[str, ...] = Field(min_length=1, description="names of its levels, of vqvaes, the finest first")
    prior: str | None = Field(
        None, description="name of the transformer that draws the coarsest level's codes; empty = nothing is drawn"
    )
    prior_step: int | None = Field(
        None,
        ge=1,
        description="step of the prior's training whose weights draw, one of its training.keep; empty = its last",
    )
    upsamplers: tuple[str, ...] = Field(
        (),
        description="names of the transformers that draw each level below it, the finest first; empty = the coarsest "
        "level is decoded",
    )
    decoder: str | None = Field(
        None,
        description="name of the WaveNet, of decoders, that draws the audio given the last level drawn; empty = that "
        "level's own VQ-VAE decodes it in one pass",
    )
    branch: Branch = Field(default_factory=Branch)
    prime: Prime | None = Field(
        None, description="what this row's samples continue, in place of sampling.prime; empty = the same as all rows"
    )
    note: str = Field("", description="what a reader of the table must know of this row")


# a row: a union over `kind` of one section a family
Model = Annotated[Stack | JukeboxRow | Mel2MelRow | PartsRow, Field(discriminator="kind")]


class Windows(Section):
    """``sampling.windows`` long sequences below given codes are drawn as windows side by side, and joined."""

    count: int = Field(
        16,
        ge=2,
        le=65536,
        description="windows a sequence, at most; sampling.count times as many rows are drawn as one batch, so memory "
        "grows with them and not with the length",
    )
    warm_up: float = Field(
        4.0,
        ge=2,
        le=1000,
        description="what a window draws before its own steps, in receptive fields of the level's local model: "
        "over the first it forgets that nothing came before it, in the rest it is joined",
    )


class Sampling(Section):
    """``sampling:`` what is drawn from each model."""

    seconds: float = Field(
        4.0, gt=0, description="length of what is drawn of each sample, seconds; a prime is not counted"
    )
    count: int = Field(4, ge=1, le=4096, description="samples a model, drawn as one batch")
    temperature: float = Field(
        1.0, gt=0, description="logits are divided by it at every level; below 1 is more regular, above 1 more random"
    )
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus sampling (Holtzman et al. 2020); 1 = off")
    limit_loudness: bool = Field(
        True,
        description="whether audio drawn with a linear predictor stays about as loud as its training music: where it "
        "is louder than nearly all of that, what rings is made to die away (ours)",
    )
    top_k: int = Field(
        0,
        ge=0,
        le=65536,
        description="transformers keep so many of the most probable codes (Fan et al. 2018), then the nucleus; 0 = off",
    )
    engine: EngineName = Field(
        "auto", description="what draws; 'auto' takes the fastest that works on the machine; all draw the same"
    )
    precision: Precision = Field(
        "float32",
        description="'bfloat16_weights' rounds weights once to 16 bits: faster, a slightly different model; "
        "'bfloat16' rounds activations too",
    )
    windows: Windows | None = Field(
        None, description="faster below the top, at the price of joins; empty = each sequence from end to end"
    )
    prime: Prime | None = Field(None, description="what the samples continue; empty = they begin from nothing")
    labels: dict[Label, str] = Field(
        default_factory=dict, description="what is asked of transformers that know labels, such as artist: NAME"
    )
    guidance: float = Field(
        1.0,
        ge=0,
        le=100,
        description="how far transformers go from what they draw without these labels: 0 = not at all, 1 = as trained, "
        "more = beyond (Ho & Salimans 2022); takes twice the time unless it is 1",
    )
    slides: tuple[Slide, ...] = Field(
        (),
        description="shares of their context by which transformers' windows move, finest level first (Jukebox: 0.5, "
        "0.5, 0.125); empty = the past rolls on, which is faster",
    )

    @model_validator(mode="after")
    def _primed_from_end_to_end(self) -> Self:
        if self.prime and self.windows:
            raise ValueError("only the first of the windows could continue the prime; set windows or prime to null")
        return self
