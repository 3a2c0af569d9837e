"""Pages as files: one template with autoescape, one style sheet, nothing fetched, and links to the other pages."""

import base64
import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from markupsafe import Markup

from descant.corpus.outputs import whole_file
from descant.errors import PageError
from descant.report.blocks import Page, charts_of
from descant.report.registry import kind_of


@dataclass(frozen=True)
class Entry:
    """A link of the navigation, or a menu of them.

    Attributes:
        label: what people read.
        address: relative to the page that holds it; empty for a menu.
        current: whether it is that page, or a menu that holds it.
        pages: of a menu.
    """

    label: str
    address: str
    current: bool
    pages: Sequence["Entry"] = field(default=())


def build_entries(pages: Sequence[str], own: str) -> list[Entry]:
    """The navigation of one page.

    Args:
        pages: every page of the report as ``NAME`` or ``NAME=TITLE``; pages of one folder make a menu.
        own: name of the page that holds it.

    Raises:
        PageError: when it is none of them, or one is of no known kind.
    """
    named = [(name, title) for name, _, title in (page.partition("=") for page in pages)]
    if own not in [name for name, _ in named]:
        raise PageError(f"--pages does not name {own}, the page that is written", "name it")
    folder = posixpath.dirname(own) or "."
    entries: list[Entry] = []
    for name, title in named:
        label, in_folder = kind_of(name).label, "/" in name
        address = posixpath.relpath(f"{name}.html", folder)
        entry = Entry(title or label, address, name == own)
        if not in_folder:
            entries.append(entry)
            continue
        menu = entries.pop() if entries and entries[-1].pages and entries[-1].label == label else None
        before, current = (menu.pages, menu.current) if menu else ((), False)
        entries.append(Entry(label, "", current or entry.current, [*before, entry]))
    return entries


def render(page: Page, entries: Sequence[Entry] = ()) -> str:
    """A page as HTML; every value is escaped, and a missing one is an error. Without entries it stands alone."""
    loader = jinja2.PackageLoader("descant.report", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    scripts = [loader.get_source(environment, "page.js")[0]]
    if any(charts_of(page.blocks)):
        # a second to import, and most pages that have charts have many
        from descant.report.charts import javascript

        scripts += [javascript(), loader.get_source(environment, "charts.js")[0]]
    values = {
        "page": page,
        "entries": entries,
        "style": Markup(loader.get_source(environment, "style.css")[0]),
        "scripts": [(Markup(script), _sha256(script)) for script in scripts],
    }
    return environment.get_template("page.html").render(values) + "\n"


def data_uri(content: bytes, media_type: str) -> str:
    """A file as an address that holds it, for ``src`` in a page."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _sha256(text: str) -> str:
    """How a page's policy names a script that may run."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def write_page(path: Path, page: Page, entries: Sequence[Entry] = ()) -> None:
    """Write a page beside its place, then rename it; see :func:`render`."""
    html = render(page, entries)
    with whole_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
