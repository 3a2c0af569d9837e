"""Whole sessions in a real browser: by mouse, by keyboard alone, through the loss of the server, and without one."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import (
    ENTER,
    ESCAPE,
    LEFT,
    RIGHT,
    SPACE,
    Rater,
    chromium,
    heard_count,
    needs_browser,
    opening,
    press_button,
)
from served import ANSWER, Served, make_test

from descant.listening.answers import read_ratings_file
from descant.listening.export import export
from descant.listening.files import read_design, read_manifest
from descant.listening.static_site import write_site
from descant.listening.study import Study

pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path, make_test(tmp_path / "test"))
    server.start()
    yield server
    if server.process:
        server.stop()


def rows(served: Served) -> list[tuple[int, str, int, int]]:
    """Page, scale, revision and value of all that is stored."""
    with sqlite3.connect(served.database) as connection:
        query = "SELECT page, scale, revision, value FROM ratings ORDER BY page, scale, revision"
        return connection.execute(query).fetchall()


def test_a_whole_session_by_mouse(served: Served, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as driver:
        rater = Rater(driver)
        driver.get(served.url)
        rater.consent_by_mouse()
        for page in range(3):
            rater.heading(f"Clip {page + 1} of 3")
            assert rater.find("#fidelity").get_attribute("disabled"), "a clip can be rated before it was heard"
            rater.find(".play").click()
            rater.until(rater.heard)
            rater.choose("fidelity", page + 1)
            rater.choose("musicality", 5 - page)
            if page == 1:
                rater.find("#comment").send_keys('50 % & <b>more</b> + "quotes"\nsecond line')
            rater.click("Finish" if page == 2 else "Next")
        rater.heading("Thank you")
        rater.until(lambda: "Completion code" in rater.find("main").text)
        assert rater.errors() == []
        # the name of no system ever came to the browser
        assert "secret" not in driver.page_source
        looked_up = driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert all(name.startswith(served.url) for name in looked_up)
    table = export(served.database)
    assert [(row.page, row.scale, row.value) for row in table.itertuples()] == [
        (0, "fidelity", 1),
        (0, "musicality", 5),
        (1, "fidelity", 2),
        (1, "musicality", 4),
        (2, "fidelity", 3),
        (2, "musicality", 3),
    ]
    assert set(table["comment"]) == {"", '50 % & <b>more</b> + "quotes"\nsecond line'}
    assert (table["plays"] >= 1).all()
    assert (table["heard_ms"] >= 250).all()
    assert table["rating_ms"].between(250, 120_000).all()


def test_a_whole_session_by_keyboard_only(served: Served, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as driver:
        rater = Rater(driver)
        driver.get(served.url)
        rater.heading("Listening test")
        press_button(rater, "I agree and begin")
        rater.heading("Set your volume")
        rater.press(SPACE)
        rater.until(rater.heard)
        press_button(rater, "The volume is right")
        rater.heading("What the ratings mean")
        for example in range(2):
            # space plays what was not heard yet
            rater.press(SPACE)
            rater.until(lambda example=example: heard_count(rater) == example + 1)
        press_button(rater, "Begin to rate")
        for page in range(3):
            rater.heading(f"Clip {page + 1} of 3")
            rater.press("4")
            assert "Listen" in rater.find("main").text
            assert not driver.execute_script("return document.querySelector('main input:checked')")
            rater.press(SPACE)
            rater.until(rater.heard)
            rater.press(RIGHT)
            assert "Rate fidelity first" in rater.find("main").text
            rater.press(str(page + 1))
            rater.press_shift("5")
            rater.press(ENTER if page == 1 else RIGHT)
        rater.heading("Thank you")
        rater.until(lambda: "Completion code" in rater.find("main").text)
        press_button(rater, "Look at my ratings again")
        rater.heading("Clip 3 of 3")
        rater.press(LEFT)
        rater.heading("Clip 2 of 3")
        rater.press("5")
        rater.press("?")
        assert rater.find("dialog").get_attribute("open")
        rater.press(ESCAPE)
        rater.until(lambda: rater.saved == "Saved.")
    assert rows(served) == [
        (0, "fidelity", 1, 1),
        (0, "musicality", 1, 5),
        (1, "fidelity", 1, 2),
        (1, "fidelity", 2, 5),
        (1, "musicality", 1, 5),
        (2, "fidelity", 1, 3),
        (2, "musicality", 1, 5),
    ]
    assert export(served.database)["value"].tolist() == [1, 5, 5, 5, 3, 5]


def test_the_server_is_lost_in_the_middle_and_the_page_reloaded(served: Served, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as driver:
        rater = Rater(driver)
        driver.get(served.url)
        rater.consent_by_mouse()
        link = driver.current_url
        rater.press(SPACE)
        rater.until(rater.heard)
        rater.press("1")
        rater.until(lambda: rater.saved == "Saved.")
        served.stop(signal.SIGKILL)
        rater.press_shift("2")
        rater.until(lambda: "server does not answer. 1 rating waits" in rater.saved)
        rater.press("3")
        rater.until(lambda: "2 ratings wait" in rater.saved)
        leaving = "const event = new Event('beforeunload', {cancelable: true}); dispatchEvent(event);"
        assert driver.execute_script(f"{leaving} return event.defaultPrevented"), "leaving does not warn"
        # the warning is waved away, and the link opened in another window
        driver.get("about:blank")
    served.start()
    with chromium(tmp_path / "profile") as driver:
        rater = Rater(driver)
        driver.get(link)
        rater.heading("Clip 2 of 3")
        rater.until(lambda: rater.saved == "Saved.")
        assert rows(served) == [(0, "fidelity", 1, 1), (0, "fidelity", 2, 3), (0, "musicality", 1, 2)]
        for page in (2, 3):
            rater.heading(f"Clip {page} of 3")
            rater.press(SPACE)
            rater.until(rater.heard)
            rater.press("4")
            served.stop(signal.SIGKILL)
            rater.press_shift("4")
            served.start()
            rater.until(lambda: rater.saved == "Saved.")
            rater.press(RIGHT)
        rater.heading("Thank you")
        rater.until(lambda: "Completion code" in rater.find("main").text)
    table = export(served.database)
    assert table.groupby(["session", "page", "scale"]).size().tolist() == [1] * 6
    assert table["value"].tolist() == [3, 2, 4, 4, 4, 4]
    assert len(rows(served)) == 7, "each revision is stored once"


def test_pairs_are_compared_by_keyboard(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test", pages=2, pairs=True))
    served.start()
    try:
        with chromium(tmp_path / "profile") as driver:
            rater = Rater(driver)
            driver.get(served.url)
            rater.heading("Listening test")
            press_button(rater, "I agree and begin")
            rater.heading("Set your volume")
            rater.press(SPACE)
            rater.until(rater.heard)
            press_button(rater, "The volume is right")
            for page in range(2):
                rater.heading(f"Pair {page + 1} of 2")
                rater.press("a")
                rater.until(lambda: heard_count(rater) == 1)
                assert rater.find("#preference").get_attribute("disabled")
                rater.press("b")
                rater.until(rater.heard)
                rater.press("4", str(page + 1), RIGHT)
            rater.heading("Thank you")
            rater.until(lambda: "Completion code" in rater.find("main").text)
            assert rater.errors() == []
        table = export(served.database)
        assert table["value"].tolist() == [1, 2]
        assert table[["system", "other_system"]].iloc[0].tolist() == ["secret_vqvae", "secret_other"]
    finally:
        served.stop()


def test_two_windows_on_one_session_keep_what_was_said_last(served: Served, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as driver, httpx.Client() as client:
        rater = Rater(driver)
        driver.get(served.url)
        rater.consent_by_mouse()
        # the other window rates the page while this one shows it
        for value, revision in ((1, 1), (2, 2)):
            other = {**ANSWER, "value": value, "revision": revision}
            assert client.post(f"{driver.current_url}ratings", json=other).status_code == 200
        rater.press(SPACE)
        rater.until(rater.heard)
        rater.press("5")
        rater.until(lambda: len(rows(served)) == 3 and rater.saved == "Saved.")
        # half of a surrogate pair, as some keyboards leave it, is made a text
        write = "const box = document.getElementById('comment'); box.value = 'a\\ud83d \\ud83c\\udfb5';"
        driver.execute_script(f"{write} box.dispatchEvent(new Event('change'))")
        rater.until(lambda: len(rows(served)) == 4 and rater.saved == "Saved.")
    table = export(served.database)
    assert table[["value", "revision", "comment"]].to_numpy().tolist() == [[5, 4, "a\ufffd \U0001f3b5"]]


def test_what_the_server_lost_is_sent_again_when_the_link_is_opened(served: Served, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as driver:
        rater = Rater(driver)
        driver.get(served.url)
        rater.consent_by_mouse()
        rater.press(SPACE)
        rater.until(rater.heard)
        rater.press("2")
        rater.press_shift("3")
        rater.until(lambda: len(rows(served)) == 2 and rater.saved == "Saved.")
        # an older copy of the file was put back
        with sqlite3.connect(served.database) as connection:
            connection.execute("DELETE FROM ratings WHERE scale = 'musicality'")
        assert len(rows(served)) == 1
        driver.refresh()
        rater.heading("Clip 2 of 3")
        rater.until(lambda: len(rows(served)) == 2 and rater.saved == "Saved.")
    assert rows(served) == [(0, "fidelity", 1, 2), (0, "musicality", 1, 3)]


def test_the_next_rater_at_the_same_computer_gets_his_own_list(tmp_path: Path) -> None:
    manifest, design, stimuli = make_test(tmp_path / "test")
    write_site(Study.open(read_manifest(manifest), read_design(design), stimuli, must_hear=True), tmp_path / "site")
    with opening(tmp_path / "site", "from a host") as address, chromium(tmp_path / "profile") as driver:
        rater = Rater(driver)
        driver.get(f"{address}?list=1")
        rater.consent_by_mouse()
        first = driver.execute_script("return test.session")
        driver.get(f"{address}?list=0")
        rater.heading("Listening test")
        rater.consent_by_mouse()
        assert driver.execute_script("return test.list") == 0
        # and each finds the way back
        for number, own in ((1, True), (0, False)):
            driver.get(f"{address}?list={number}")
            rater.heading("Clip 1 of 3")
            assert (driver.execute_script("return test.session") == first) is own


def test_one_clip_sounds_at_a_time(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test", pages=1, pairs=True, seconds=20))
    served.start()
    states = "return [...document.querySelectorAll('.player')].map(player => player.dataset.state)"
    try:
        with chromium(tmp_path / "profile") as driver, httpx.Client() as client:
            rater = Rater(driver)
            driver.get(f"{served.url}/s/{served.begin(client)}/")
            rater.heading("Set your volume")
            rater.press(SPACE)
            rater.until(lambda: driver.execute_script(states) == ["playing"])
            press_button(rater, "The volume is right")
            rater.heading("Pair 1 of 1")
            assert driver.execute_script(states) == ["paused", "paused"]
            rater.press("a")
            rater.until(lambda: driver.execute_script(states) == ["playing", "paused"])
            rater.press("b")
            rater.until(lambda: driver.execute_script(states) == ["paused", "playing"])
            rater.press(SPACE)
            rater.until(lambda: driver.execute_script(states) == ["paused", "paused"])
            assert rater.find("#preference").get_attribute("disabled"), "neither was heard to its end"
    finally:
        served.stop()


def test_it_fits_320_pixels_and_everything_has_a_name(served: Served, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile", width=320, height=700, dark=True) as driver:
        rater = Rater(driver)
        driver.get(served.url)
        rater.consent_by_mouse()
        rater.find("#resume summary").click()
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(16, 17, 21)", "it is not dark"
        named = [control.accessible_name for control in driver.find_elements("css selector", "button, input, textarea")]
        shown = [control.is_displayed() for control in driver.find_elements("css selector", "button, input, textarea")]
        assert all(name for name, seen in zip(named, shown, strict=True) if seen)
        roles = {group.aria_role for group in driver.find_elements("css selector", ".options")}
        assert roles == {"radiogroup"}


@pytest.mark.parametrize("opened", ["from disk", "from a host"])
def test_without_a_server_the_ratings_come_as_a_file(tmp_path: Path, opened: str) -> None:
    manifest, design, stimuli = make_test(tmp_path / "test")
    study = Study.open(read_manifest(manifest), read_design(design), stimuli, must_hear=True)
    write_site(study, tmp_path / "site")
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "secret" not in text
    with opening(tmp_path / "site", opened) as address, chromium(tmp_path / "profile") as driver:
        driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path / "sent")}
        )
        rater = Rater(driver)
        driver.get(f"{address}?list=1")
        rater.consent_by_mouse()
        for page in range(3):
            rater.heading(f"Clip {page + 1} of 3")
            rater.press(SPACE)
            rater.until(rater.heard)
            rater.press(str(page + 2))
            rater.press_shift("1")
            if page == 1:
                driver.refresh()
                rater.heading("Clip 3 of 3")
            else:
                rater.press(RIGHT)
        rater.heading("Thank you")
        rater.find("a.main").click()
        rater.until(lambda: list((tmp_path / "sent").glob("*.json")))
        assert rater.errors() == []
    (sent,) = (tmp_path / "sent").glob("*.json")
    file = read_ratings_file(sent)
    assert (file.design, file.list) == (study.design.design, 1)
    assert [(answer.page, answer.scale, answer.value) for answer in file.ratings] == [
        (page, scale, value) for page in range(3) for scale, value in (("fidelity", page + 2), ("musicality", 1))
    ]
    assert json.loads(sent.read_text(encoding="utf-8"))["format"] == "descant-ratings"
