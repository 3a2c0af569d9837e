"""A real browser for tests: Debian's chromium, without a window and without a network."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--force-device-scale-factor=1",
)
# what people point at, hear or look up must say what it is
NAMED = {"link", "button", "slider", "image", "img", "table", "region", "navigation", "group", "Audio", "article"}
WIDTHS = (320, 640, 1280)
NARROWEST_HEADING = 90
# of a light or dark page, in a browser that resolves all colours: pairs of text and ground below WCAG's 4.5 to 1
LOW_CONTRAST = """
const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const luminance = (rgb) => {
  const [r, g, b] = rgb.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (; element; element = element.parentElement) {
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, parent = node.parentElement;
  if (!node.data.trim() || parent.closest("script, style, noscript, svg") || !parent.checkVisibility()) continue;
  const pair = [parse(getComputedStyle(parent).color), ground(parent)].map(luminance).sort((a, b) => b - a);
  if ((pair[0] + 0.05) / (pair[1] + 0.05) < 4.5) found.push(node.data.trim());
}
return found;
"""


def missing() -> str:
    """Why there is no browser on this machine, or nothing."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed (Debian: chromium, chromium-driver)" if absent else ""


@contextmanager
def open_browser() -> Iterator[webdriver.Chrome]:
    """Start it with a profile of its own, and end it."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def reset(driver: webdriver.Chrome, width: int = 1280, height: int = 900, **features: str) -> None:
    """Set the window and media features, such as ``prefers_color_scheme="dark"``, and forget what was logged."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    given = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": given})
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    driver.get("about:blank")
    for kind in ("performance", "browser"):
        driver.get_log(kind)


def requested(driver: webdriver.Chrome) -> list[str]:
    """Addresses that were asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]


def accessible(driver: webdriver.Chrome) -> list[tuple[str, str, dict[str, Any]]]:
    """What assistive technology is shown: role, name and properties of every node that is not passed over."""
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [
        (
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            {item["name"]: item["value"].get("value") for item in node.get("properties", [])},
        )
        for node in nodes
        if not node.get("ignored") and "role" in node
    ]


def faults(driver: webdriver.Chrome, path: Path) -> list[str]:
    """Open a page, and name whatever keeps a person from using it from disk, by key, by ear, narrow, or in the dark."""
    reset(driver)
    driver.execute_cdp_cmd("Network.enable", {})
    driver.get(path.as_uri())
    found = [f"asks for {url}" for url in requested(driver) if urlsplit(url).scheme not in ("file", "data")]
    found += [f"says {entry['message']}" for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    shown = accessible(driver)
    found += [f"a {role} has no name" for role, name, _ in shown if role in NAMED and not name.strip()]
    roles = [role for role, _, _ in shown]
    found += [f"{roles.count(role)} of {role}" for role in ("main", "navigation") if roles.count(role) != 1]
    levels = [properties["level"] for role, _, properties in shown if role == "heading"]
    if levels[:1] != [1] or levels.count(1) != 1 or any(after > before + 1 for before, after in pairwise(levels)):
        found.append(f"headings in the order {levels}")
    for width in WIDTHS:
        reset(driver, width)
        driver.get(path.as_uri())
        needed = driver.execute_script("return document.documentElement.scrollWidth")
        found += [f"needs {needed} pixels of {width}"] if needed > width else []
        narrowest = driver.execute_script(
            "return Math.min(...[...document.querySelectorAll('tbody th')].map((e) => e.clientWidth))"
        )
        found += (
            [] if narrowest is None or narrowest >= NARROWEST_HEADING else [f"a row's heading has {narrowest} pixels"]
        )
    for scheme, ground in (("light", "rgb(250, 249, 247)"), ("dark", "rgb(16, 17, 21)")):
        reset(driver, prefers_color_scheme=scheme)
        driver.get(path.as_uri())
        if driver.execute_script("return getComputedStyle(document.body).backgroundColor") != ground:
            found.append(f"is not {scheme}")
        found += [f"{text!r} cannot be read when {scheme}" for text in driver.execute_script(LOW_CONTRAST)]
    return found
