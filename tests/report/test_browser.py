"""The report in a real browser: it opens from disk with nothing fetched, is heard, and is used by key and by ear."""

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import browser
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from small_report import HOSTILE, TITLES, build_report

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is one")
NAMES = ("index.html", "players/deep.html", "table.html", "curves.html")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pages, under a name that addresses must escape."""
    return build_report(tmp_path_factory.mktemp("a run # 1%")).parent


@pytest.fixture(scope="module")
def opened() -> Iterator[webdriver.Chrome]:
    with browser.open_browser() as driver:
        yield driver


@pytest.fixture
def driver(opened: webdriver.Chrome) -> webdriver.Chrome:
    browser.reset(opened)
    return opened


def visit(driver: webdriver.Chrome, path: Path) -> None:
    driver.get(path.as_uri())


def active(driver: webdriver.Chrome, script: str) -> object:
    return driver.execute_script(f"const it = document.activeElement; return {script};")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_keeps_a_person_from_using_it(driver: webdriver.Chrome, report: Path, name: str) -> None:
    assert browser.faults(driver, report / name) == []
    assert driver.title and driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert HOSTILE in driver.find_element(By.TAG_NAME, "body").get_attribute("textContent")
    assert not driver.find_elements(By.XPATH, "//b")


FAULTS = {
    '<img src="data:," width="9">': "no name",
    "<h4>skipped</h4>": "headings",
    '<p style="color: #888">grey</p>': "'grey' cannot be read",
    '<p style="width: 700px">wide</p>': "needs",
    '<table><tr><th style="overflow-wrap: anywhere; min-width: 0">Name</th><td>'
    + "x" * 400
    + "</td></tr></table>": "a row's heading",
    "<script>1</script>": "says",
    '<img src="https://elsewhere.invalid/x.png" alt="elsewhere">': "asks for https",
}


@pytest.mark.parametrize("html", FAULTS)
def test_what_would_keep_a_person_from_it_is_found(
    driver: webdriver.Chrome, report: Path, tmp_path: Path, html: str
) -> None:
    page = (report / "table.html").read_text().replace("</main>", f"{html}</main>")
    if "https" in html:
        page = page.replace("img-src data:", "img-src https:")
    (tmp_path / "page.html").write_text(page)
    assert any(FAULTS[html] in fault for fault in browser.faults(driver, tmp_path / "page.html"))


def test_charts_are_drawn(driver: webdriver.Chrome, report: Path) -> None:
    visit(driver, report / "curves.html")
    WebDriverWait(driver, 20).until(lambda d: d.find_elements(By.CSS_SELECTOR, ".chart svg"))


def test_a_run_is_on_one_screen(driver: webdriver.Chrome, report: Path) -> None:
    visit(driver, report / "index.html")
    for identifier in ("listen", "table", "music", "findings"):
        section = driver.find_element(By.CSS_SELECTOR, f"[aria-labelledby={identifier}]").rect
        assert section["y"] + section["height"] <= 900


def test_tab_reaches_everything_in_order_and_shows_where_it_is(driver: webdriver.Chrome, report: Path) -> None:
    visit(driver, report / "index.html")
    WebDriverWait(driver, 10).until(lambda d: not d.find_elements(By.CSS_SELECTOR, ".seek[hidden]"))
    everything = "a[href], summary, audio, input, [tabindex='0']"
    wanted = [e for e in driver.find_elements(By.CSS_SELECTOR, everything) if e.is_displayed()]
    body, seen = driver.find_element(By.TAG_NAME, "body"), []
    for _ in range(200):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        focused = driver.switch_to.active_element
        if focused == body:
            break
        if focused in seen:
            # a player has several controls of its own
            assert focused == seen[-1]
            continue
        seen.append(focused)
        outline = active(driver, "getComputedStyle(it).outlineStyle + getComputedStyle(it).outlineWidth")
        assert outline not in ("none0px", "none3px"), focused.get_attribute("outerHTML")[:200]
    # the first of all is seen only while it has the focus
    assert seen[0].get_attribute("class") == "skip" and seen[1:] == wanted


def test_one_clip_sounds_at_a_time_and_the_line_moves(driver: webdriver.Chrome, report: Path) -> None:
    visit(driver, report / "players" / "deep.html")
    first, second = driver.find_elements(By.TAG_NAME, "audio")[:2]
    slider = driver.find_element(By.CSS_SELECTOR, ".seek")
    driver.execute_script("arguments[0].play()", first)
    WebDriverWait(driver, 10).until(lambda d: first.get_property("currentTime") > 0.3)
    assert float(slider.get_property("value")) > 0.1
    driver.execute_script("arguments[0].play()", second)
    WebDriverWait(driver, 10).until(lambda d: second.get_property("currentTime") > 0.1)
    assert first.get_property("paused") and not second.get_property("paused")


def test_a_key_plays_and_seeks(driver: webdriver.Chrome, report: Path) -> None:
    visit(driver, report / "index.html")
    audio, slider = (driver.find_element(By.CSS_SELECTOR, f".clip {tag}") for tag in ("audio", ".seek"))
    WebDriverWait(driver, 10).until(lambda d: slider.is_displayed())
    assert audio.get_property("duration") == pytest.approx(2.0, abs=0.01)
    slider.send_keys(Keys.PAGE_UP)
    after = audio.get_property("currentTime")
    assert 0.1 <= after <= 0.5
    slider.send_keys(Keys.ARROW_RIGHT)
    assert after < audio.get_property("currentTime") <= after + 0.2
    slider.send_keys(Keys.HOME)
    WebDriverWait(driver, 10).until(lambda d: slider.get_attribute("aria-valuetext") == "0.0 of 2.0 seconds")
    slider.send_keys(Keys.SPACE)
    WebDriverWait(driver, 10).until(lambda d: audio.get_property("currentTime") > 0.2)
    slider.send_keys(Keys.SPACE)
    assert audio.get_property("paused")


@pytest.mark.parametrize("share", [0.25, 0.75])
@pytest.mark.parametrize("name", ["index.html", "players/deep.html"])
def test_a_click_on_the_figure_seeks_to_that_time(
    driver: webdriver.Chrome, report: Path, name: str, share: float
) -> None:
    visit(driver, report / name)
    audio, picture, slider = (driver.find_element(By.CSS_SELECTOR, f".clip {tag}") for tag in ("audio", "img", ".seek"))
    WebDriverWait(driver, 10).until(lambda d: slider.is_displayed())
    # from the picture's own axes, so that the line lies where the sound is
    width, middle = picture.rect["width"], picture.rect["width"] / 2
    across = round(width * (0.075 + 0.83 * share) - middle)
    ActionChains(driver).move_to_element_with_offset(picture, across, 10).click().perform()
    assert audio.get_property("currentTime") == pytest.approx(2.0 * share, abs=0.02)


def test_links_lead_to_pages_that_are_there_and_back(driver: webdriver.Chrome, report: Path) -> None:
    for name in ("index.html", *(f"players/{model}.html" for model in TITLES), "table.html", "curves.html"):
        visit(driver, report / name)
        links = [link.get_property("href") for link in driver.find_elements(By.CSS_SELECTOR, "a[href]")]
        assert all(Path(unquote(urlsplit(link).path)).is_file() for link in links)
        current = driver.find_elements(By.CSS_SELECTOR, "[aria-current=page]")
        assert [unquote(urlsplit(link.get_property("href")).path) for link in current] == [str(report / name)]
    visit(driver, report / "index.html")
    menu = driver.find_element(By.CSS_SELECTOR, ".site summary")
    menu.send_keys(Keys.ENTER)
    driver.find_element(By.LINK_TEXT, f"Another = {HOSTILE}").click()
    assert driver.find_element(By.TAG_NAME, "h1").text == f"Another = {HOSTILE}"
    driver.find_element(By.LINK_TEXT, "This run").click()
    assert Path(unquote(urlsplit(driver.current_url).path)) == report / "index.html"


def test_within_another_page_there_are_no_links_that_lead_nowhere(
    driver: webdriver.Chrome, report: Path, tmp_path: Path
) -> None:
    content = base64.b64encode((report / "index.html").read_bytes()).decode()
    # as Snakemake's report holds a page
    (tmp_path / "report.html").write_text(f'<iframe src="data:text/html;base64,{content}" title="page"></iframe>')
    visit(driver, tmp_path / "report.html")
    driver.switch_to.frame(0)
    WebDriverWait(driver, 10).until(lambda d: d.find_elements(By.TAG_NAME, "audio"))
    assert not driver.find_elements(By.CSS_SELECTOR, "nav, a[href]:not([href^='#'])")
    assert TITLES["deep"] in driver.find_element(By.TAG_NAME, "table").text
    driver.switch_to.default_content()


def test_without_scripts_the_players_the_table_and_the_links_work(driver: webdriver.Chrome, report: Path) -> None:
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    visit(driver, report / "index.html")
    assert all(audio.get_attribute("controls") for audio in driver.find_elements(By.TAG_NAME, "audio"))
    assert not any(slider.is_displayed() for slider in driver.find_elements(By.CSS_SELECTOR, ".seek"))
    driver.find_element(By.LINK_TEXT, "The table").click()
    assert driver.current_url.endswith("table.html")


def test_reduced_motion_moves_the_line_in_steps(driver: webdriver.Chrome, report: Path) -> None:
    count = """
    let frames = 0; const asked = window.requestAnimationFrame;
    window.requestAnimationFrame = (call) => { frames += 1; return asked.call(window, call); };
    document.querySelector("audio").play(); setTimeout(() => arguments[0](frames), 700);
    """
    for wish, moves in (("reduce", False), ("no-preference", True)):
        browser.reset(driver, prefers_reduced_motion=wish)
        visit(driver, report / "players" / "deep.html")
        assert (driver.execute_async_script(count) > 0) == moves
