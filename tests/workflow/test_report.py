"""The report that a whole run writes: its pages know one another, and reveal nothing of the machine."""

import getpass
import re
from pathlib import Path

import browser
import pytest
from page_reading import Page
from pipeline import run

pytestmark = pytest.mark.slow
DATA = re.compile(r"data:[\w/+.-]+;base64,[\w+/=]*")


def pages(finished: Path) -> dict[str, str]:
    """Every page of the report, by its address in it."""
    report = finished / "results" / "report"
    return {path.relative_to(report).as_posix(): path.read_text() for path in sorted(report.rglob("*.html"))}


def test_no_page_shows_where_or_by_whom_it_was_made(finished: Path) -> None:
    run(finished, "--report", "results/report.html")
    shown = {**pages(finished), "report.html": (finished / "results" / "report.html").read_text()}
    assert {"index.html", "table.html", "curves.html", "population.html", "players/hop8.html"} <= set(shown)
    hidden = [str(finished), str(Path.home()), str(Path(__file__).parents[2]), "/tmp/", "/home/"]
    for name, html in shown.items():
        text = DATA.sub("", html)
        assert not [part for part in hidden if part in text], name
        if getpass.getuser() != "root":
            # which is a word of CSS
            assert not re.search(rf"\b{re.escape(getpass.getuser())}\b", text), name


def test_every_page_has_its_place_in_the_navigation(finished: Path) -> None:
    for name, html in pages(finished).items():
        links = Page(html).all("a")
        folder = finished / "results" / "report" / Path(name).parent
        beside = [link["href"] for link in links if link.get("href", "").endswith(".html")]
        assert {
            (folder / link).resolve().relative_to(finished / "results" / "report").as_posix() for link in beside
        } == set(pages(finished)), name
        current = [link["href"] for link in links if link.get("aria-current") == "page"]
        assert current == [Path(name).name]


def test_the_first_page_shows_the_run(finished: Path) -> None:
    page = Page(pages(finished)["index.html"])
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "music21" in text and "in 4 tracks" in text
    assert "No interval: under five test tracks." in text
    assert len(page.all("audio")) == 4 and "little music and few steps" in text


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is one")
def test_nothing_keeps_a_person_from_using_any_page(finished: Path) -> None:
    with browser.open_browser() as driver:
        found = {name: browser.faults(driver, finished / "results" / "report" / name) for name in pages(finished)}
    assert not {name: faults for name, faults in found.items() if faults}
