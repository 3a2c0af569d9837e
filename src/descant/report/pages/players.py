"""The page on which one model is listened to, beside real music."""

from pathlib import Path

from markupsafe import Markup

from descant.audio.rendered import open_rendered
from descant.evaluation.provenance import AUDIO, read_stack, scale_in_words, stack_in_words, training_in_words
from descant.recordings import open_recordings
from descant.report.blocks import Block, Clips, Items, Page, Section, Text
from descant.report.clips import real_clips, sample_clips
from descant.report.registry import Builder
from descant.results import Given
from descant.sequences import open_sequence

FOOT = (
    "The players hold lossless audio. The line over a figure moves with the sound: click where to go on, or focus it "
    "and use the arrow keys; the space bar plays and stops. Spectrograms: 0 dBFS is a sine that just reaches full "
    "scale; RMS is over the whole clip; silent means below −60 dBFS for 50 ms."
)


class PlayersGiven(Given):
    """What the page is made from.

    Attributes:
        title: of the model.
        note: what a listener must know of it.
        drawn: folder of the audio that it drew.
        models: model files of the prior and of every ADA.
        audio: data of the packed audio.
        recordings: data of the packed waveform: real music to hear.
        temperature: that the samples were drawn at.
        top_p: nucleus that they were drawn from.
        show: samples on the page, at most.
        excerpts: of real music, at most.
        top_k: classes that were kept before it; 0: all.
        picked: whether the samples go on from candidates that were picked.
    """

    title: str
    note: str = ""
    drawn: Path
    models: list[Path]
    audio: Path
    recordings: Path
    temperature: float | None = None
    top_p: float | None = None
    show: int = 8
    excerpts: int = 3
    top_k: int = 0
    picked: bool = False


def drawn_in_words(
    shown: int, held: int, temperature: float | None, top_p: float | None, top_k: int, picked: bool
) -> str:
    """How the samples were chosen and drawn."""
    words = f"All {held} samples drawn" if shown == held else f"The first {shown} of {held} samples drawn"
    if held == 1:
        words = "The one sample drawn"
    at = [] if temperature is None else [f"temperature {temperature:g}"]
    if top_p is not None:
        at.append("no nucleus cut" if top_p == 1 else f"nucleus {top_p:g}")
    if top_k:
        at.append(f"the {top_k} most probable codes")
    chosen = "their beginnings were picked from candidates" if picked else "none was chosen by ear"
    return f"{words}{', at ' if at else ''}{', '.join(at)}; {chosen}."


def build(given: PlayersGiven) -> Page:
    """The page: how the model makes music, what it made, and held-out real music.

    Raises:
        SamplingError: when there are no samples.
    """
    sequence = open_sequence(given.audio.parent)
    stack, rendered = read_stack(given.models, sequence), open_rendered(given.drawn).samples
    trained = [training_in_words(network, sequence) for network in stack]
    step = Markup('{}<br><span class="quiet small">{}</span>')
    steps = [step.format(*pair) for pair in zip(stack_in_words(stack, sequence.sample_rate), trained, strict=True)]
    held = len(rendered)
    drawn = drawn_in_words(min(given.show, held), held, given.temperature, given.top_p, given.top_k, given.picked)
    recordings = open_recordings(given.recordings.parent)
    real = real_clips(recordings, given.excerpts, max(sample.facts.seconds for sample in rendered))
    rate = recordings.sample_rate
    sound = f"Excerpts of test tracks, which no network was trained on, as they were recorded, at {rate:,} Hz."
    if any(network.facts.learnt.name == AUDIO for network in stack):
        sound += f" The model learns them through {sequence.classes:,} mu-law classes, which add a noise of their own."
    if not real:
        sound = "No excerpt: there are no test tracks, or none was asked for."
    blocks: list[Block] = [
        Text(scale_in_words(stack, sequence), "lead"),
        *([Text(given.note, "note")] if given.note else []),
        Section("How it makes music", [Items(steps, "steps")]),
        Section("What it makes", [Text(drawn, "quiet"), Clips(sample_clips(given.drawn, given.show))]),
        Section("Real music", [Text(sound, "quiet"), *([Clips(real)] if real else [])]),
        Text(FOOT, "quiet small"),
    ]
    return Page(given.title, blocks)


PAGE = Builder(PlayersGiven, build)
