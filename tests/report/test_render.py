"""Pages as files: navigation, escaping, one policy, and a law for every kind of block."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from markupsafe import Markup
from page_reading import read_page

from descant.errors import PageError
from descant.report import blocks as b
from descant.report.registry import KINDS, kind_of, load_builder, load_computation, measures
from descant.report.render import Entry, build_entries, render, write_page

PAGES = ["index", "players/a=A = b/c", "players/b=B", "table"]
HOSTILE = "<script>alert(1)</script>"
CLIP = b.Clip(HOSTILE, HOSTILE, 1.0, HOSTILE, "data:,a", "data:,f", HOSTILE)
EVERY = [
    b.Text(HOSTILE, "note"),
    b.Items([HOSTILE, Markup("<em>{}</em>").format(HOSTILE)], "steps"),
    b.Table(HOSTILE, [b.Column(HOSTILE), b.Column(HOSTILE, True, True)],
            [b.Line(HOSTILE, [b.Cell(HOSTILE, HOSTILE)], HOSTILE), b.Line("two", [b.Cell("")])], [(HOSTILE, 1)], True),
    b.Clips([CLIP, CLIP], compact=True),
    b.Pictures([b.Picture(HOSTILE, "data:,p", HOSTILE, 4, 3)]),
    b.Fold(HOSTILE, [b.Text(HOSTILE)]),
    b.Grid([[b.Text(HOSTILE)], [b.Section(HOSTILE, [b.Text("x")])]]),
    b.Section(HOSTILE, [b.Section("deep", [b.Clips([CLIP])])]),
]  # fmt: skip


def test_addresses_are_relative_to_the_page() -> None:
    top = build_entries(PAGES, "table")
    assert [(entry.label, entry.address, entry.current) for entry in top] == [
        ("This run", "index.html", False),
        ("Listen", "", False),
        ("The table", "table.html", True),
    ]
    assert [page.address for page in top[1].pages] == ["players/a.html", "players/b.html"]
    below = build_entries(PAGES, "players/b")
    assert below[1] == Entry("Listen", "", True, [Entry("A = b/c", "a.html", False), Entry("B", "b.html", True)])
    assert [entry.address for entry in below] == ["../index.html", "", "../table.html"]


@pytest.mark.parametrize(("pages", "own"), [(PAGES, "curves"), (["beauty"], "beauty"), ([], "index")])
def test_a_page_that_is_not_named_or_not_known_is_refused(pages: list[str], own: str) -> None:
    with pytest.raises(PageError):
        build_entries(pages, own)


@pytest.mark.parametrize("block", EVERY, ids=lambda block: block.kind)
def test_every_block_escapes_what_it_shows(block: b.Block) -> None:
    html = render(b.Page(HOSTILE, [block]))
    page = read_page(html)
    assert HOSTILE not in html and page.text.count(HOSTILE) >= 2


def test_what_is_not_there_is_drawn_as_a_dash_with_a_name() -> None:
    page = read_page(render(b.Page("t", [EVERY[2]])))
    assert [span for span in page.all("span") if span.get("aria-label") == "no figure"]


def test_headings_nest_and_names_are_unique() -> None:
    html = render(b.Page("t", EVERY))
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    read_page(html)


def test_only_scripts_of_ours_may_run_and_charts_bring_theirs() -> None:
    plain = render(b.Page("t", [b.Text("x")]))
    drawn = render(b.Page("t", [b.Section("s", [b.Grid([[b.Chart({"a": "</script>"}, "label")]])])]))
    for html, scripts in ((plain, 1), (drawn, 3)):
        policy = next(meta["content"] for meta in read_page(html).all("meta") if "http-equiv" in meta)
        assert "'unsafe-inline'" not in policy.partition("script-src")[2] and "eval" not in policy
        assert policy.count("'sha256-") == scripts
    assert drawn.count("window.vegaEmbed=") == 1 and "noscript" in drawn and "noscript" not in plain


def test_navigation_is_escaped_and_stands_alone_without_pages(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", b.Page("t"), build_entries([f"players/x={HOSTILE}", "table"], "table"))
    written = (tmp_path / "a.html").read_text()
    page = read_page(written)
    assert HOSTILE not in written and HOSTILE in page.text and len(page.all("nav")) == 1
    assert [link["href"] for link in page.all("a") if "aria-current" in link] == ["table.html"]
    assert not read_page(render(b.Page("t"))).all("nav") and [path.name for path in tmp_path.iterdir()] == ["a.html"]


@pytest.mark.parametrize("name", KINDS)
def test_every_registered_page_can_be_made_and_every_measure_has_a_finding(name: str) -> None:
    builder = load_builder(f"{name}/x")
    assert bool(builder.finding) == bool(KINDS[name].question) == (name in measures())
    assert KINDS[name].caption and KINDS[name].label
    if name in measures():
        assert load_computation(name).given
    else:
        with pytest.raises(PageError, match="not computed"):
            load_computation(name)


def test_a_page_that_is_not_registered_is_refused_with_the_names() -> None:
    with pytest.raises(PageError, match="no page 'beauty'") as error:
        kind_of("beauty")
    assert "novelty" in error.value.cure
