"""The whole configuration: its sections, checks across them, and the facts that follow from it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from descant.config.band import Band
from descant.config.base import Section, suggest
from descant.config.compose import Compose, Composition
from descant.config.corpus import RENDER_RATE, Audio, Corpus, Separation
from descant.config.decoders import WaveNetDecoder
from descant.config.evaluation import Evaluation
from descant.config.find_timbre import FindTimbre
from descant.config.listening import Listening
from descant.config.mel import MEL, ROLL, Mel
from descant.config.mel2mel import Mel2Mel
from descant.config.models import JukeboxRow, Mel2MelRow, Model, PartsRow, Prime, Sampling, Stack
from descant.config.networks import ADA, Prior
from descant.config.part_models import AutoregressiveParts, PartModel
from descant.config.parts import PARTS, SECONDS_A_MEASURE, Parts
from descant.config.play import Piece, Play, Playing
from descant.config.row_checks import check_jukebox, check_mel2mel, check_parts, check_stack
from descant.config.transformers import Transformer
from descant.config.vocoders import Vocoder
from descant.config.vqvaes import VQVAE

# sequences of every corpus, and frames of them, beside what networks make
AUDIO, WAVEFORM = "audio", "waveform"
GIVEN = (AUDIO, WAVEFORM, MEL, ROLL, PARTS)
STACK = "stack"
NAME = re.compile(r"[a-z][a-z0-9_]*")
# Snakemake writes it into commands as it stands
IMAGE = re.compile(r"[\w./][\w./:@=%+-]*")


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
    nodes_per_job: int = Field(
        1,
        ge=1,
        le=1024,
        description="machines that share a training by Slurm, each with gpus_per_job GPUs or one CPU process; "
        "members of populations, and what scores and draws, take one",
    )
    seed: int = Field(1, ge=0, lt=2**63, description="root of every random draw")
    start_from: Path | None = Field(
        None,
        description="folder of trained networks, NAME/model.safetensors: each training begins from the one of its own "
        "name where there is one (fine-tuning); pretrained/piano, or results/training of another run",
    )
    container: str | None = Field(
        None,
        description="image in which `--sdm apptainer` runs every job: a file (.sif), or an address (docker://…)",
    )
    corpus: Corpus
    separation: Separation = Field(default_factory=Separation)
    audio: Audio = Field(default_factory=Audio)
    mel: Mel = Field(default_factory=Mel)
    parts: Parts = Field(default_factory=Parts)
    adas: dict[str, ADA] = Field(default_factory=dict, description="the autoencoders, by names that models refer to")
    priors: dict[str, Prior] = Field(
        default_factory=dict, description="the models of top codes or of audio, by names that models refer to"
    )
    vqvaes: dict[str, VQVAE] = Field(
        default_factory=dict, description="the autoencoders of the waveform, by names that models refer to"
    )
    decoders: dict[str, WaveNetDecoder] = Field(
        default_factory=dict, description="the WaveNets of audio given a level's codes, by names that models refer to"
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
    transformers: dict[str, Transformer] = Field(
        default_factory=dict,
        description="the priors of codes and upsamplers of Jukebox's kind, by names that models refer to",
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
    compose: Compose | None = Field(None, description="music in four parts to write with `snakemake compose`")
    compositions: dict[str, Composition] = Field(
        default_factory=dict,
        description="music in four parts that a network writes for a page; `snakemake compositions`; null removes one",
    )
    band: Band = Field(default_factory=Band)
    find_timbre: FindTimbre | None = Field(
        None, description="a recording whose timbre is looked for with `snakemake find_timbre`"
    )

    @field_validator("container")
    @classmethod
    def _image_needs_no_quotes(cls, image: str | None) -> str | None:
        if image is not None and not IMAGE.fullmatch(image):
            raise ValueError(
                f"{image!r} cannot be an image, which commands name without quotes: give it a path or address of "
                "letters, digits and . _ / : @ = % + -"
            )
        return image

    @field_validator("music", "compositions", mode="before")
    @classmethod
    def _without_removed_pieces(cls, given: object) -> object:
        if given is None:
            return {}
        return {name: piece for name, piece in given.items() if piece is not None} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        learnt = (
            self.adas,
            self.priors,
            self.vqvaes,
            self.transformers,
            self.decoders,
            self.mel2mels,
            self.vocoders,
            self.part_models,
        )
        for section in (*learnt, self.models, self.music, self.compositions):
            for name in section:
                if not NAME.fullmatch(name) or name in GIVEN:
                    raise ValueError(
                        f"{name!r} cannot be a name: use lower-case letters, digits and _, and none of "
                        f"{', '.join(GIVEN)}, which are sequences of every corpus"
                    )
        if "compose" in self.compositions:
            raise ValueError("compositions: 'compose' is what the command line asks for; choose another name")
        if not self.models:
            raise ValueError("models is empty: name at least one row of the table")
        for name, model in self.models.items():
            if isinstance(model, Stack):
                check_stack(name, model, self.adas, self.priors)
            elif isinstance(model, JukeboxRow):
                check_jukebox(name, model, self.vqvaes, self.transformers, self.decoders)
            elif isinstance(model, PartsRow):
                check_parts(name, model, self.part_models, self.parts)
            else:
                check_mel2mel(name, model, self.mel2mels, self.vocoders, self.corpus)
        return self

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
            if isinstance(self.models[name], Mel2MelRow):
                raise ValueError(f"listening.models names {name!r}, which makes no audio")
            if self.heard_parts and name not in self.heard_parts:
                raise ValueError(
                    f"listening.models names {name!r} beside {self.heard_parts[0]!r}, a row of parts: these are "
                    "heard beside scores, others beside recordings; name rows of one kind"
                )
        fewest = min(listening.models or self.models, key=self.count_of)
        key = f"models.{fewest}.branch.pick" if self.picked(fewest) else "sampling.count"
        items, seconds = (key, self.count_of(fewest)), ("sampling.seconds", sampling.seconds)
        if self.heard_parts:
            drawn = self.evaluation.parts
            items = "evaluation.parts.pieces", drawn.pieces
            seconds = "evaluation.parts.measures", drawn.measures * SECONDS_A_MEASURE
        elif not self._drawn:
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
            ("vqvaes", self.vqvaes),
            ("mel2mels", self.mel2mels),
            ("vocoders", self.vocoders),
            ("part_models", self.part_models),
            ("transformers", self.transformers),
            ("decoders", self.decoders),
        )
        trainings = {
            f"{section}.{name}.training": network.training
            for section, named in networks
            for name, network in named.items()
        }
        for name, row in self._mel2mel_rows(with_vocoder=True).items():
            if row.vocoder_tuning:
                trainings[f"models.{name}.vocoder_tuning"] = row.vocoder_tuning
        priors = {row.prior for row in self.models.values() if isinstance(row, JukeboxRow)}
        for key, training in trainings.items():
            if training.keep and key not in {f"transformers.{name}.training" for name in priors}:
                raise ValueError(f"{key}.keep is for the priors of rows of the kind jukebox; leave it out here")
            processes = self.nodes_per_job * max(1, self.gpus_per_job)
            if training.accumulate % processes:
                raise ValueError(
                    f"{key}.accumulate is {training.accumulate}, which gpus_per_job ({self.gpus_per_job}) GPUs on "
                    f"nodes_per_job ({self.nodes_per_job}) nodes cannot share evenly; set it to a multiple of "
                    f"{processes}, and batch lower"
                )
        return self

    @model_validator(mode="after")
    def _primed_rows_are_drawn_from_end_to_end(self) -> Self:
        for name, model in self.models.items():
            if not isinstance(model, Stack | JukeboxRow):
                continue
            below = model.stack if isinstance(model, Stack) else model.decoder
            if model.prime and self.sampling.windows and below:
                raise ValueError(
                    f"models.{name}.prime: only the first of sampling.windows could continue it; set either to null"
                )
        return self

    @model_validator(mode="after")
    def _what_plays_is_known(self) -> Self:
        playing, finding = (self._mel2mel_rows(with_vocoder) for with_vocoder in (True, False))
        composing = self._composing_rows()
        all_asked: list[tuple[str, Playing | FindTimbre | Compose | None, Mapping[str, object]]] = [
            ("play", self.play, playing),
            ("find_timbre", self.find_timbre, finding),
            ("compose", self.compose, composing),
            *((f"music.{name}", piece, playing) for name, piece in self.music.items()),
            *((f"compositions.{name}", piece, composing) for name, piece in self.compositions.items()),
        ]
        for key, asked, rows in all_asked:
            row = None if asked is None else asked.row
            learns_chords = self.parts.form == "polyphonic" and isinstance(self.models.get(row or ""), PartsRow)
            if isinstance(asked, Compose) and learns_chords:
                raise ValueError(
                    f"{key}.row names {row!r}, which learns polyphonic parts, but tasks are of parts of one note at a "
                    "time; leave row out for the network that ships; `snakemake parts_drawn` writes what yours draws"
                )
            if row is not None and row not in rows:
                raise ValueError(f"{key}.row names {row!r}{suggest(row, rows, 'models that can')}")
        for name, piece in self.music.items():
            wanted, known = piece.composition, self.compositions
            if wanted is not None and wanted not in known:
                near = suggest(wanted, known, "compositions")
                raise ValueError(
                    f"music.{name}.composition names {wanted!r}{near}; or remove the piece: music: {{{name}: null}}"
                )
        if self.band.row is not None and self.band.row not in self._band_rows():
            near = suggest(self.band.row, self._band_rows(), "rows of an autoregressive_parts with latent: 0")
            raise ValueError(f"band.row names {self.band.row!r}{near}")
        return self

    @property
    def heard_parts(self) -> tuple[str, ...]:
        """The rows of parts that people listen to: those named, or all where no row makes other audio."""
        parts = [name for name, row in self.models.items() if isinstance(row, PartsRow)]
        if self.listening.models:
            return tuple(name for name in self.listening.models if name in parts)
        return () if self._drawn or self._mel2mel_rows(with_vocoder=True) else tuple(parts)

    @property
    def _drawn(self) -> bool:
        """Whether any row draws audio."""
        rows = self.models.values()
        return any(isinstance(row, Stack) or (isinstance(row, JukeboxRow) and row.prior) for row in rows)

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

    def playing_row(self, asked: Playing) -> str | None:
        """The row that plays what is asked for; None for the networks that ship, which play `music:` by themselves."""
        return asked.row or (None if isinstance(asked, Piece) else self._first_playing_row())

    @property
    def finding_row(self) -> str | None:
        """The row in whose space a timbre is looked for, by itself that which plays; None for those that ship."""
        return (self.find_timbre and self.find_timbre.row) or self._first_playing_row()

    def _composing_rows(self) -> Mapping[str, PartsRow]:
        """The rows that carry out tasks, which are of monophonic parts."""
        rows = {name: row for name, row in self.models.items() if isinstance(row, PartsRow)}
        return rows if self.parts.form == "monophonic" else {}

    def composing_row(self, asked: Compose) -> str | None:
        """The row that composes what is asked for; None for the network that ships."""
        return asked.row or next(iter(self._composing_rows()), None)

    def _first_playing_row(self) -> str | None:
        return next(iter(self._mel2mel_rows(with_vocoder=True)), None)

    def picked(self, model: str) -> tuple[int, ...]:
        """The candidates that a row's samples go on from; empty where they are drawn without."""
        row = self.models.get(model)
        return row.branch.pick if isinstance(row, JukeboxRow) else ()

    def count_of(self, model: str) -> int:
        """How many samples a row has."""
        return len(self.picked(model)) or self.sampling.count

    def prime_of(self, model: str) -> Prime | None:
        """What a row's samples continue; None where they begin from nothing."""
        row = self.models[model]
        return (row.prime if isinstance(row, Stack | JukeboxRow) else None) or self.sampling.prime

    @property
    def render_rate(self) -> int:
        """Sample rate that scores are rendered at, Hz: never below the models' by itself."""
        return self.corpus.scores.render_rate or max(RENDER_RATE, self.audio.sample_rate)
