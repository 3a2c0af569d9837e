"""What measures of reconstructions share: a figure of every rendering of every excerpt, and its mean by rendering."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from descant.audio import mulaw
from descant.audio.files import Block
from descant.config.evaluation import Evaluation
from descant.evaluation.material import Excerpt, white_noise
from descant.evaluation.reconstruction import MULAW, NOISE, OTHER, read_draws
from descant.evaluation.reconstruction_results import Drawn, Excerpts, Material, read_material
from descant.formatting import count
from descant.results import Summary
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, mean_interval

ORIGINAL = "original"
# what a stack is compared with, and what each is
REFERENCES = {
    ORIGINAL: "the recording itself",
    MULAW: "quantisation alone",
    OTHER: "music, but not this music",
    NOISE: "no music at all",
}
# of one rendering of an excerpt, given the excerpt's number and the audio ``(samples,)``; None where it is not defined
Figure = Callable[[int, Block], float | None]


class RenderingsGiven(Excerpts):
    """What the figures are made from: excerpts, what was drawn of each stack's codes, and how intervals are drawn."""

    evaluation: Evaluation
    seed: int
    stacks: list[Drawn]


class RenderingsSummary(Summary):
    """The mean figure of every rendering that has one, what stacks are compared with among them."""

    confidence: float
    excerpts: int
    renderings: dict[str, Interval]


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


def _renderings(given: RenderingsGiven, material: Material, with_original: bool) -> Iterator[tuple[str, list[Block]]]:
    """Every rendering of all excerpts: the floor, each stack's first draw, and two ceilings."""
    if with_original:
        yield ORIGINAL, list(material.originals)
    yield MULAW, [mulaw.decode(steps) for steps in material.companded]
    for one in given.stacks:
        yield one.stack, [mulaw.decode(steps) for steps in read_draws(one.drawn, material.stretches)[0]]
    if len(material.originals) > 1:
        yield OTHER, [*material.originals[1:], material.originals[0]]
    tracks = [(stretch.track.track, float(stretch.start)) for stretch in material.stretches]
    places = zip(tracks, material.originals, strict=True)
    yield NOISE, [white_noise(Excerpt(*place, audio), given.seed).audio for place, audio in places]


def summarise_renderings(
    given: RenderingsGiven, measure: Measure, figure_of: Callable[[Material], Figure]
) -> RenderingsSummary:
    """Measure every rendering of every excerpt.

    Args:
        given: excerpts and stacks.
        measure: how.
        figure_of: makes the figure for these excerpts; called only where there is something to measure.

    Raises:
        SequenceError: when the audio or the recordings cannot be read.
        SamplingError: when what was drawn cannot be read.
    """
    settings = given.evaluation
    bootstrap = Bootstrap(settings.bootstrap_draws, settings.confidence, given.seed)
    material, missing, means = read_material(given, bool(given.stacks)), [], {}
    number = len(material.originals)
    if not given.stacks:
        missing.append("no model has a stack, so there is nothing to reconstruct")
    elif not number:
        missing.append(f"no test track is as long as an excerpt, {given.reconstruction.seconds:g} s")
    elif len(material.originals[0]) < measure.shortest_seconds * material.audio.sample_rate:
        missing.append(
            f"excerpts of {measure.shortest_seconds:g} s are needed, these are of {given.reconstruction.seconds:g} s"
        )
    else:
        if number < FEWEST_TRACKS:
            missing.append(f"intervals: {count(number, 'test track')} long enough, {FEWEST_TRACKS} needed")
        figure = figure_of(material)
        for name, rendered in _renderings(given, material, measure.with_original):
            found = [figure(place, audio) for place, audio in enumerate(rendered)]
            mean = mean_interval([one for one in found if one is not None], bootstrap)
            if mean is None:
                missing.append(f"{name}: {measure.absent}")
            else:
                means[name] = mean
    reasons = [f"not reported: {reason}" for reason in missing]
    return RenderingsSummary(missing=reasons, confidence=settings.confidence, excerpts=number, renderings=means)
