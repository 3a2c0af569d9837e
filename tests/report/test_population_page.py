import json
from pathlib import Path

import browser
import pytest
from page_reading import Page, make_page, read_page, specs
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from small_population import COMMITMENT, RATE, write_population

from descant.errors import PopulationError
from descant.report.lineage import Population, read_population
from descant.report.pages.population import (
    CHOSEN,
    OWN,
    TAKEN,
    bits_along,
    cost,
    decisions,
    draw_lines,
    failures,
    fitness_of,
    lineage_chart,
    perplexity_of,
    setting_of,
    traces,
    verdict,
)

HOSTILE = "</script><script>alert(1)</script>"
FAILED = frozenset({(1, 2)})


def trained(folder: Path, name: str = "vqvae8.vqvae8_pbt") -> Population:
    return read_population(name, write_population(folder, fail=FAILED))


def page_of(folder: Path, *names: str) -> str:
    """The page of a population, under each name."""
    return make_page("population", folder.with_suffix(".html"), populations={name: folder for name in names or ("s",)})


def test_plotted_values_are_the_files_values(tmp_path: Path) -> None:
    trained(tmp_path)
    drawn = [next(iter(spec["datasets"].values())) for spec in specs(page_of(tmp_path))]
    # a line that joins ends at a figure of the member's own line
    plotted = [{(int(row["detail"].split()[1][0]), row["series"], row["x"], row["value"]) for row in rows
                if row["marked"]} for rows in drawn]  # fmt: skip
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
    lines = draw_lines(population, trace)
    assert [line.weight == CHOSEN for line in lines] == sorted(line.weight == CHOSEN for line in lines)
    for state in population.states:
        decision, parent = state.decision, population.parent(state)
        place = (str(decision.member), f"generation {decision.generation}")
        own = [line for line in lines if (line.series, line.detail.partition(",")[0]) == place]
        assert {line.weight == CHOSEN for line in own} <= {state in population.lineage}
        dashed = [line for line in own if line.way == TAKEN]
        joined = dashed if decision.action == "exploited" else [line for line in own if line.way == OWN]
        if parent and trace(parent) and trace(state):
            assert joined[0].begins == trace(parent)[-1]
        if decision.action != "exploited":
            assert not dashed
        assert [point for line in own if line.way == OWN for point in line.points] == list(trace(state))
        assert not any(line.marked for line in dashed)
    assert any(line.way == TAKEN for line in lines)


@pytest.mark.parametrize(("members", "spans"), [(1, False), (4, True)])
def test_values_over_a_decade_have_a_logarithmic_axis(tmp_path: Path, members: int, spans: bool) -> None:
    population = read_population("s", write_population(tmp_path, members))
    rates = [state.decision.after[RATE] for state in population.states]
    assert (max(rates) / min(rates) >= 10) == spans
    axes = {spec["layer"][0]["encoding"]["y"]["title"]: spec["layer"][0]["encoding"]["y"]["scale"].get("type")
            for spec in [lineage_chart(population, trace) for trace in traces(population)]}  # fmt: skip
    assert axes["learning rate"] == ("log" if spans else None) and axes["fitness"] is None


def test_what_was_chosen_and_what_it_cost_is_said(tmp_path: Path) -> None:
    population = trained(tmp_path)
    table, chosen = decisions(population), population.chosen
    assert f"member {chosen.decision.member} of generation 2" in verdict(population)
    assert f"{chosen.score.bits:.3f} bits per step" in verdict(population)
    assert cost(population).startswith("Cost: 4 members of 300 steps each, at most 1,200 steps of training, against")
    assert "member 2 in generation 1" in failures(population)
    assert sum(line.marked for line in table.lines) == 3 and len(table.lines) == 12
    failed = next(line for line in table.lines if line.cells[-1].text == "failed")
    assert (failed.name, failed.cells[-3].text) == ("Generation 1, member 2", "")
    text = read_page(page_of(tmp_path), str(tmp_path)).text
    assert text.count("exploited") >= 2 and "population, keys and fitness are ours" in text


def test_changes_are_shown_as_before_and_after(tmp_path: Path) -> None:
    population = trained(tmp_path)
    for state, line in zip(population.states, decisions(population).lines, strict=True):
        for (key, after), cell in zip(state.decision.after.items(), line.cells[2:], strict=False):
            shown, before = [float(part) for part in cell.text.split("→")], state.decision.before.get(key)
            expected = [after] if before in (None, after) else [before, after]
            assert shown == pytest.approx(expected, rel=5e-3)


def test_page_escapes_and_fetches_nothing(tmp_path: Path) -> None:
    trained(tmp_path / "p")
    html = page_of(tmp_path / "p", HOSTILE, "other")
    page = read_page(html, str(tmp_path))
    assert HOSTILE not in html and HOSTILE in page.text and html.count("window.vegaEmbed=") == 1
    assert len(specs(html)) == 10 and html == page_of(tmp_path / "p", HOSTILE, "other")


def test_nothing_tuned_and_one_generation(tmp_path: Path) -> None:
    write_population(tmp_path, members=2, generations=1)
    (tmp_path / "generation0" / "decisions.csv").write_text(
        "generation,member,parent,action\n0,0,,founded\n0,1,,founded\n"
    )
    population = read_population("s", tmp_path)
    assert [trace.heading for trace in traces(population)] == ["Lineage", "Fitness", "Codes in use"]
    assert "settings" not in verdict(population) and "in generation 0." in verdict(population)
    assert not failures(population)


def test_the_page_has_its_navigation_and_needs_a_population(tmp_path: Path) -> None:
    write_population(tmp_path / "p")
    given = {"populations": {"vqvae8.pbt": tmp_path / "p"}}
    page = read_page(make_page("population", tmp_path / "population.html", ["curves", "population"], **given))
    assert "vqvae8.pbt" in page.text and [link["href"] for link in page.all("a") if "aria-current" in link]
    with pytest.raises(PopulationError, match="no population is given"):
        make_page("population", tmp_path / "none.html", populations={})


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is one")
def test_nothing_keeps_a_person_from_using_it(tmp_path: Path) -> None:
    trained(tmp_path / "p")
    make_page(
        "population", tmp_path / "population.html", ["curves", "population"], populations={HOSTILE: tmp_path / "p"}
    )
    assert Page((tmp_path / "population.html").read_text()).all("nav")
    with browser.open_browser() as driver:
        assert browser.faults(driver, tmp_path / "population.html") == []
        drawn = WebDriverWait(driver, 20).until(
            lambda d: len(found) == 5 and found if (found := d.find_elements(By.CSS_SELECTOR, ".chart svg")) else False
        )
        for place, picture in enumerate(drawn):
            dashed = picture.find_elements(By.CSS_SELECTOR, "path[stroke-dasharray='6,4']")
            assert dashed and picture.find_elements(By.CSS_SELECTOR, "path[stroke-width='4']"), place
