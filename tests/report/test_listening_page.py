"""The page of results: what it says, that it is safe, and that simulated ratings are marked on all of it."""

import json
import re
from pathlib import Path

import browser
import pandas as pd
import pytest
from listeners import ratings_table
from page_reading import Page, make_page, read_page
from selenium.webdriver.common.by import By

from descant.commands.listening_analysis import listening_analysis
from descant.config.listening import Screening
from descant.listening.analysis import analyse
from descant.listening.ratings import check_ratings
from descant.report.pages.listening import lay_out
from descant.report.render import build_entries, render

HOSTILE = "<img src=http://example.org/x onerror=alert(1)> </script> \"&' {{ 7*7 }}"
MEANS = {"one": 3.4, "two": 2.4, "real": 4.5, "anchor_fidelity": 1.5}


def rated(raters: int = 8, items: int = 4, source: str = "people") -> pd.DataFrame:
    parts = [ratings_table(MEANS, raters, items, seed, scale) for seed, scale in enumerate(("fidelity", "musicality"))]
    return pd.concat(parts, ignore_index=True).assign(source=source)


def shown(table: pd.DataFrame, titles: dict[str, str] | None = None) -> tuple[str, Page]:
    analysis = analyse(check_ratings(table, "test"), Screening(), 0.95)
    html = render(lay_out(analysis, titles or {}), build_entries(["index", "listening"], "listening"))
    return html, read_page(html)


def test_scores_intervals_and_words(tmp_path: Path) -> None:
    table = rated()
    table.loc[0, "comment"] = HOSTILE
    html, page = shown(table, {"one": HOSTILE})
    assert "SIMULATED" not in html
    assert "8 people gave 256 ratings" in page.text and "No rater was left out" in page.text
    # after the page's own part comes the charts' JavaScript, which holds such tags
    own = html.partition("\n<script>")[0]
    assert page.text.count(HOSTILE) >= 3 and "<img" not in own and "alert(1)> </script>" not in own
    assert "held-out real music" in page.text and "too small" in page.text and "ICC(2,k)" in page.text
    assert "crossed random-effects model (statsmodels, REML) finds" in page.text
    captions = re.findall(r"<caption>(.*?)</caption>", html)
    assert len(captions) == 6
    charts = [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)]
    assert len(charts) == 4 and all(chart["description"] for chart in charts)
    assert shown(table, {"one": HOSTILE})[0] == html


def test_simulated_ratings_are_marked_on_every_part() -> None:
    html, page = shown(rated(source="simulated"))
    assert re.search(r"<title>SIMULATED", html) and re.search(r"<h1>SIMULATED", html)
    captions = re.findall(r"<caption>(.*?)</caption>", html)
    assert captions and all(caption.startswith("SIMULATED") for caption in captions)
    assert "Nobody listened" in page.text and "8 synthetic raters" in page.text and "people gave" not in page.text


def test_who_was_left_out_is_reported_with_both_results() -> None:
    table = rated()
    _, page = shown(table.assign(excluded=table["session"] == "s003"))
    assert (
        "1 of 8 raters was left out" in page.text and "Rater 4, 32 ratings: set aside by the experimenter." in page.text
    )
    assert "(32)" in page.text and "8 people gave 256 ratings" in page.text
    assert "leave nobody" in shown(table.assign(excluded=True))[1].text


def test_few_ratings_have_dashes_not_figures() -> None:
    _, page = shown(rated(raters=1, items=1))
    assert "nan" not in page.text.lower() and "None" not in page.text
    assert [span for span in page.all("span") if span.get("aria-label") == "no figure"]
    assert "too few ratings to separate raters from clips" in page.text


def test_a_scale_of_a_hundred_points_is_drawn_in_tens() -> None:
    table = ratings_table({"one": 3.0, "real": 4.5}, 5, 6, scale="mushra")
    table["value"] = table["value"] * 20 - 3 + table["item"]
    html, _ = shown(table)
    histogram = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)[1])
    assert {row["value"] % 10 for rows in histogram["datasets"].values() for row in rows} == {0}


def test_commands_make_the_page_and_the_scores(tmp_path: Path) -> None:
    rated().to_csv(tmp_path / "r.csv", index=False)
    listening_analysis(tmp_path / "r.csv", tmp_path / "a.json", tmp_path / "s.csv")
    given = {"analysis": tmp_path / "a.json", "titles": {"one": "Title of one"}}
    assert "Title of one" in make_page("listening", tmp_path / "p.html", **given)
    scores = pd.read_csv(tmp_path / "s.csv")
    assert len(scores) == 2 * 2 * 4 and set(scores["source"]) == {"people"}


def test_preferences_have_a_table_of_their_own() -> None:
    table = ratings_table({"one": 3.0}, 9, 6, scale="preference")
    table = table.assign(other="x", other_system="two", value=(table["value"] > 2) * -1.0 + 2.0)
    _, page = shown(table)
    assert "Preferences" in page.text and "heard first was preferred on" in page.text and "of 54" in page.text


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is one")
def test_a_browser_draws_its_charts_and_finds_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "listening.html"
    path.write_text(shown(rated())[0])
    with browser.open_browser() as driver:
        browser.reset(driver)
        assert browser.faults(driver, path) == []
        assert len(driver.find_elements(By.CSS_SELECTOR, ".chart svg")) == 4
