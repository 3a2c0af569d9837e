"""The page of models of music in parts: how well they predict and fill, and what they draw, beside Bach."""

from collections.abc import Callable, Sequence
from pathlib import Path

from descant.evaluation.parts_baselines import ALL, COMPOSE, FILL
from descant.evaluation.parts_scores import BASELINE, NEXT, PartsLine
from descant.evaluation.parts_table import DRAWN, REAL, Drawing, PartsFigures, PartsTable
from descant.formatting import bracketed, decimal, level
from descant.report.blocks import Block, Cell, Column, Items, Line, Page, Section, Table, Text
from descant.report.registry import Builder
from descant.results import Given, read_json
from descant.scores.parts import VOICES
from descant.statistics import Interval

LEAD = (
    "Networks that learn music in four voices, beside what counting alone knows. A token is a pitch that is struck, a "
    "rest that begins, or that what sounded is held on. Most tokens are held, and whoever always holds is right about "
    "these: read the columns of changed ones, with which a note or a rest begins."
)
OF_COMPOSING = (
    "Nats are the negative log-likelihood of test pieces; lower is better. Those of an RMVAE, marked with ≤, are an "
    "upper bound, and of the measures that it predicts, which the first ones of a piece are not among."
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
POLLS = (
    ("Transposed, or not", "50 % / 50 %", 14),
    ("Size: small, medium, large", "21.1 % / 44.5 % / 34.4 %", 32),
    ("Scale and rhythm losses: with, without", "54.7 % / 45.3 %", 17),
    ("Harmony loss: with, without", "41.5 % / 58.5 %", 22),
    ("Recurrent product of experts: with, without", "52.9 % / 47.1 %", 14),
)
NETWORK = "Network"


class PartsGiven(Given):
    """What the page is made from: the table that ``table_parts`` wrote."""

    table: Path


def _of(interval: Interval | None) -> Cell:
    if interval is None:
        return Cell("")
    return Cell(decimal(interval.value, 3), bracketed(interval.low, interval.high, 3))


def _figure(line: PartsLine, key: str, best: bool) -> Cell:
    value, low, high = (getattr(line, key + end) for end in ("", "_low", "_high"))
    most = "≤ " if line.bound and value is not None and key.startswith("nats") else ""
    return Cell(most + decimal(value, 3), bracketed(low, high, 3), best)


def _best(lines: Sequence[PartsLine], key: str, choose: Callable[[list[float]], float]) -> float | None:
    """The best figure of a column."""
    figures = [value for line in lines if (value := getattr(line, key)) is not None]
    return choose(figures) if figures else None


def _lines(found: PartsTable, task: str, material: str = ALL) -> list[PartsLine]:
    return [line for line in found.lines if line.task == task and line.material == material]


def _table_of_lines(caption: str, lines: Sequence[PartsLine], columns: dict[str, str]) -> Table:
    best = {key: _best(lines, key, min if key.startswith("nats") else max) for key in columns}
    rows = []
    for line in lines:
        cells = [_figure(line, key, getattr(line, key) == best[key]) for key in columns]
        counts = [Cell(f"{line.pieces:,}"), Cell(f"{line.changed_tokens:,}")]
        rows.append(Line(line.title, [*cells, *counts], line.model, marked=line.kind != BASELINE))
    headings = [NETWORK, *columns.values(), "Pieces", "Changed tokens"]
    return Table(caption, [Column(heading) for heading in headings], rows, wide=True)


def _predicted(found: PartsTable) -> list[Block]:
    composed = {"nats_per_token": "Nats a token", "nats_per_changed_token": "Nats a changed token"}
    right = {"changed_accuracy": "Changed tokens right", "accuracy": "Tokens right"}
    blocks: list[Block] = []
    for heading, words, task, columns in (
        ("Composing", OF_COMPOSING, COMPOSE, composed),
        ("The next measure", OF_NEXT, NEXT, right),
    ):
        tables = [
            _table_of_lines(f"On: {material}.", lines, columns)
            for material in dict.fromkeys(line.material for line in found.lines)
            if (lines := _lines(found, task, material))
        ]
        blocks.append(Section(heading, [Text(words, "quiet small"), *tables]))
    return blocks


def _filled(found: PartsTable) -> Section:
    of_voice = {voice: _lines(found, FILL.format(voice)) for voice in VOICES}
    best = {voice: _best(lines, "changed_accuracy", max) for voice, lines in of_voice.items()}
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
    cells = {name: [_of(row.sets.get(name)) for row in rows] for name in names}
    lines = [Line(name, of_set) for name, of_set in cells.items()]
    columns = [Column("Missing voices"), *(Column(f"{row.title}{', at most' * row.bound}") for row in rows)]
    return Section(
        "Any voices missing", [Text(OF_SETS, "quiet small"), Table("Nats a token.", columns, lines, wide=True)]
    )


def _music(rows: Sequence[PartsFigures]) -> Section:
    keys = ("scale", "rhythm", "harmony")
    lines = [Line(row.title, [*(_of(row.music.get(key)) for key in keys), _of(row.kl)], row.model) for row in rows]
    bach = Line("Bach, the same measures", [*(_of(rows[0].bach.get(key)) for key in keys), Cell("")], marked=True)
    columns = [Column(heading) for heading in (NETWORK, *(key.capitalize() for key in keys), "KL")]
    table = Table("Lower is what these losses ask for.", columns, [bach, *lines])
    return Section("What the music losses say", [Text(OF_MUSIC, "quiet small"), table])


def _drawings(rows: Sequence[PartsFigures]) -> list[tuple[str, str, Drawing]]:
    """Name, row and figures of all that was drawn, the test pieces first."""
    real = [("Bach, test pieces", "", one) for one in rows[0].drawings if one.material == REAL]
    return real + [
        (row.title + ("" if one.material == DRAWN else f", {one.material}"), row.model, one)
        for row in rows
        for one in row.drawings
        if one.material != REAL
    ]


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


def _distances(drawn: Sequence[tuple[str, str, Drawing]]) -> Section:
    def mean(values: Sequence[float | None]) -> float | None:
        found = [value for value in values if value is not None]
        return sum(found) / len(found) if found else None

    keys = list(dict.fromkeys(key for _, _, one in drawn for key in one.distances))
    lines = [
        Line(
            name,
            [Cell(decimal(mean(one.distances.get(key, [])), 2)) for key in keys],
            model,
            marked=one.material == REAL,
        )
        for name, model, one in drawn
    ]
    table = Table("Lower is nearer.", [Column("Pieces drawn"), *(Column(key.capitalize()) for key in keys)], lines)
    return Section("Distances beside the floor", [Text(OF_DISTANCES, "quiet small"), table])


def best_in_words(found: PartsTable) -> list[str]:
    """What is best at what on all test pieces, a sentence each."""
    sentences = []
    asked = [(COMPOSE, "nats_per_changed_token", "composing, by nats a changed token", min)]
    asked += [(NEXT, "changed_accuracy", "the next measure, by changed tokens that are right", max)]
    asked += [(FILL.format(name), "changed_accuracy", f"filling the {name}, by the same", max) for name in VOICES]
    for task, key, words, choose in asked:
        lines = _lines(found, task)
        best = _best(lines, key, choose)
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
    drawn = _drawings(found.rows)
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
        _distances(drawn),
        _music(found.rows),
        Section("What people preferred in the thesis", [Text(OF_POLLS, "quiet small"), polls]),
        Text(f"Intervals, in brackets under a figure, are of {level(found.confidence)}, over pieces.", "quiet small"),
    ]
    return Page("Music in parts", blocks, "broad")


PAGE = Builder(PartsGiven, build)
