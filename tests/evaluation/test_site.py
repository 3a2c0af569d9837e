from pathlib import Path

import pytest
from page_reading import read_page

from descant.evaluation.pages import SITE_MARKER, render, write_page
from descant.evaluation.site import Entry, PageError, build_entries

PAGES = ["This run=index.html", "Listen/A = b/c=players/a.html", "Listen/B=players/b.html", "The table=table.html"]
TABLE = {"title": "t", "groups": [], "lines": [], "head": "h", "row_notes": [], "notes": []}


def test_addresses_are_relative_to_the_page() -> None:
    top = build_entries(PAGES, Path("results/report/table.html"))
    assert [(entry.label, entry.address, entry.current) for entry in top] == [
        ("This run", "index.html", False),
        ("Listen", "", False),
        ("The table", "table.html", True),
    ]
    assert [page.address for page in top[1].pages] == ["players/a.html", "players/b.html"]
    below = build_entries(PAGES, Path("results/report/players/b.html"))
    assert below[1] == Entry("Listen", "", True, [Entry("A = b/c", "a.html", False), Entry("B", "b.html", True)])
    assert [entry.address for entry in below] == ["../index.html", "", "../table.html"]


@pytest.mark.parametrize(
    ("pages", "path"),
    [(PAGES, "report/other.html"), (["index.html"], "index.html"), (["=index.html"], "index.html"), (["A="], "a.html"),
     (["B=players/b.html"], "b.html")],
)  # fmt: skip
def test_a_page_that_is_not_named_is_refused(tmp_path: Path, pages: list[str], path: str) -> None:
    with pytest.raises(PageError, match="--pages"):
        build_entries(pages, Path(path))
    with pytest.raises(PageError):
        write_page(tmp_path / path, "", pages)
    assert not list(tmp_path.iterdir())


def test_navigation_is_escaped_and_put_in_once(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    html = render("table.html", {"page": {**TABLE, "title": f"{SITE_MARKER} {hostile}"}})
    write_page(tmp_path / "table.html", html, [f"{hostile}=index.html", "The table=table.html"])
    written = (tmp_path / "table.html").read_text()
    page = read_page(written)
    assert hostile not in written and hostile in page.text and SITE_MARKER in page.text
    assert len(page.all("nav")) == 1
    assert [link["href"] for link in page.all("a") if link["href"].endswith("html")] == ["index.html", "table.html"]
    assert [link["href"] for link in page.all("a") if "aria-current" in link] == ["table.html"]


def test_without_pages_there_is_no_navigation(tmp_path: Path) -> None:
    write_page(tmp_path / "table.html", render("table.html", {"page": TABLE}))
    written = (tmp_path / "table.html").read_text()
    assert not read_page(written).all("nav") and SITE_MARKER not in written
