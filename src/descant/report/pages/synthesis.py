"""The page of vocoders and Mel2Mels: test excerpts from their mel spectrograms, to hear, to see and in figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from descant.audio.files import Block as Sound
from descant.evaluation.reconstruction import MULAW, NOISE, OTHER, Stretch, instruments_of, tracks_of
from descant.evaluation.reconstruction_results import Excerpts, Material, read_material
from descant.evaluation.renderings import Vocoded
from descant.evaluation.synthesis import INSTRUMENT, SHUFFLED, Nearness, SynthesisSummary
from descant.evaluation.vocoded import read_vocoded
from descant.formatting import clock, count, decimal, level, percent
from descant.report.blocks import (
    Block,
    Cell,
    Clip,
    Clips,
    Column,
    Items,
    Line,
    Page,
    Pictures,
    Section,
    Table,
    Text,
    figures,
    interval_cell,
)
from descant.report.clips import clip_of, picture
from descant.report.pictures import SCORE_SIZE, score_png
from descant.report.registry import Builder, Finding
from descant.results import read_json
from descant.sequences import PackedSequence, open_sequence

REFERENCES = {
    MULAW: "quantisation alone",
    OTHER: "music, but not this music",
    NOISE: "no music at all",
    INSTRUMENT: "the notes, another timbre",
    SHUFFLED: "the sounds, in another order",
}
# notes from C1 up, each the lowest of its octave
OCTAVES = [f"C{number}" for number in range(1, 8)]
# mean of 84 pitches, then pitches an octave apart from A1 up, 55 Hz
SOURCE_COLUMNS = ("Mean", *(f"{55 * 2**octave} Hz" for octave in range(7)))
SOURCE = {
    "mu-law only": (0.979, 0.966, 0.980, 0.990, 0.997, 0.995, 0.989, 0.934),
    "true mel, WaveNet": (0.854, 0.776, 0.832, 0.857, 0.890, 0.907, 0.918, 0.873),
    "tanh-log-abs loss, WaveNet": (0.754, 0.659, 0.720, 0.745, 0.769, 0.803, 0.840, 0.822),
    "log-abs loss, WaveNet": (0.754, 0.655, 0.688, 0.722, 0.767, 0.825, 0.852, 0.830),
    "abs loss, WaveNet": (0.635, 0.538, 0.598, 0.541, 0.624, 0.689, 0.762, 0.761),
}
LEAD = (
    "Test pieces, which no network was trained on, as they sound once they were mel spectrograms: their own, which "
    "show what a vocoder loses, and those that a Mel2Mel predicts from the score and the instrument."
)
METHOD = Markup(
    "Pearson correlation over time of the log magnitudes of 84 constant-Q bins, 12 an octave from C1, at a step of 512 "
    "samples (Kim et al. 2019); silence is at −100 dB of each clip's loudest bin, and the mean is over bins, then over "
    "clips (ours). <em>Share</em> is a rendering's correlation over that of the same vocoder on true spectrograms. LSD "
    "is the log-spectral distance of the page on reconstructions. Instruments are not ranked by it: sounds that begin "
    "sharply have higher correlations (Kim 2020). Compare what plays the same music."
)
OF_SOURCE = (
    "What the source measured of its own, much larger networks, on other pieces and ten instruments; read from its "
    "poster's figure, ± 0.005. Nothing here is compared with it but the order of the rows."
)


class SynthesisPageGiven(Excerpts):
    """What the page is made from.

    Attributes:
        summary: what was measured.
        vocoded: what was made of each sequence of spectrograms.
        roll: data of the packed rolls.
        frames: data of the packed spectrograms by what people call them, the true ones first.
        shown: excerpts to hear, at most: of every instrument as many.
    """

    summary: Path
    vocoded: list[Vocoded]
    roll: Path
    frames: dict[str, Path]
    shown: int = 4


def _lines(found: Mapping[str, Nearness]) -> list[Line]:
    return [
        Line(
            name,
            [
                interval_cell(one.correlation, 3),
                Cell("") if one.share is None else Cell(percent(one.share.value, 0), _share_spread(one)),
                interval_cell(one.lsd_db, 2),
            ],
            REFERENCES.get(name, ""),
        )
        for name, one in found.items()
    ]


def _share_spread(one: Nearness) -> str:
    share = one.share
    if share is None or share.low is None or share.high is None:
        return ""
    return f"[{percent(share.low, 0)}, {percent(share.high, 0)}]"


def _tables(summary: SynthesisSummary) -> list[Block]:
    found, confidence = summary.renderings, level(summary.confidence)
    caption = (
        f"Means over {count(summary.excerpts, 'excerpt')} of {count(summary.pieces, 'piece')}, under each its "
        f"{confidence} interval over pieces"
    )
    blocks: list[Block] = [
        figures(caption, ["Rendering", "Correlation", "Share of true mel", "LSD, dB"], _lines(found)),
        Text(METHOD, "quiet small"),
        figures(
            "Correlation by octave, from the note named to the next one",
            ["Rendering", *OCTAVES],
            [Line(name, [interval_cell(octave, 2) for octave in one.octaves]) for name, one in found.items()],
        ),
    ]
    names = sorted({name for one in found.values() for name in one.instruments})
    if names:
        lines = [
            Line(name, [interval_cell(one.instruments.get(each), 3) for each in names]) for name, one in found.items()
        ]
        blocks.append(figures("Correlation by instrument", ["Rendering", *names], lines))
    columns = [Column("Rendering"), *(Column(column, tinted=True) for column in SOURCE_COLUMNS)]
    source = [Line(name, [Cell(decimal(one, 3)) for one in values]) for name, values in SOURCE.items()]
    return [*blocks, Table("The source's own figures", columns, source), Text(OF_SOURCE, "quiet small")]


def choose_excerpts(stretches: Sequence[Stretch], most: int) -> list[int]:
    """Places of excerpts to hear: the first of every instrument, then the second of each."""
    rank: dict[str, int] = {}
    ranked = []
    for place, instrument in enumerate(instruments_of(stretches)):
        rank[instrument] = rank.get(instrument, -1) + 1
        ranked.append((rank[instrument], place))
    return sorted(place for _, place in sorted(ranked)[:most])


def read_sounds(vocoded: Sequence[Vocoded], material: Material) -> dict[str, list[Sound]]:
    """Every excerpt in every rendering, by what people call it."""
    return {one.title: read_vocoded(one.sound, material.stretches) for one in vocoded}


def synthesised_clips(material: Material, sounds: Mapping[str, Sequence[Sound]], place: int) -> list[Clip]:
    """One excerpt to listen to: as it was recorded, and in every rendering of :func:`read_sounds`."""
    rate, name = material.audio.sample_rate, excerpt_name(material.stretches[place])
    renderings = {"Original": material.originals[place], **{title: of[place] for title, of in sounds.items()}}
    return [clip_of(key, "", audio, rate, f"{name} · {key}") for key, audio in renderings.items()]


def excerpt_name(stretch: Stretch) -> str:
    """What people call an excerpt: the piece, and what plays it."""
    labels = stretch.track.labels
    return ", ".join(filter(None, [labels.piece or f"Track {stretch.track.track}", labels.instrument]))


def _frames(packed: PackedSequence, stretch: Stretch) -> npt.NDArray[np.float32]:
    (track,) = tracks_of([stretch], packed, "frames")
    first, last = stretch.start // packed.hop, -(-(stretch.start + stretch.length) // packed.hop)
    return np.asarray(packed.steps(track)[first:last], dtype=np.float32)


def _heard(given: SynthesisPageGiven, material: Material) -> list[Section]:
    roll = open_sequence(given.roll.parent)
    spectrograms = {name: open_sequence(path.parent) for name, path in given.frames.items()}
    sounds, sections = read_sounds(given.vocoded, material), []
    for place in choose_excerpts(material.stretches, given.shown):
        stretch = material.stretches[place]
        seen = {name: _frames(packed, stretch) for name, packed in spectrograms.items()}
        seconds = stretch.length / material.audio.sample_rate
        content = score_png(_frames(roll, stretch), seen, seconds)
        name, start = excerpt_name(stretch), stretch.start // material.audio.sample_rate
        words = f"The score of {name} as a piano roll, over mel spectrograms: {', '.join(seen)}."
        shown = picture("The score, and its spectrograms", content, words, SCORE_SIZE)
        clips = synthesised_clips(material, sounds, place)
        sections.append(Section(f"{name}, from {clock(start)}", [Pictures([shown]), Clips(clips)]))
    return sections


def build(given: SynthesisPageGiven) -> Page:
    """The page: excerpts in all their renderings with their scores, and the tables of correlations."""
    summary = read_json(SynthesisSummary, given.summary)
    material = read_material(given, bool(given.vocoded))
    blocks: list[Block] = [
        Text(LEAD, "lead"),
        *([Items(summary.missing, "note")] if summary.missing else []),
        *_heard(given, material),
        *([Section("How near to the recordings", _tables(summary), "nearness")] if summary.renderings else []),
    ]
    return Page("From scores to sound", blocks)


def finding(summary: SynthesisSummary, titles: Mapping[str, str]) -> str:
    """The correlation of what each Mel2Mel plays, and its share of what its vocoder can; empty where there is none."""
    parts = [
        f"{name} {decimal(one.correlation.value, 2)} ({percent(one.share.value)} of its vocoder's on true spectrograms)"
        for name, one in summary.renderings.items()
        if one.correlation is not None and one.share is not None
    ]
    if not parts:
        return ""
    floor = summary.renderings.get(OTHER)
    compared = f" Another piece has {decimal(floor.correlation.value, 2)}." if floor and floor.correlation else ""
    return f"Correlation with the recordings' constant-Q spectra: {', '.join(parts)}.{compared}"


PAGE = Builder(SynthesisPageGiven, build, Finding(SynthesisSummary, finding))
