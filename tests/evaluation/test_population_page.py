import json
import re
from pathlib import Path

import browser
import pytest
from page_reading import Page, read_page
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from small_population import COMMITMENT, RATE, write_population

from descant.commands.population_page import population_page
from descant.errors import PopulationError
from descant.evaluation.pages import write_page
from descant.evaluation.population import Population, read_population
from descant.evaluation.population_charts import (
    CHOSEN,
    OWN,
    TAKEN,
    bits_along,
    draw_marks,
    fitness_of,
    perplexity_of,
    setting_of,
)
from descant.evaluation.population_page import build_part, population_html

HOSTILE = "</script><script>alert(1)</script>"
FAILED = frozenset({(1, 2)})


def trained(folder: Path, name: str = "vqvae8.vqvae8_pbt") -> Population:
    return read_population(name, write_population(folder, fail=FAILED))


def specs(html: str) -> list[dict]:
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)]


def test_plotted_values_are_the_files_values(tmp_path: Path) -> None:
    population = trained(tmp_path)
    drawn = [next(iter(spec["datasets"].values())) for spec in specs(population_html("t", [population]))]
    plotted = [{(row["generation"], row["member"], row["x"], row["value"]) for row in rows if row["own"]}
               for rows in drawn]  # fmt: skip
    written = [set(), set(), set(), set(), set()]
    for generation in range(3):
        for member in range(4):
            folder = tmp_path / f"generation{generation}" / f"member{member}"
            score = json.loads((folder / "score.json").read_text())
            for line in (folder / "metrics.csv").read_text().splitlines()[1:]:
                step, split, metric, value = line.split(",")
                if (split, metric) == ("validation", "bits"):
                    written[0].add((generation, str(member), int(step), float(value)))
            row = (tmp_path / f"generation{generation}" / "decisions.csv").read_text().splitlines()[1 + member]
            for place, column in ((1, 5), (2, 7)):
                written[place].add((generation, str(member), generation, float(row.split(",")[column])))
            for place, key in ((3, "fitness"), (4, "perplexity")):
                if score[key] is not None:
                    written[place].add((generation, str(member), generation, score[key]))
    assert plotted == written and len(written[3]) == 11


@pytest.mark.parametrize("trace", [bits_along, fitness_of, perplexity_of, setting_of(RATE), setting_of(COMMITMENT)])
def test_lines_begin_where_the_parent_ended_and_only_takeovers_are_dashed(tmp_path: Path, trace) -> None:  # type: ignore[no-untyped-def]
    population = trained(tmp_path)
    marks = draw_marks(population, trace)
    assert [mark.lineage == CHOSEN for mark in marks] == sorted(mark.lineage == CHOSEN for mark in marks)
    for state in population.states:
        decision, parent = state.decision, population.parent(state)
        own = [mark for mark in marks if (mark.generation, mark.member) == (decision.generation, str(decision.member))]
        assert {mark.lineage == CHOSEN for mark in own} <= {state in population.lineage}
        dashed = [mark for mark in own if mark.way == TAKEN]
        joined = dashed if decision.action == "exploited" else [mark for mark in own if mark.way == OWN]
        if parent and trace(parent) and trace(state):
            end = trace(parent)[-1]
            assert (joined[0].x, joined[0].value, joined[0].own) == (end.x, end.value, False)
        if decision.action != "exploited":
            assert not dashed
        assert [(mark.x, mark.value) for mark in own if mark.own and mark.way == OWN] == [
            (place.x, place.value) for place in trace(state)
        ]
    assert any(mark.way == TAKEN for mark in marks)


@pytest.mark.parametrize(("members", "spans"), [(1, False), (4, True)])
def test_values_over_a_decade_have_a_logarithmic_axis(tmp_path: Path, members: int, spans: bool) -> None:
    population = read_population("s", write_population(tmp_path, members))
    rates = [state.decision.after[RATE] for state in population.states]
    assert (max(rates) / min(rates) >= 10) == spans
    axes = {spec["layer"][0]["encoding"]["y"]["title"]: spec["layer"][0]["encoding"]["y"]["scale"].get("type")
            for spec in specs(population_html("t", [population]))}  # fmt: skip
    assert axes["learning rate"] == ("log" if spans else None) and axes["fitness"] is None


def test_what_was_chosen_and_what_it_cost_is_told(tmp_path: Path) -> None:
    population = trained(tmp_path)
    part, chosen = build_part(population), population.chosen
    assert f"member {chosen.decision.member} of generation 2" in part.verdict
    assert f"{chosen.score.bits:.3f} bits per step" in part.verdict
    assert part.cost.startswith("Cost: 4 members of 300 steps each, at most 1,200 steps of training, against 300 of")
    assert "member 2 in generation 1" in part.failures
    assert sum(row.chosen for row in part.rows) == 3 and len(part.rows) == 12
    failed = next(row for row in part.rows if row.failed)
    assert (failed.name, failed.bits, failed.fitness) == ("Generation 1, member 2", "", "")
    text = read_page(population_html("t", [population]), str(tmp_path)).text
    assert text.count("exploited") >= 2 and "population, keys and fitness are ours" in text


def test_changes_are_told_as_before_and_after(tmp_path: Path) -> None:
    population = trained(tmp_path)
    rows = {row.name: row for row in build_part(population).rows}
    for state in population.states:
        row = rows[f"Generation {state.decision.generation}, member {state.decision.member}"]
        for (key, after), told in zip(state.decision.after.items(), row.settings, strict=True):
            shown, before = [float(part) for part in told.split("→")], state.decision.before.get(key)
            expected = [after] if before in (None, after) else [before, after]
            assert shown == pytest.approx(expected, rel=5e-3)


def test_page_escapes_and_fetches_nothing(tmp_path: Path) -> None:
    html = population_html(f"Population {HOSTILE}", [trained(tmp_path, HOSTILE), trained(tmp_path, "other")])
    page = read_page(html, str(tmp_path))
    assert HOSTILE not in html and HOSTILE in page.text and html.count("window.vegaEmbed=") == 1
    assert len(specs(html)) == 10
    assert html == population_html(f"Population {HOSTILE}", [trained(tmp_path, HOSTILE), trained(tmp_path, "other")])


def test_nothing_tuned_and_one_generation(tmp_path: Path) -> None:
    write_population(tmp_path, members=2, generations=1)
    (tmp_path / "generation0" / "decisions.csv").write_text(
        "generation,member,parent,action\n0,0,,founded\n0,1,,founded\n"
    )
    population = read_population("s", tmp_path)
    part = build_part(population)
    assert [figure.heading for figure in part.figures] == ["Lineage", "Fitness", "Codes in use"]
    assert "settings" not in part.verdict and "in generation 0." in part.lineage and not part.failures


def test_command_writes_the_page_with_its_navigation(tmp_path: Path) -> None:
    write_population(tmp_path / "p")
    output = tmp_path / "report" / "population.html"
    population_page([f"vqvae8.pbt={tmp_path / 'p'}"], output, pages=["Training=curves.html", "Pop=population.html"])
    page = read_page(output.read_text(), str(tmp_path))
    assert "vqvae8.pbt" in page.text and [link["href"] for link in page.all("a") if "aria-current" in link]
    for given in (["nameless"], [], [f"a={tmp_path / 'p'}"] * 2):
        with pytest.raises(PopulationError, match="--population"):
            population_page(given, output)


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is one")
def test_nothing_keeps_a_person_from_using_it(tmp_path: Path) -> None:
    html = population_html("Population", [trained(tmp_path / "p", HOSTILE)])
    pages = ["Training=curves.html", "Population=population.html"]
    write_page(tmp_path / "population.html", html, pages)
    assert Page((tmp_path / "population.html").read_text()).all("nav")
    with browser.open_browser() as driver:
        assert browser.faults(driver, tmp_path / "population.html") == []
        drawn = WebDriverWait(driver, 20).until(
            lambda d: len(found) == 5 and found if (found := d.find_elements(By.CSS_SELECTOR, ".chart svg")) else False
        )
        for place, picture in enumerate(drawn):
            dashed = picture.find_elements(By.CSS_SELECTOR, "path[stroke-dasharray='6,4']")
            assert dashed and picture.find_elements(By.CSS_SELECTOR, "path[stroke-width='4']"), place
