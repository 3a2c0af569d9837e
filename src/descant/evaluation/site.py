"""The navigation of the report: a folder of pages that know one another by their places in it."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from descant.errors import DescantError


class PageError(DescantError):
    """A page has no place in the report."""


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


def build_entries(pages: Sequence[str], path: Path) -> list[Entry]:
    """The navigation of one page.

    Args:
        pages: every page of the report as ``LABEL=ADDRESS``, the address relative to the report's folder. Pages of one
            folder within it, as in ``Listen/Large WaveNet=players/large.html``, make a menu named by what stands
            before the slash.
        path: where the page is written; it ends on its own address.

    Raises:
        PageError: when an item is no ``LABEL=ADDRESS``, or none is the page's own.
    """
    addresses = [_address(page) for page in pages]
    own = max((address for address in addresses if _ends_on(path, address)), key=len, default=None)
    if own is None:
        raise PageError(f"--pages does not name {path.name}, the page that is written", "name it, as LABEL=ADDRESS")
    folder = posixpath.dirname(own) or "."
    entries: list[Entry] = []
    for page, address in zip(pages, addresses, strict=True):
        label = page.rpartition("=")[0]
        menu, _, rest = label.partition("/") if "/" in address else ("", "", "")
        entry = Entry(rest or label, posixpath.relpath(address, folder), address == own)
        if not menu:
            entries.append(entry)
        elif entries and entries[-1].pages and entries[-1].label == menu:
            before = entries.pop()
            entries.append(Entry(menu, "", before.current or entry.current, [*before.pages, entry]))
        else:
            entries.append(Entry(menu, "", entry.current, [entry]))
    return entries


def _address(page: str) -> str:
    label, _, address = page.rpartition("=")
    if not label or not address:
        raise PageError(f"--pages {page!r} has no address", "write --pages 'The table=table.html'")
    return address


def _ends_on(path: Path, address: str) -> bool:
    parts = tuple(address.split("/"))
    return path.parts[-len(parts) :] == parts
