"""The first page of the report: a run on one screen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from descant.errors import SamplingError
from descant.evaluation.pages import render
from descant.evaluation.players import Clip, real_clips, sample_clips
from descant.evaluation.summaries import Finding
from descant.evaluation.table_page import TableError
from descant.formatting import count, duration
from descant.sequences import PackedSequence, total_seconds

SHOWN_LABELS = 3
SPLITS = {"train": "training", "validation": "validation", "test": "test"}
# what a person finds on a page of the report, by its address
ABOUT = {
    "table.html": "Likelihoods of held-out tracks, beside the paper's own figures.",
    "curves.html": "How each network got there.",
    "population.html": "Which members of a population took over others' states, and what was chosen.",
    "distances.html": "How far what is drawn lies from real music.",
    "novelty.html": "Whether what is drawn was copied, with the nearest passages side by side.",
    "reconstruction.html": "What each level's codes keep of the music, to hear.",
    "structure.html": "Self-similarity, key, pulse and notes, against real and shuffled music.",
    "listening.html": "What people said who listened.",
    "separation.html": "Mix and stem of a few tracks.",
}


@dataclass(frozen=True)
class FrontRow:
    """A row of the table.

    Attributes:
        model: its name in the configuration.
        title: what people call it.
        address: of its page, or empty.
        levels: sequences from audio up.
        bits: per sample.
        interval: of the bits, in words, or empty.
        fidelity: the paper's, of its own model, or empty.
        musicality: the same.
    """

    model: str
    title: str
    address: str
    levels: int
    bits: float
    interval: str
    fidelity: str
    musicality: str


@dataclass(frozen=True)
class Choice:
    """A model that is heard on the front page, and why it was chosen."""

    row: FrontRow
    why: str


@dataclass(frozen=True)
class FrontClip:
    """A player: what it plays, and the page with more of it, or empty."""

    clip: Clip
    address: str


@dataclass(frozen=True)
class StageLink:
    """A page of the report and what is on it."""

    label: str
    address: str
    about: str


@dataclass(frozen=True)
class FrontPage:
    """All that stands on the page; see ``templates/front.html``."""

    title: str
    scale: str
    music: Sequence[str]
    rows: Sequence[FrontRow]
    fewest: str
    clips: Sequence[FrontClip]
    findings: Sequence[Finding]
    stages: Sequence[StageLink]


def read_rows(table: Sequence[Mapping[str, str]], addresses: Sequence[str]) -> list[FrontRow]:
    """The rows of the table that ``descant.commands.table`` wrote, as text.

    Raises:
        TableError: when a column is missing or holds no number.
    """
    rows = []
    try:
        for row in table:
            address = f"players/{row['model']}.html"
            low, high = row["bits_per_sample_low"], row["bits_per_sample_high"]
            rows.append(
                FrontRow(
                    model=row["model"],
                    title=row["title"],
                    address=address if address in addresses else "",
                    levels=int(row["levels"]),
                    bits=float(row["bits_per_sample"]),
                    interval=f"[{float(low):.2f}, {float(high):.2f}]" if low and high else "",
                    fidelity=_score(row, "fidelity"),
                    musicality=_score(row, "musicality"),
                )
            )
    except (KeyError, ValueError) as error:
        raise TableError(f"the table is not the one of this pipeline: {error!r}", "run snakemake again") from error
    return rows


def _score(row: Mapping[str, str], name: str) -> str:
    mean, within = row.get(f"paper_{name}", ""), row.get(f"paper_{name}_plus_minus", "")
    return f"{float(mean):.2f} ± {float(within):.2f}" if mean and within else ""


def choose_rows(rows: Sequence[FrontRow]) -> list[Choice]:
    """Up to three rows to hear: by bits, by depth and a plain WaveNet, no row twice.

    Among equals the fewest bits per sample decide; what is left out is a role that no other row can take.
    """
    if not rows:
        return []
    by_bits = sorted(rows, key=lambda row: row.bits)
    best, others = by_bits[0], by_bits[1:]
    chosen = [Choice(best, "the fewest bits per sample of all")]
    most = max((row.levels for row in others), default=1)
    if most > 1:
        chosen.append(_fewest([row for row in others if row.levels == most], f"a stack of {most} levels"))
    plain = [row for row in others if row.levels == 1]
    if plain:
        chosen.append(_fewest(plain, f"{'another' if best.levels == 1 else 'a'} WaveNet with no codes"))
    return chosen


def _fewest(by_bits: Sequence[FrontRow], what: str) -> Choice:
    return Choice(by_bits[0], f"{what}, the fewest bits of these" if len(by_bits) > 1 else what)


def music_in_words(sequence: PackedSequence, source: str) -> list[str]:
    """What was trained on: where it is from, how much there is by split, and who and what it is by.

    Args:
        sequence: the packed audio.
        source: where the music comes from, in words.
    """
    parts = [
        f"{duration(total_seconds(sequence, (split,)))} in {count(len(sequence.split(split)), 'track')} for {use}"
        for split, use in SPLITS.items()
        if len(sequence.split(split))
    ]
    whole = f"{duration(total_seconds(sequence))} in {count(len(sequence.tracks()), 'track')}: {', '.join(parts)}."
    told = [source, whole]
    for column, noun in (("artist", "By"), ("genre", "Genres")):
        known = Counter(str(value) for value in sequence.index[column] if value)
        if known:
            ranked = sorted(known.items(), key=lambda pair: (-pair[1], pair[0]))
            named = ", ".join(f"{name} ({tracks})" for name, tracks in ranked[:SHOWN_LABELS])
            more = f", and {len(ranked) - SHOWN_LABELS} more" if len(ranked) > SHOWN_LABELS else ""
            told.append(f"{noun}: {named}{more}.")
    return told


def front_clips(choices: Sequence[Choice], folders: Mapping[str, Path], recordings: PackedSequence) -> list[FrontClip]:
    """The first sample of each chosen model, and as much of a held-out track.

    Args:
        choices: of :func:`choose_rows`.
        folders: of the audio that was drawn, by model.
        recordings: of the corpus.

    Raises:
        SamplingError: when a chosen model has no audio.
    """
    clips, seconds = [], 0.0
    for choice in choices:
        if choice.row.model not in folders:
            raise SamplingError(f"--audio names no folder of {choice.row.model}", "name one for each row of the table")
        found = sample_clips(folders[choice.row.model], 1)
        seconds = max(seconds, found[0].seconds)
        detail = f"Sample 1; {choice.why}"
        clips.append(FrontClip(replace(found[0], name=choice.row.title, detail=detail), choice.row.address))
    for clip in real_clips(recordings, 1, seconds):
        detail = f"{clip.name}, {clip.detail}, held out"
        clips.append(FrontClip(replace(clip, name="Real music", detail=detail), ""))
    return clips


def stage_links(pages: Sequence[str]) -> list[StageLink]:
    """The pages besides this one that are told apart; a model's page is linked from its row."""
    links = [page.rpartition("=") for page in pages]
    return [StageLink(label, address, ABOUT[address]) for label, _, address in links if address in ABOUT]


def front_html(page: FrontPage) -> str:
    """The page as HTML."""
    return render("front.html", {"page": page})
