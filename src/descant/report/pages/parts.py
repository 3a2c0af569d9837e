"""The page of models of music in parts: how well they predict and fill, and what they draw, beside Bach."""

from collections.abc import Sequence
from pathlib import Path

from descant.evaluation.parts_baselines import COMPOSE, FILL
from descant.evaluation.parts_scores import BASELINE, NEXT
from descant.evaluation.parts_table import REAL, Drawing, PartsFigures, PartsTable
from descant.formatting import decimal, level
from descant.report.blocks import Block, Cell, Column, Items, Line, Page, Section, Table, Text
from descant.report.parts_tables import (
    NETWORK,
    best_of,
    distances_section,
    lines_on,
    music_section,
    named_drawings,
    of_interval,
    table_of_lines,
)
from descant.report.polyphonic_parts import polyphonic_blocks
from descant.report.registry import Builder
from descant.results import Given, read_json
from descant.scores.parts import VOICES

LEAD = (
    "Networks that learn music in four voices, beside what counting alone knows. A token is a pitch that is struck, a "
    "rest that begins, or that what sounded is held on. Most tokens are held, and whoever always holds is right about "
    "these: read the columns of changed ones, with which a note or a rest begins."
)
OF_COMPOSING = (
    "Nats are the negative log-likelihood of test pieces; lower is better. Those of an RMVAE, marked with ≤, are an "
    "upper bound, and of the measures that it predicts, which the first ones of a piece are not among. Mixed with "
    "n-grams is a sum of a network's probabilities and of what counting knows of the training pieces and of the piece "
    "so far, by weights that the validation pieces chose."
)
OF_NEXT = (
    "Each measure is written with the likeliest tokens, from the true measures before it; beside the networks are to "
    "hold always and to copy the last measure."
)
OF_FILLING = (
    "One voice is written with the likeliest token each time, from the other three and from what was written before: "
    "in brackets how much of all sixteenths sounds right. The autoregressive network knows where the others go; an "
    "RMVAE reads only the measures before, and its first ones are not scored."
)
OF_SETS = (
    "Nats a token of each set of voices when the others are given; of an RMVAE the bound, and in it the past of the "
    "missing voices is not given either, except where all are missing."
)
OF_MUSIC = (
    "The thesis's losses, of the likeliest next measures and of Bach's own: pitch classes that the true measure lacks "
    "(scale) and places at which nothing begins there (rhythm) cost 1 a token, others earn 1; harmony counts pitch "
    "classes that begin together a semitone, a tone or a tritone apart, a sixteenth. KL is nats a measure: at 0 the "
    "latents say nothing."
)
OF_RULES = (
    "Rules of voice leading in drawn pieces. Bach breaks them too: his own rate in the test pieces is the target, not "
    "0. Drawn by the rules, a step is drawn until it breaks none of them. Parallels are counted in all "
    "pairs of voices, and for every hundred changes of what sounds."
)
OF_DISTANCES = (
    "Wasserstein distances between histograms of drawn and of training pieces, mean over voices: pitch and intervals "
    "in semitones, durations in sixteenths. The test pieces' own distance is the floor. An RMVAE says the "
    "likeliest tokens, by which it would write one piece: it goes on from the first measures of test pieces, and only "
    "what it adds is counted."
)
OF_POLLS = (
    "What listeners of the thesis (Vignal 2020) preferred, as it prints: of its own networks, on its own data, and not "
    "measured here. With so few people none of these differs surely from a tossed coin, the size perhaps excepted."
)
BACH = "Bach"
POLLS = (
    ("Transposed, or not", "50 % / 50 %", 14),
    ("Size: small, medium, large", "21.1 % / 44.5 % / 34.4 %", 32),
    ("Scale and rhythm losses: with, without", "54.7 % / 45.3 %", 17),
    ("Harmony loss: with, without", "41.5 % / 58.5 %", 22),
    ("Recurrent product of experts: with, without", "52.9 % / 47.1 %", 14),
)


class PartsGiven(Given):
    """What the page is made from: the table that ``table_parts`` wrote."""

    table: Path


def _predicted(found: PartsTable) -> list[Block]:
    composed = {"nats_per_token": "Nats a token", "nats_per_changed_token": "Nats a changed token"}
    right = {"changed_accuracy": "Changed tokens right", "accuracy": "Tokens right"}
    blocks: list[Block] = []
    for heading, words, task, columns in (
        ("Composing", OF_COMPOSING, COMPOSE, composed),
        ("The next measure", OF_NEXT, NEXT, right),
    ):
        tables = [
            table_of_lines(f"On: {material}.", lines, columns)
            for material in dict.fromkeys(line.material for line in found.lines)
            if (lines := lines_on(found, task, material))
        ]
        blocks.append(Section(heading, [Text(words, "quiet small"), *tables]))
    return blocks


def _filled(found: PartsTable) -> Section:
    of_voice = {voice: lines_on(found, FILL.format(voice)) for voice in VOICES}
    best = {voice: best_of(lines, "changed_accuracy", max) for voice, lines in of_voice.items()}
    rows = []
    for first in of_voice[VOICES[0]]:
        cells = []
        for voice, lines in of_voice.items():
            line = next(one for one in lines if (one.model, one.title) == (first.model, first.title))
            share, sounds = line.changed_accuracy, decimal(line.accuracy, 2)
            cells.append(Cell(decimal(share, 2), f"({sounds})", share is not None and share == best[voice]))
        rows.append(Line(first.title, cells, first.model, marked=first.kind != BASELINE))
    table = Table("Changed tokens that are right.", [Column(NETWORK), *map(Column, VOICES)], rows)
    return Section("Filling a voice", [Text(OF_FILLING, "quiet small"), table])


def _sets(rows: Sequence[PartsFigures]) -> Section:
    names = list(dict.fromkeys(name for row in rows for name in row.sets))
    cells = {name: [of_interval(row.sets.get(name)) for row in rows] for name in names}
    lines = [Line(name, of_set) for name, of_set in cells.items()]
    columns = [Column("Missing voices"), *(Column(f"{row.title}{', at most' * row.bound}") for row in rows)]
    return Section(
        "Any voices missing", [Text(OF_SETS, "quiet small"), Table("Nats a token.", columns, lines, wide=True)]
    )


def _rules(drawn: Sequence[tuple[str, str, Drawing]]) -> Section:
    headings = {
        "fifths_per_100": "Parallel fifths per 100 changes", "octaves_per_100": "Parallel octaves per 100 changes",
        "fifths_per_piece": "Fifths a piece", "octaves_per_piece": "Octaves a piece", "crossing_percent": "Crossing, %",
        "spacing_percent": "Spacing, %", "range_percent": "Out of range, %",
    }  # fmt: skip
    lines = []
    for name, model, one in drawn:
        cells = [Cell(decimal(getattr(one.rates, key), 2)) for key in headings]
        counts = [Cell(f"{one.pieces:,}"), Cell(f"{one.measures:,}")]
        lines.append(Line(name, [*cells, *counts], model, marked=one.material == REAL))
    columns = [Column(heading) for heading in ("Pieces drawn", *headings.values(), "Pieces", "Measures")]
    table = Table("Nearest to Bach is best.", columns, lines, wide=True)
    return Section("Rules beside Bach's own rate", [Text(OF_RULES, "quiet small"), table])


def _is_polyphonic(found: PartsTable) -> bool:
    return any(line.note_f1 is not None for line in found.lines)


def best_in_words(found: PartsTable) -> list[str]:
    """What is best at what on all test pieces, a sentence each."""
    sentences = []
    if _is_polyphonic(found):
        token, right, figure, article = "note", "F1 of notes", "note_f1", ""
    else:
        token, right, figure, article = "changed token", "changed tokens that are right", "changed_accuracy", "the "
    asked = [(COMPOSE, "nats_per_changed_token", f"composing, by nats a {token}", min)]
    asked += [(NEXT, figure, f"the next measure, by {right}", max)]
    filled = dict.fromkeys(line.task for line in found.lines if line.task not in (COMPOSE, NEXT))
    asked += [
        (task, figure, f"filling {article}{task.removeprefix(FILL.format(''))}, by the same", max) for task in filled
    ]
    for task, key, words, choose in asked:
        lines = lines_on(found, task)
        best = best_of(lines, key, choose)
        names = [
            f"{line.title}{' (a bound)' * (line.bound and task == COMPOSE)}"
            for line in lines
            if getattr(line, key) == best
        ]
        if best is not None:
            sentences.append(f"{words[0].upper()}{words[1:]}: {' and '.join(names)}, {decimal(best, 2)}.")
    return sentences


def build(given: PartsGiven) -> Page:
    """The page: what is best at what, then a section for each question, and the thesis's own polls."""
    found = read_json(PartsTable, given.table)
    if _is_polyphonic(found):
        return Page("Music in parts", polyphonic_blocks(found), "broad")
    drawn = named_drawings(found.rows, BACH)
    polls = Table(
        "The thesis's own, of other networks.",
        [Column("Question"), Column("Preferred", tinted=True), Column("People", tinted=True)],
        [Line(question, [Cell(shares), Cell(str(people))]) for question, shares, people in POLLS],
    )
    blocks: list[Block] = [
        Text(LEAD, "lead"),
        Section("What is best at what", [Items(best_in_words(found))]),
        *_predicted(found),
        _filled(found),
        _sets(found.rows),
        _rules(drawn),
        distances_section(drawn, OF_DISTANCES),
        music_section(found.rows, OF_MUSIC, BACH),
        Section("What people preferred in the thesis", [Text(OF_POLLS, "quiet small"), polls]),
        Text(f"Intervals, in brackets under a figure, are of {level(found.confidence)}, over pieces.", "quiet small"),
    ]
    return Page("Music in parts", blocks, "broad")


PAGE = Builder(PartsGiven, build)
