"""What a page is made of: typed blocks, which one template draws (``templates/page.html``).

Text is escaped where it is drawn. Words with emphasis or a link in them are :class:`markupsafe.Markup`: a constant, or
``Markup("<em>{}</em>").format(value)``, which escapes the value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from descant.formatting import bracketed, decimal

if TYPE_CHECKING:
    # slow to import, and the workflow reads this module
    from descant.statistics import Interval

Block: TypeAlias = "Text | Items | Table | Chart | Clips | Pictures | Fold | Grid | Section"


@dataclass(frozen=True)
class Text:
    """A paragraph; ``style`` is any of ``lead``, ``quiet``, ``small``, ``note``, ``banner`` and ``quote``."""

    words: str
    style: str = ""
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Items:
    """A list; ``style`` as of a paragraph, or ``steps`` for a numbered way and ``numbered`` for notes of a table."""

    items: Sequence[str]
    style: str = ""
    kind: ClassVar[str] = "items"


@dataclass(frozen=True)
class Cell:
    """A cell of a table; empty text is an absent figure, drawn as a dash.

    Attributes:
        text: the figure or the words.
        spread: its interval, under it.
        strong: whether it stands out.
    """

    text: str
    spread: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Column:
    """A column; ``words`` are set to the left, ``tinted`` is what others published, not what was measured here."""

    heading: str
    words: bool = False
    tinted: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Attributes:
        name: its heading.
        cells: one a column but the first.
        detail: a line under the heading.
        address: of the page that the heading links to.
        note: number of its note under the table; 0 without one.
        marked: whether the row stands out.
    """

    name: str
    cells: Sequence[Cell]
    detail: str = ""
    address: str = ""
    note: int = 0
    marked: bool = False


@dataclass(frozen=True)
class Table:
    """A table of figures.

    Attributes:
        caption: above it.
        columns: the first is that of the rows' headings.
        lines: rows.
        groups: a spanning heading and its number of columns, over all but the first; empty for none.
        wide: whether it may need more than a screen's width, and keeps its first column in sight.
    """

    caption: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    groups: Sequence[tuple[str, int]] = ()
    wide: bool = False
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart (:mod:`descant.report.charts`); ``label`` names it for those who do not see it."""

    spec: Mapping[str, Any]
    label: str
    kind: ClassVar[str] = "chart"


@dataclass(frozen=True)
class Clip:
    """Something to listen to, with its waveform and spectrogram.

    Attributes:
        name: its heading.
        detail: a line under it, before the facts.
        seconds: its length.
        facts: its plain figures, in words.
        audio: data URI.
        figure: data URI.
        figure_words: what the figure shows, for those who do not see it.
        address: of the page with more of it.
    """

    name: str
    detail: str
    seconds: float
    facts: str
    audio: str
    figure: str
    figure_words: str
    address: str = ""


@dataclass(frozen=True)
class Clips:
    """Players, one below the other, or side by side where there is room; ``compact`` ones show no axes."""

    clips: Sequence[Clip]
    beside: bool = False
    compact: bool = False
    kind: ClassVar[str] = "clips"


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, its name, and what it shows for those who do not see it."""

    name: str
    source: str
    words: str
    width: int
    height: int


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side: self-similarity, piano rolls, scores."""

    pictures: Sequence[Picture]
    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when they are asked for."""

    summary: str
    blocks: Sequence[Block]
    kind: ClassVar[str] = "fold"


@dataclass(frozen=True)
class Grid:
    """Blocks side by side where there is room."""

    parts: Sequence[Sequence[Block]]
    kind: ClassVar[str] = "grid"


@dataclass(frozen=True)
class Section:
    """Blocks under a heading; ``name`` is what links to it and tests find it by, where that is wanted."""

    heading: str
    blocks: Sequence[Block]
    name: str = ""
    kind: ClassVar[str] = "section"


@dataclass(frozen=True)
class Page:
    """A page of the report.

    Attributes:
        title: its heading.
        blocks: what stands on it.
        style: ``broad``, or ``dense`` for a run on one screen; empty for text.
    """

    title: str
    blocks: Sequence[Block] = field(default=())
    style: str = ""


def charts_of(blocks: Sequence[Block]) -> Iterator[Chart]:
    """Every chart of some blocks and of what is in them, in order."""
    for block in blocks:
        if isinstance(block, Chart):
            yield block
        elif isinstance(block, Section | Fold):
            yield from charts_of(block.blocks)
        elif isinstance(block, Grid):
            for part in block.parts:
                yield from charts_of(part)


def interval_cell(found: "Interval | None", digits: int) -> Cell:
    """A figure with its interval under it; a dash where there is none."""
    return Cell("") if found is None else Cell(decimal(found.value, digits), bracketed(found.low, found.high, digits))


def figures(heading: str, columns: Sequence[str], lines: Sequence[Line]) -> Table:
    """A table whose columns are all numbers; see :class:`Table`."""
    return Table(heading, [Column(column) for column in columns], lines)


def chart_section(heading: str, words: str, spec: Mapping[str, Any], place: str = "") -> Section:
    """A chart under its heading and its words; ``place`` distinguishes charts of one heading."""
    label = f"{place}, {heading}" if place else heading
    return Section(heading, [Text(words, "quiet small"), Chart(spec, label)])
