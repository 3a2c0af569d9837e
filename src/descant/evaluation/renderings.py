"""What measures of reconstructions share: a figure of every rendering of every excerpt, and its mean by rendering."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from descant.audio import mulaw
from descant.audio.files import Block
from descant.config.evaluation import Evaluation
from descant.evaluation.material import Excerpt, white_noise
from descant.evaluation.reconstruction import MULAW, NOISE, OTHER, instruments_of, others_of, pieces_of, read_draws
from descant.evaluation.reconstruction_results import Drawn, Excerpts, Material, read_material
from descant.evaluation.vocoded import read_vocoded
from descant.formatting import count
from descant.results import Given, Summary
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, grouped_interval

ORIGINAL = "original"
# what stacks and vocoders are compared with, and what each is
REFERENCES = {
    ORIGINAL: "the recording itself",
    MULAW: "quantisation alone",
    OTHER: "music, but not this music",
    NOISE: "no music at all",
}
# of one rendering of an excerpt, given the excerpt's number and the audio ``(samples,)``; None where it is not defined
Figure = Callable[[int, Block], float | None]


class Vocoded(Given):
    """What was made of mel spectrograms of the excerpts.

    Attributes:
        title: what people call it.
        sound: folder of the excerpts' audio.
        of_true_frames: the title of what the same vocoder makes of the recordings' own frames; None for such a one.
        row: of the models, whose Mel2Mel predicted the spectrograms; None for true ones.
    """

    title: str
    sound: Path
    of_true_frames: str | None = None
    row: str | None = None


class RenderingsGiven(Excerpts):
    """What the figures are made from.

    Attributes:
        evaluation: how they are measured, and how their intervals are drawn.
        seed: root.
        stacks: what was drawn of each stack's codes.
        vocoded: what each vocoder made.
    """

    evaluation: Evaluation
    seed: int
    stacks: list[Drawn] = Field(default_factory=list)
    vocoded: list[Vocoded] = Field(default_factory=list)


class RenderingsSummary(Summary):
    """The mean figure of every rendering that has one, what they are compared with among them.

    Attributes:
        confidence: level of the intervals.
        excerpts: how many.
        renderings: by what they are called.
        instruments: the same by what plays, where the excerpts are of several instruments.
    """

    confidence: float
    excerpts: int
    renderings: dict[str, Interval]
    instruments: dict[str, dict[str, Interval]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """How renderings are measured.

    Attributes:
        shortest_seconds: excerpts that it needs.
        absent: why a rendering has no figure.
        with_original: whether the recording itself is a rendering too: where it has not the best figure by definition.
    """

    shortest_seconds: float
    absent: str
    with_original: bool = False


def renderings_of(
    given: RenderingsGiven, material: Material, with_original: bool = False
) -> Iterator[tuple[str, list[Block]]]:
    """Every rendering of all excerpts: the floor, each stack's first draw, what vocoders made, and two ceilings."""
    if with_original:
        yield ORIGINAL, list(material.originals)
    if MULAW not in (one.title for one in given.vocoded):
        yield MULAW, [mulaw.decode(steps) for steps in material.companded]
    for one in given.stacks:
        yield one.stack, [mulaw.decode(steps) for steps in read_draws(one.drawn, material.stretches)[0]]
    for vocoded in given.vocoded:
        yield vocoded.title, read_vocoded(vocoded.sound, material.stretches)
    if others := others_of(pieces_of(material.stretches)):
        yield OTHER, [material.originals[place] for place in others]
    tracks = [(stretch.track.track, float(stretch.start)) for stretch in material.stretches]
    places = zip(tracks, material.originals, strict=True)
    yield NOISE, [white_noise(Excerpt(*place, audio), given.seed).audio for place, audio in places]


def by_instrument(
    values: Sequence[float | None], played: Sequence[str], pieces: Sequence[str], bootstrap: Bootstrap
) -> dict[str, Interval]:
    """Means over the excerpts that each instrument plays; none where all are of one, or it is not known.

    Args:
        values: of each excerpt; None or NaN where there is none.
        played: by which instrument.
        pieces: what it is music of.
        bootstrap: how intervals are drawn.
    """
    found: dict[str, Interval] = {}
    names = sorted(set(played)) if len(set(played)) > 1 else []
    for name in filter(None, names):
        places = [place for place, each in enumerate(played) if each == name]
        mean = grouped_interval([values[at] for at in places], [pieces[at] for at in places], bootstrap)
        if mean is not None:
            found[name] = mean
    return found


def summarise_renderings(
    given: RenderingsGiven, measure: Measure, figure_of: Callable[[Material], Figure]
) -> RenderingsSummary:
    """Measure every rendering of every excerpt.

    Args:
        given: excerpts, stacks and vocoders.
        measure: how.
        figure_of: makes the figure for these excerpts; called only where there is something to measure.

    Raises:
        SequenceError: when the audio or the recordings cannot be read.
        SamplingError: when what was drawn cannot be read.
    """
    settings = given.evaluation
    bootstrap = Bootstrap(settings.bootstrap_draws, settings.confidence, given.seed)
    wanted = bool(given.stacks or given.vocoded)
    material, missing, means = read_material(given, wanted), [], {}
    number = len(material.originals)
    instruments: dict[str, dict[str, Interval]] = {}
    pieces, played = pieces_of(material.stretches), instruments_of(material.stretches)
    if not wanted:
        missing.append("no model has a stack or a vocoder, so there is nothing to reconstruct")
    elif not number:
        missing.append(f"no test track is as long as an excerpt, {given.reconstruction.seconds:g} s")
    elif len(material.originals[0]) < measure.shortest_seconds * material.audio.sample_rate:
        missing.append(
            f"excerpts of {measure.shortest_seconds:g} s are needed, these are of {given.reconstruction.seconds:g} s"
        )
    else:
        if (different := len(set(pieces))) < FEWEST_TRACKS:
            missing.append(f"intervals: {count(different, 'test piece')} long enough, {FEWEST_TRACKS} needed")
        figure = figure_of(material)
        for name, rendered in renderings_of(given, material, measure.with_original):
            values = [figure(place, audio) for place, audio in enumerate(rendered)]
            mean = grouped_interval(values, pieces, bootstrap)
            if mean is None:
                missing.append(f"{name}: {measure.absent}")
            else:
                means[name] = mean
                for instrument, one in by_instrument(values, played, pieces, bootstrap).items():
                    instruments.setdefault(instrument, {})[name] = one
    reasons = [f"not reported: {reason}" for reason in missing]
    return RenderingsSummary(
        missing=reasons,
        confidence=settings.confidence,
        excerpts=number,
        renderings=means,
        instruments=instruments,
    )
