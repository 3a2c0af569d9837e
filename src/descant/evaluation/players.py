"""The page on which one model is listened to, beside real music."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.audio.clips import flac_bytes
from descant.audio.facts import SampleFacts, sample_facts
from descant.audio.rendered import open_rendered
from descant.errors import SamplingError
from descant.evaluation.figures import mel_figure
from descant.evaluation.pages import data_uri, render
from descant.evaluation.provenance import silent_words
from descant.recordings import read_recording
from descant.sequences import PackedSequence


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
    for number, sample in enumerate(open_rendered(folder).samples[:show], start=1):
        audio = folder / sample.file
        try:
            content, figure = audio.read_bytes(), audio.with_suffix(".png").read_bytes()
        except OSError as error:
            raise SamplingError(
                f"{sample.file} or its figure cannot be read: {error.strerror}",
                "delete the folder of audio and run snakemake again",
            ) from error
        primed = f"its first {sample.primed / sample.sample_rate:.1f} s were given, not drawn" if sample.primed else ""
        clips.append(make_clip(f"Sample {number}", primed, sample.facts, content, figure))
    return clips


def real_clips(recordings: PackedSequence, excerpts: int, seconds: float) -> list[Clip]:
    """Excerpts from the middle of held-out tracks, spread evenly over the test split.

    Args:
        recordings: of the corpus.
        excerpts: how many at most.
        seconds: length of each; a shorter track is taken whole.
    """
    rate = recordings.sample_rate
    tracks = [track for track in recordings.tracks("test") if track.length]
    taken = min(excerpts, len(tracks))
    length = max(1, round(seconds * rate))
    clips = []
    for place in range(taken):
        track = tracks[place * len(tracks) // taken]
        start = max(0, (track.length - length) // 2)
        audio = read_recording(recordings, track, start, start + length)
        minutes, rest = divmod(start // rate, 60)
        clips.append(
            make_clip(
                track.labels.name or f"Track {track.track}",
                f"from {minutes}:{rest:02}",
                sample_facts(audio, rate),
                flac_bytes(audio, rate),
                mel_figure(audio, rate, track.labels.name or track.track),
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
