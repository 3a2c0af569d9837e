"""The page on which one model is listened to, beside real music."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio import mulaw
from descant.audio.clips import flac_bytes
from descant.errors import SamplingError, SequenceError
from descant.evaluation.figures import SampleFacts, mel_figure, sample_facts
from descant.evaluation.pages import data_uri, render
from descant.evaluation.provenance import silent_words
from descant.sequences import PackedSequence

FACTS_FILE = "samples.csv"
COLUMNS = ("file", *(field.name for field in fields(SampleFacts)))


@dataclass(frozen=True)
class RenderedSample:
    """A row of ``samples.csv``: an audio file, beside its figure of the same name, and its facts."""

    file: str
    facts: SampleFacts


@dataclass(frozen=True)
class Clip:
    """Something to listen to.

    Attributes:
        name: its heading.
        detail: a line under it.
        seconds: its length.
        facts: its plain figures, in words.
        audio: data URI.
        figure: data URI.
        figure_words: what the figure shows, for those who do not see it.
    """

    name: str
    detail: str
    seconds: float
    facts: str
    audio: str
    figure: str
    figure_words: str


@dataclass(frozen=True)
class StackLine:
    """A network of the stack: what it does, and how long it was trained."""

    does: str
    trained: str


@dataclass(frozen=True)
class PlayersPage:
    """All that stands on the page; see ``templates/players.html``."""

    title: str
    note: str
    scale: str
    stack: Sequence[StackLine]
    drawn: str
    samples: Sequence[Clip]
    real: Sequence[Clip]
    classes: int
    sample_rate: int


def render_batch(classes: npt.NDArray[np.unsignedinteger], sample_rate: int, title: str, folder: Path) -> None:
    """Write every sample of a batch as FLAC and figure, and ``samples.csv``.

    Args:
        classes: mu-law classes ``(batch, samples)``.
        sample_rate: Hz.
        title: of the model.
        folder: that exists.
    """
    digits = max(2, len(str(len(classes) - 1)))
    with (folder / FACTS_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number, row in enumerate(classes):
            audio, name = mulaw.decode(row), f"{number:0{digits}}"
            facts = sample_facts(audio, sample_rate)
            (folder / f"{name}.flac").write_bytes(flac_bytes(audio, sample_rate))
            (folder / f"{name}.png").write_bytes(mel_figure(audio, sample_rate, f"{title} · sample {number + 1}"))
            writer.writerow({"file": f"{name}.flac", **_rounded(facts)})


def _rounded(facts: SampleFacts) -> dict[str, float | None]:
    return {name: value if value is None else round(value, 6) for name, value in asdict(facts).items()}


def read_rendered(folder: Path) -> list[RenderedSample]:
    """Read ``samples.csv`` of a rendered batch.

    Raises:
        SamplingError: when it is missing or torn.
    """
    try:
        with (folder / FACTS_FILE).open(newline="", encoding="utf-8") as file:
            return [
                RenderedSample(
                    row["file"],
                    SampleFacts(
                        float(row["seconds"]),
                        float(row["peak"]),
                        float(row["rms_dbfs"]) if row["rms_dbfs"] else None,
                        float(row["silent_share"]),
                    ),
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise SamplingError(
            f"{folder} holds no readable {FACTS_FILE}", "delete that folder and run snakemake again"
        ) from error


def facts_in_words(facts: SampleFacts) -> str:
    """The plain figures of a sample as one line."""
    level = "digital silence" if facts.rms_dbfs is None else f"{facts.rms_dbfs:.1f} dBFS RMS".replace("-", "\u2212")
    return f"{facts.seconds:.1f} s, peak {facts.peak:.2f}, {level}, {silent_words(facts.silent_share)}"


def make_clip(name: str, detail: str, facts: SampleFacts, audio: bytes, figure: bytes) -> Clip:
    """Put together what there is to hear, see and tell of a sample.

    Args:
        name: its heading.
        detail: a line under it, or empty.
        facts: its plain figures.
        audio: a FLAC file.
        figure: a PNG file.
    """
    words = facts_in_words(facts)
    return Clip(
        name=name,
        detail=detail,
        seconds=facts.seconds,
        facts=words,
        audio=data_uri(audio, "audio/flac"),
        figure=data_uri(figure, "image/png"),
        figure_words=f"Waveform and mel spectrogram of {name}: {words}.",
    )


def sample_clips(folder: Path, show: int) -> list[Clip]:
    """The first samples of a rendered batch; their audio is embedded as it is.

    Raises:
        SamplingError: when a file is missing.
    """
    clips = []
    for number, sample in enumerate(read_rendered(folder)[:show], start=1):
        audio = folder / sample.file
        try:
            content, figure = audio.read_bytes(), audio.with_suffix(".png").read_bytes()
        except OSError as error:
            raise SamplingError(
                f"{sample.file} or its figure cannot be read: {error.strerror}",
                "delete the folder of audio and run snakemake again",
            ) from error
        clips.append(make_clip(f"Sample {number}", "", sample.facts, content, figure))
    return clips


def real_clips(sequence: PackedSequence, excerpts: int, seconds: float) -> list[Clip]:
    """Excerpts from the middle of held-out tracks, spread evenly over the test split.

    Args:
        sequence: mu-law audio.
        excerpts: how many at most.
        seconds: length of each; a shorter track is taken whole.

    Raises:
        SequenceError: when the sequence is not audio.
    """
    if sequence.hop != 1 or sequence.classes != mulaw.CLASSES:
        raise SequenceError("--sequence holds codes, which cannot be heard", "give the sequence named 'audio'")
    tracks = [track for track in sequence.tracks("test") if track.length]
    taken = min(excerpts, len(tracks))
    length = max(1, round(seconds * sequence.sample_rate))
    clips = []
    for place in range(taken):
        track = tracks[place * len(tracks) // taken]
        start = max(0, (track.length - length) // 2)
        audio = mulaw.decode(sequence.steps(track)[start : start + length])
        minutes, rest = divmod(start // sequence.sample_rate, 60)
        clips.append(
            make_clip(
                track.labels.name or f"Track {track.track}",
                f"from {minutes}:{rest:02}",
                sample_facts(audio, sequence.sample_rate),
                flac_bytes(audio, sequence.sample_rate),
                mel_figure(audio, sequence.sample_rate, track.labels.name or track.track),
            )
        )
    return clips


def drawn_in_words(shown: int, held: int, temperature: float | None, top_p: float | None) -> str:
    """How the samples were chosen and drawn."""
    told = f"All {held} samples drawn" if shown == held else f"The first {shown} of {held} samples drawn"
    if held == 1:
        told = "The one sample drawn"
    at = [] if temperature is None else [f"temperature {temperature:g}"]
    if top_p is not None:
        at.append("no nucleus cut" if top_p == 1 else f"nucleus {top_p:g}")
    return f"{told}{', at ' if at else ''}{', '.join(at)}; none was chosen by ear."


def players_html(page: PlayersPage) -> str:
    """The page as HTML."""
    return render("players.html", {"page": page})
