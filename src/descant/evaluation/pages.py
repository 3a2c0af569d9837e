"""Self-contained HTML pages: templates with autoescape, files embedded as data URIs, nothing fetched."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from descant.evaluation.site import build_entries

# no value can hold it: they are escaped
SITE_MARKER = "<!-- site -->"


def data_uri(content: bytes, media_type: str) -> str:
    """A file as an address that holds it, for ``src`` in a page."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def render(template: str, values: Mapping[str, object]) -> str:
    """Fill a template of this package; every value is escaped, and a missing one is an error.

    Args:
        template: its file name in ``templates``.
        values: what it may use, by name.

    Returns:
        HTML.
    """
    return _environment().get_template(template).render({"site_marker": Markup(SITE_MARKER), **values})


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("descant.evaluation", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sha256"] = _sha256
    return environment


def _sha256(text: str) -> str:
    """How a page's policy names a script that may run."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def write_page(path: Path, html: str, pages: Sequence[str] = ()) -> None:
    """Write a page beside its place, then rename it; only here its place is known, and with it its links to others.

    Args:
        path: where it will stand.
        html: of :func:`render`.
        pages: the report's pages, for the navigation (see :func:`descant.evaluation.site.build_entries`); without
            any there is none.

    Raises:
        PageError: when the page is none of them.
    """
    site = _environment().get_template("site.html").render(entries=build_entries(pages, path)) if pages else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(html.replace(SITE_MARKER, site, 1), encoding="utf-8")
    temporary.replace(path)
