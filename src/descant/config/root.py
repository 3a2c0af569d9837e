"""The whole configuration: reading, checking, and the facts that follow from it."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from descant.config.band import Band
from descant.config.base import Section, suggest
from descant.config.corpus import RENDER_RATE, Audio, Corpus, Separation
from descant.config.evaluation import Evaluation
from descant.config.find_timbre import FindTimbre
from descant.config.listening import Listening
from descant.config.mel import MEL, ROLL, Mel
from descant.config.mel2mel import Mel2Mel
from descant.config.models import Mel2MelRow, Model, PartsRow, Prime, Sampling, Stack
from descant.config.networks import ADA, ContinuousBottleneck, Prior
from descant.config.part_models import AutoregressiveParts, PartModel
from descant.config.parts import PARTS, Parts
from descant.config.play import Piece, Play
from descant.config.reading import read_yaml
from descant.config.rows import choose_rows
from descant.config.vocoders import Vocoder
from descant.errors import ConfigError, shown

# sequences of every corpus, and frames of them, beside what networks make
AUDIO, WAVEFORM = "audio", "waveform"
GIVEN = (AUDIO, WAVEFORM, MEL, ROLL, PARTS)
STACK = "stack"
SHOWN = 30
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Config(Section):
    """Everything a person edits. Named parts (`wavenets`, `training`) are already put in their places."""

    threads_per_job: int = Field(1, ge=1, description="CPU threads of a training or sampling job; part of its bytes")
    gpus_per_job: int = Field(
        0,
        ge=0,
        le=64,
        description="GPUs of a training, which deals each step's `accumulate` batches to them; what scores and draws "
        "takes one of them at most; 0 runs on the CPU",
    )
    seed: int = Field(1, ge=0, lt=2**63, description="root of every random draw")
    corpus: Corpus
    separation: Separation = Field(default_factory=Separation)
    audio: Audio = Field(default_factory=Audio)
    mel: Mel = Field(default_factory=Mel)
    parts: Parts = Field(default_factory=Parts)
    adas: dict[str, ADA] = Field(default_factory=dict, description="the autoencoders, by names that models refer to")
    priors: dict[str, Prior] = Field(
        default_factory=dict, description="the models of top codes or of audio, by names that models refer to"
    )
    mel2mels: dict[str, Mel2Mel] = Field(
        default_factory=dict, description="the networks from scores to mel spectrograms, by names that models refer to"
    )
    vocoders: dict[str, Vocoder] = Field(
        default_factory=dict, description="the networks from mel spectrograms to sound, by names that models refer to"
    )
    part_models: dict[str, PartModel] = Field(
        default_factory=dict, description="the networks of music in voices, by names that models refer to"
    )
    models: dict[str, Model] = Field(description="the rows, by names that become files and folders")
    sampling: Sampling = Field(default_factory=Sampling)
    evaluation: Evaluation = Field(default_factory=Evaluation)
    listening: Listening = Field(default_factory=Listening)
    play: Play | None = Field(None, description="a score to play with `snakemake play`")
    music: dict[str, Piece] = Field(
        default_factory=dict,
        description="pieces that a Mel2Mel plays for the page to hear first; `snakemake music`; null removes one",
    )
    band: Band = Field(default_factory=Band)
    find_timbre: FindTimbre | None = Field(
        None, description="a recording whose timbre is looked for with `snakemake find_timbre`"
    )

    @field_validator("music", mode="before")
    @classmethod
    def _without_removed_pieces(cls, given: object) -> object:
        if given is None:
            return {}
        return {name: piece for name, piece in given.items() if piece is not None} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        networks = (self.adas, self.priors, self.mel2mels, self.vocoders, self.part_models)
        for section in (*networks, self.models, self.music):
            for name in section:
                if not NAME.fullmatch(name) or name in GIVEN:
                    raise ValueError(
                        f"{name!r} cannot be a name: use lower-case letters, digits and _, and none of "
                        f"{', '.join(GIVEN)}, which are sequences of every corpus"
                    )
        if not self.models:
            raise ValueError("models is empty: name at least one row of the table")
        for name, model in self.models.items():
            if isinstance(model, Stack):
                self._check_stack(name, model)
            elif isinstance(model, PartsRow):
                self._check_parts(name, model)
            else:
                self._check_mel2mel(name, model)
        return self

    def _check_stack(self, name: str, model: Stack) -> None:
        for ada in model.stack:
            if ada not in self.adas:
                raise ValueError(f"models.{name}.stack names {ada!r}{suggest(ada, self.adas, 'adas')}")
            if isinstance(self.adas[ada].bottleneck, ContinuousBottleneck):
                raise ValueError(
                    f"models.{name}.stack names {ada!r}, whose continuous bottleneck has no codes for a prior; "
                    "choose vq or argmax"
                )
        above = {f"adas.{ada}.local_model": self.adas[ada].local_model for ada in model.stack[1:]}
        if model.stack and model.prior in self.priors:
            above[f"priors.{model.prior}.wavenet"] = self.priors[model.prior].wavenet
        for key, shape in above.items():
            if shape.linear_prediction:
                raise ValueError(
                    f"models.{name} puts {key} on codes, but its linear_prediction is of audio; leave it out there"
                )
        for ada in model.stack[1:]:
            if "scalar" in (self.adas[ada].local_model.input, self.adas[ada].encoder.input):
                raise ValueError(
                    f"models.{name}.stack puts {ada!r} on codes, but its input 'scalar' is for audio; codes have "
                    "no order, use 'embedding'"
                )
        if model.stack and model.prior in self.priors and self.priors[model.prior].wavenet.input == "scalar":
            raise ValueError(
                f"models.{name}.prior is {model.prior!r}, whose input 'scalar' is for audio; codes have no order"
            )
        if model.prior not in self.priors:
            raise ValueError(f"models.{name}.prior names {model.prior!r}{suggest(model.prior, self.priors, 'priors')}")

    def _check_mel2mel(self, name: str, model: Mel2MelRow) -> None:
        if model.mel2mel not in self.mel2mels:
            near = suggest(model.mel2mel, self.mel2mels, "mel2mels")
            raise ValueError(f"models.{name}.mel2mel names {model.mel2mel!r}{near}")
        if model.vocoder is not None and model.vocoder not in self.vocoders:
            near = suggest(model.vocoder, self.vocoders, "vocoders")
            raise ValueError(f"models.{name}.vocoder names {model.vocoder!r}{near}")
        if model.vocoder_tuning and model.vocoder is None:
            raise ValueError(f"models.{name}.vocoder_tuning has no vocoder to train; name one in models.{name}.vocoder")
        if model.vocoder_tuning and model.vocoder_tuning.start_from:
            raise ValueError(f"models.{name}.vocoder_tuning.start_from is the vocoder itself; leave the key out")
        if self.corpus.source not in ("scores", "midi"):
            raise ValueError(
                f"models.{name} learns from scores, but corpus.source is {self.corpus.source!r}; set it to scores or "
                "midi"
            )

    def _check_parts(self, name: str, model: PartsRow) -> None:
        if model.part_model not in self.part_models:
            near = suggest(model.part_model, self.part_models, "part_models")
            raise ValueError(f"models.{name}.part_model names {model.part_model!r}{near}")

    @model_validator(mode="after")
    def _renderings_reach_the_rate(self) -> Self:
        if self.corpus.source in ("scores", "midi") and self.render_rate < self.audio.sample_rate:
            raise ValueError(
                f"corpus.scores.render_rate is {self.render_rate}, below audio.sample_rate, {self.audio.sample_rate}: "
                f"the music would hold nothing above {self.render_rate / 2:g} Hz; raise it, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _listening_has_what_it_plays(self) -> Self:
        listening, sampling = self.listening, self.sampling
        for name in listening.models or ():
            if name not in self.models:
                raise ValueError(f"listening.models names {name!r}{suggest(name, self.models, 'models')}")
            if not isinstance(self.models[name], Stack):
                raise ValueError(f"listening.models names {name!r}, which makes no audio")
        items, seconds = ("sampling.count", sampling.count), ("sampling.seconds", sampling.seconds)
        if not any(isinstance(model, Stack) for model in self.models.values()):
            # what vocoders make of test tracks is heard
            heard = self.evaluation.reconstruction
            items = "evaluation.reconstruction.excerpts", heard.excerpts
            seconds = "evaluation.reconstruction.seconds", heard.seconds
        for key, asked, (most_key, most) in (
            ("items", listening.items, items),
            ("seconds", listening.seconds, seconds),
        ):
            if asked and asked > most:
                raise ValueError(f"listening.{key} is {asked:g} but {most_key} makes {most:g} of each")
        return self

    @model_validator(mode="after")
    def _batches_can_be_dealt(self) -> Self:
        networks = (
            ("adas", self.adas),
            ("priors", self.priors),
            ("mel2mels", self.mel2mels),
            ("vocoders", self.vocoders),
            ("part_models", self.part_models),
        )
        trainings = {
            f"{section}.{name}.training": network.training
            for section, named in networks
            for name, network in named.items()
        }
        for name, row in self._mel2mel_rows(with_vocoder=True).items():
            if row.vocoder_tuning:
                trainings[f"models.{name}.vocoder_tuning"] = row.vocoder_tuning
        for key, training in trainings.items():
            if training.accumulate % max(1, self.gpus_per_job):
                raise ValueError(
                    f"{key}.accumulate is {training.accumulate}, which gpus_per_job ({self.gpus_per_job}) GPUs cannot "
                    "share evenly; set it to a multiple, and batch lower"
                )
        return self

    @model_validator(mode="after")
    def _primed_rows_are_drawn_from_end_to_end(self) -> Self:
        for name, model in self.models.items():
            if isinstance(model, Stack) and model.prime and self.sampling.windows and model.stack:
                raise ValueError(
                    f"models.{name}.prime: only the first of sampling.windows could continue it; set either to null"
                )
        return self

    @model_validator(mode="after")
    def _what_plays_is_known(self) -> Self:
        playing, finding = (self._mel2mel_rows(with_vocoder) for with_vocoder in (True, False))
        pieces = ((f"music.{name}", piece, playing) for name, piece in self.music.items())
        for key, asked, rows in (("play", self.play, playing), ("find_timbre", self.find_timbre, finding), *pieces):
            if asked is not None and asked.row is not None and asked.row not in rows:
                raise ValueError(f"{key}.row names {asked.row!r}{suggest(asked.row, rows, 'models that can')}")
        if self.band.row is not None and self.band.row not in self._band_rows():
            near = suggest(self.band.row, self._band_rows(), "rows of an autoregressive_parts with latent: 0")
            raise ValueError(f"band.row names {self.band.row!r}{near}")
        return self

    def _band_rows(self) -> dict[str, PartsRow]:
        """The rows whose network can play along with a person."""
        playing = [
            name for name, each in self.part_models.items() if isinstance(each, AutoregressiveParts) and not each.latent
        ]
        return {
            name: row for name, row in self.models.items() if isinstance(row, PartsRow) and row.part_model in playing
        }

    @property
    def band_row(self) -> str | None:
        """The row whose network plays along with a person; None for a model file that is named, or that which ships."""
        return None if self.band.model else self.band.row or next(iter(self._band_rows()), None)

    def _mel2mel_rows(self, with_vocoder: bool) -> dict[str, Mel2MelRow]:
        return {
            name: row
            for name, row in self.models.items()
            if isinstance(row, Mel2MelRow) and (row.vocoder or not with_vocoder)
        }

    def playing_row(self, asked: Play) -> str | None:
        """The row that plays what is asked for; None for the networks that ship, which play `music:` by themselves."""
        return asked.row or (None if isinstance(asked, Piece) else self._first_playing_row())

    @property
    def finding_row(self) -> str | None:
        """The row in whose space a timbre is looked for, by itself that which plays; None for those that ship."""
        return (self.find_timbre and self.find_timbre.row) or self._first_playing_row()

    def _first_playing_row(self) -> str | None:
        return next(iter(self._mel2mel_rows(with_vocoder=True)), None)

    def prime_of(self, model: str) -> Prime | None:
        """What a row's samples continue; None where they begin from nothing."""
        row = self.models[model]
        return (row.prime if isinstance(row, Stack) else None) or self.sampling.prime

    @property
    def render_rate(self) -> int:
        """Sample rate that scores are rendered at, Hz: never below the models' by itself."""
        return self.corpus.scores.render_rate or max(RENDER_RATE, self.audio.sample_rate)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one nested mapping over another; neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    """A section's keys; one left empty in YAML has none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path} is not a mapping (it is {shown(value)})", "give it keys, as in config.yaml")
    return value


def _place(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Put named WaveNets and the common training settings where networks refer to them; a row is a stack by default."""
    placed = choose_rows(raw)
    wavenets = _mapping(placed.pop("wavenets", None), "wavenets")
    common = _mapping(placed.pop("training", None), "training")
    if isinstance(models := placed.get("models"), Mapping):
        placed["models"] = {
            name: {"kind": STACK, **model} if isinstance(model, Mapping) else model for name, model in models.items()
        }
    for section, key in (
        ("adas", "local_model"),
        ("priors", "wavenet"),
        ("mel2mels", ""),
        ("vocoders", "local_model"),
        ("part_models", ""),
    ):
        if section not in placed:
            continue
        parts = {}
        for name, part in _mapping(placed[section], section).items():
            part = dict(_mapping(part, f"{section}.{name}"))
            shape = part.get(key)
            if isinstance(shape, str):
                if shape not in wavenets:
                    raise ConfigError(
                        f"{section}.{name}.{key} names {shape!r}{suggest(shape, wavenets, 'wavenets')}",
                        "use a name from wavenets, or write the shape in place",
                    )
                part[key] = wavenets[shape]
            part["training"] = merge(common, _mapping(part.get("training"), f"{section}.{name}.training"))
            parts[name] = part
        placed[section] = parts
    return placed


def parse(raw: Mapping[str, Any]) -> Config:
    """Check a configuration that was read from YAML.

    Raises:
        ConfigError: naming every wrong key with what is wrong about it.
    """
    try:
        return Config.model_validate(_place(raw))
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [_describe(item["loc"], item["type"], item["msg"], item.get("input")) for item in mistakes[:SHOWN]]
        if len(mistakes) > SHOWN:
            lines.append(f"and {len(mistakes) - SHOWN} more")
        raise ConfigError(
            "the configuration is not valid:\n" + "\n".join(f"    {line}" for line in lines),
            "mend these keys in config.yaml, or in the file given with --configfile",
        ) from None


def _describe(location: tuple[int | str, ...], kind: str, message: str, value: object) -> str:
    # pydantic puts the kind of a bottleneck and of a row into the path, where the file has no such key:
    # adas.NAME.bottleneck.KIND, models.NAME.KIND, part_models.NAME.KIND
    parts = location[:3] + location[4:] if location[2:3] == ("bottleneck",) else location
    parts = location[:2] + location[3:] if location[:1] in (("models",), ("part_models",)) else parts
    if kind == "union_tag_invalid":
        parts = (*parts, "kind")
    path = ".".join(map(str, parts)) or "(top level)"
    if kind == "extra_forbidden":
        return f"{path}: unknown key{_near_field(location)}"
    if kind == "missing":
        return f"{path}: missing, and it has no default"
    if kind == "value_error":
        return f"{path}: {message.removeprefix('Value error, ')}"
    return f"{path}: {message} (it is {shown(value)})"


def _near_field(location: tuple[int | str, ...]) -> str:
    """The known key nearest to a mistyped one, looked for among all sections' keys."""
    known = {"wavenets", "training", "rows", *(name for section in _sections(Section) for name in section.model_fields)}
    # a key may be known elsewhere: it is no cure for itself
    near = difflib.get_close_matches(str(location[-1]), sorted(known - {location[-1]}), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _sections(section: type[Section]) -> list[type[Section]]:
    return [section, *(found for child in section.__subclasses__() for found in _sections(child))]


def load(*paths: Path) -> Config:
    """Read YAML files, each laid over those before it, and check the whole."""
    raw: dict[str, Any] = {}
    for path in paths:
        raw = merge(raw, read_yaml(path))
    return parse(raw)
