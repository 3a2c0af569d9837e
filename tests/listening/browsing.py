"""A real Chromium without a window, and a rater who uses it."""

import functools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60
NEEDS = "needs chromium and chromium-driver (Debian: apt-get install chromium chromium-driver)"
needs_browser = pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("chromedriver")), reason=NEEDS)


@contextmanager
def chromium(profile: Path, width: int = 1100, height: int = 1400, dark: bool = False) -> Iterator[webdriver.Chrome]:
    """A browser with a profile of its own, which a later one with the same profile goes on with."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--mute-audio",
        f"--user-data-dir={profile}",
        f"--window-size={width},{height}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(shutil.which("chromedriver"))))
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        if dark:
            scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        yield driver
    finally:
        driver.quit()


class Rater:
    """What a person does on the page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def heading(self, text: str) -> None:
        """Wait for the screen of this heading."""
        self.until(lambda: text in self.title)

    @property
    def title(self) -> str:
        """The screen's heading."""
        return str(self.driver.execute_script("return document.querySelector('h1')?.textContent ?? ''"))

    @property
    def saved(self) -> str:
        """What the page says of what is saved."""
        return str(self.driver.execute_script("return document.getElementById('saved').textContent"))

    def until(self, holds: object) -> None:
        """Wait until a function of nothing is true."""
        assert callable(holds)
        WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda _: holds())

    def find(self, selector: str) -> WebElement:
        """One element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, words: str) -> None:
        """Click the button of these words."""
        self.driver.find_element(By.XPATH, f"//main//button[normalize-space()='{words}']").click()

    def press(self, *keys: str) -> None:
        """Press keys one after another, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_shift(self, digit: str) -> None:
        """Press Shift and a digit's key, as a keyboard sends it."""
        event = {
            "code": f"Digit{digit}",
            "key": "!@#$%"[int(digit) - 1],
            "modifiers": 8,
            "windowsVirtualKeyCode": 48 + int(digit),
        }
        for kind in ("rawKeyDown", "keyUp"):
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": kind, **event})

    def heard(self) -> bool:
        """Whether every clip on the screen was heard to its end."""
        script = "return [...document.querySelectorAll('.player')].every(p => p.dataset.state === 'heard')"
        return bool(self.driver.execute_script(script))

    def choose(self, scale: str, value: int) -> None:
        """Click a value."""
        self.find(f"label[for={scale}-{value}]").click()

    def consent_by_mouse(self) -> None:
        """From the first screen to the first clip."""
        self.heading("Listening test")
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, "button.main"))
        self.click("I agree and begin")
        self.heading("Set your volume")
        assert self.find("button.main").get_attribute("disabled"), "the volume was not tried"
        self.find(".play").click()
        self.until(self.heard)
        self.click("The volume is right")
        self.heading("What the ratings mean")
        for play in self.driver.find_elements(By.CSS_SELECTOR, ".play"):
            play.click()
            self.until(lambda play=play: play.find_element(By.XPATH, "..").get_attribute("data-state") == "heard")
        self.click("Begin to rate")
        self.heading("Clip 1 of")

    def errors(self) -> list[str]:
        """What the browser's console holds of errors, but for requests that a test made fail."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


SPACE, ENTER, RIGHT, LEFT, TAB, ESCAPE = (
    Keys.SPACE,
    Keys.ENTER,
    Keys.ARROW_RIGHT,
    Keys.ARROW_LEFT,
    Keys.TAB,
    Keys.ESCAPE,
)


def press_button(rater: Rater, words: str) -> None:
    """Reach a button by Tab alone, and press it."""
    for _ in range(60):
        rater.press(TAB)
        if rater.driver.execute_script("return document.activeElement.textContent") == words:
            outline = rater.driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", "the focus is not seen"
            rater.press(ENTER)
            return
    raise AssertionError(f"no Tab leads to {words!r}")


def heard_count(rater: Rater) -> int:
    """How many clips on the screen were heard to their ends."""
    return len(rater.driver.find_elements(By.CSS_SELECTOR, ".player[data-state=heard]"))


@contextmanager
def opening(folder: Path, how: str) -> Iterator[str]:
    """Address of a folder's ``index.html``, on disk or on a host that knows only files."""
    if how == "from disk":
        yield (folder / "index.html").as_uri()
        return
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_address[1]}/index.html"
        host.shutdown()
