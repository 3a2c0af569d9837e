"""The page: its network says what torch's says, its session is ours, and a person can play on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest
import torch
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from small_band import random_music, small_system

from descant.band.page import write_band_page
from descant.band.player import BandPlayer, PlayerSettings
from descant.band.quantise import Played, quantise
from descant.band.session import Ask, Session
from descant.config.band import Band
from descant.errors import BandError
from descant.layers.part_lstm import ranks_of
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings
from descant.scores.parts import MEASURE
from descant.seeds import derive_seed

needs_browser = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is one")
# as the page's worker has it
NETWORK = """
const network = new Network(SETTINGS.shape, readTensors(SETTINGS.layout, decodeBase64($("weights").textContent)));
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[webdriver.Chrome]:
    with browser.open_browser() as driver:
        yield driver


def visit(driver: webdriver.Chrome, folder: Path, **over: Any) -> Path:
    """Write a page of a small network, and open it."""
    path = folder / "a band # 1%" / "index.html"
    write_band_page(path, small_system(**over), Band(tempo=240, lead_in=1))
    browser.reset(driver)
    driver.get(path.as_uri())
    return path


@needs_browser
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("ahead", [False, True], ids=["nothing ahead", "fixed ahead"])
@pytest.mark.parametrize("first", [0, 21], ids=["beginning", "going on"])
def test_its_logits_are_those_of_torch(
    opened: webdriver.Chrome, tmp_path: Path, layers: int, ahead: bool, first: int
) -> None:
    visit(opened, tmp_path, layers=layers)
    tokens = torch.from_numpy(random_music(3, 4).astype(np.int64))[None]
    fixed = torch.zeros_like(tokens, dtype=torch.bool)
    fixed[:, :first] = True
    if ahead:
        fixed[..., 2] = True
        fixed[:, 40:] = True
    order = (0, 3, 1, 2)
    with torch.no_grad():
        expected, _ = small_system(layers=layers).network(tokens, fixed, ranks_of(order))
    said = opened.execute_script(
        f"""{NETWORK}
        const [tokens, fixed, first, order] = arguments, out = [];
        const memory = network.start(Int32Array.from(tokens), Uint8Array.from(fixed), first);
        for (let step = first; step < tokens.length / 4; step++) {{
          network.beginStep(memory, step);
          const known = fixed.slice(4 * step, 4 * step + 4);
          for (const voice of order) {{
            out.push([step, voice, Array.from(network.say(memory, voice, known))]);
            known[voice] = 1;
          }}
        }}
        return out;""",
        tokens.flatten().tolist(),
        fixed.flatten().int().tolist(),
        first,
        order,
    )
    free = [(step, voice, logits) for step, voice, logits in said if not fixed[0, step, voice]]
    assert len(free) == int((~fixed).sum())
    found = torch.tensor([logits for _, _, logits in free])
    wanted = torch.stack([expected[0, step, voice] for step, voice, _ in free])
    assert float((found - wanted).abs().max()) < 1e-3 < float(wanted.std())


@needs_browser
@pytest.mark.parametrize("own_past", [True, False])
def test_its_band_plans_what_ours_does(opened: webdriver.Chrome, tmp_path: Path, own_past: bool) -> None:
    visit(opened, tmp_path)
    heard, seed = random_music(9, 1, 1)[:, 0], 11
    # a nucleus of fresh weights has nearly equal chances at its edge
    player = BandPlayer(small_system(), PlayerSettings(2, seed, DrawSettings(4.0), 5, own_past))
    # it is asked early for its first measure
    asked = [(12, 1), *((MEASURE * (measure - 1), measure) for measure in range(2, 10))]
    expected = [player.plan(heard[:steps], measure).ravel().tolist() for steps, measure in asked]
    planned = opened.execute_script(
        f"""{NETWORK}
        const [heard, asked, key, ownPast] = arguments;
        const settings = {{voice: 2, key: BigInt(key), temperature: 4, topP: 1, context: 5, ownPast}};
        const player = new BandPlayer(network, settings);
        return asked.map(([steps, measure]) => Array.from(player.plan(heard.slice(0, steps), measure)));""",
        heard.tolist(),
        asked,
        # what ours makes of its seed, as text: it has 63 bits
        str(derive_seed(seed)),
        own_past,
    )
    assert planned == expected


@needs_browser
@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.7, 0.9), (3.0, 0.3), (1.0, 0.01)])
def test_it_draws_as_ours(opened: webdriver.Chrome, tmp_path: Path, temperature: float, top_p: float) -> None:
    visit(opened, tmp_path)
    random = np.random.default_rng(8)
    logits, uniforms = random.normal(0, 2, (200, 130)), random.random(200)
    expected = draw(torch.from_numpy(logits), torch.from_numpy(uniforms), temperature, top_p)
    script = "return arguments[0].map((logits, row) => draw(logits, arguments[1][row], arguments[2], arguments[3]));"
    assert opened.execute_script(script, logits.tolist(), uniforms.tolist(), temperature, top_p) == expected.tolist()
    assert len(set(expected.tolist())) > 50


@needs_browser
def test_its_person_is_heard_as_ours(opened: webdriver.Chrome, tmp_path: Path) -> None:
    visit(opened, tmp_path)
    random = np.random.default_rng(5)
    cases = []
    for _ in range(50):
        times = np.sort(random.uniform(-8, 40, random.integers(1, 12)))
        lasting = random.exponential(2.4, len(times))
        cases.append(
            [
                Played(int(random.integers(128)), float(on), None if long > 6.4 else float(on + long))
                for on, long in zip(times, lasting, strict=True)
            ]
        )
    expected = [[quantise(notes, first).tolist() for first in (0, 16)] for notes in cases]
    script = "return arguments[0].map((notes) => [0, 16].map((first) => quantise(notes, first)));"
    given = [[{"pitch": note.pitch, "on": note.on, "off": note.off} for note in notes] for notes in cases]
    assert opened.execute_script(script, given) == expected


@needs_browser
@pytest.mark.parametrize(
    ("lead_in", "delay", "follow"),
    [(1, 4, False), (2, 10, False), (2, 81, False), (2, 10, True)],
    ids=["early", "in time", "too late", "following"],
)
def test_ten_minutes_are_ours_event_by_event_and_none_is_late(
    opened: webdriver.Chrome, tmp_path: Path, lead_in: int, delay: int, follow: bool
) -> None:
    visit(opened, tmp_path)
    # keys that are struck at random may lead to any tempo
    tempo, music = 120, random_music(500 if follow else 304, 6).reshape(-1, MEASURE * 4)
    random = np.random.default_rng(7)
    ticks = np.cumsum(random.uniform(0.02, 0.03, 25_000))
    ticks = ticks[ticks < 604].tolist()
    keys = [(int(number), int(random.integers(50, 80))) for number in np.sort(random.integers(0, len(ticks), 2000))]
    session, expected, waiting = Session(tempo, 0, 0.5, lead_in, follow=follow), [], []
    left = list(keys)
    for number, now in enumerate(ticks):
        while left and left[0][0] == number:
            _, pitch = left.pop(0)
            session.note_on(now, pitch)
            session.note_off(now + 0.2, pitch)
        while waiting and waiting[0][0] <= number:
            _, measure = waiting.pop(0)
            session.give(measure, music[measure].reshape(MEASURE, 4))
        for action in session.tick(now):
            if isinstance(action, Ask):
                waiting.append((number + delay, action.measure))
                expected.append(["ask", action.measure, *action.heard[-MEASURE:].tolist()])
            else:
                late = max(0.0, now - action.time)
                expected.append([type(action).__name__.lower(), action.time, getattr(action, "pitch", -1), late])
    found, missed = opened.execute_script(
        """
        const [ticks, keys, music, delay, leadIn, follow] = arguments, out = [], waiting = [];
        const session = new Session({tempo: 120, voice: 0, start: 0.5, leadIn, metronome: false, follow});
        ticks.forEach((now, number) => {
          while (keys.length && keys[0][0] === number) {
            const [, pitch] = keys.shift();
            session.noteOn(now, pitch);
            session.noteOff(now + 0.2, pitch);
          }
          while (waiting.length && waiting[0][0] <= number) {
            const [, measure] = waiting.shift();
            session.give(measure, music[measure]);
          }
          for (const action of session.tick(now)) {
            if (action.kind === "ask") {
              waiting.push([number + delay, action.measure]);
              out.push(["ask", action.measure, ...action.heard.slice(-16)]);
            } else out.push([action.kind, action.time, action.pitch ?? -1, Math.max(0, now - action.time)]);
          }
        });
        return [out, session.missed];""",
        ticks,
        keys,
        music.tolist(),
        delay,
        lead_in,
        follow,
    )
    assert found == expected
    assert max(event[3] for event in found if event[0] != "ask") == 0
    assert missed == session.missed and (missed > 250 if delay == 81 else missed == 0)
    assert sum(event[0] == "strike" for event in found) > (0 if delay == 81 else 4000)


def state(driver: webdriver.Chrome, script: str) -> Any:
    return driver.execute_script(f"return {script}")


@needs_browser
def test_a_person_plays_with_the_band(opened: webdriver.Chrome, tmp_path: Path) -> None:
    visit(opened, tmp_path)

    def until(script: str) -> None:
        WebDriverWait(opened, 60, 0.05).until(lambda _: state(opened, script))

    until("!$('start').disabled")
    opened.find_element(By.ID, "solo-bass").click()
    opened.find_element(By.ID, "start").click()
    until("session.heard.length === 0 && sound.now > session.bar(0)")
    for letter in "asdf":
        ActionChains(opened).key_down(letter).pause(0.15).key_up(letter).perform()
    until("session.heard.length >= 48")
    assert [pitch for pitch in (60, 62, 64, 65) if pitch in state(opened, "session.heard")] == [60, 62, 64, 65]
    assert state(opened, "$('status').textContent") == "The band plays with you."
    assert state(opened, "$('next').textContent").count(";") == 2
    assert "% of a bar" in state(opened, "$('speed').textContent")
    assert state(opened, "sound.channels.map((each) => Math.round(each.gain.value))") == [0, 0, 0, 1]
    assert state(opened, "$('solo-bass').getAttribute('aria-pressed')") == "true"
    assert state(opened, "sound.alive.size") > 0
    ActionChains(opened).send_keys(Keys.ESCAPE).perform()
    assert state(opened, "[sound.alive.size, session, $('start').textContent]") == [0, None, "Start"]
    assert state(opened, "$('status').textContent") == "All notes are off."
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


@needs_browser
def test_nothing_keeps_a_person_from_using_it(opened: webdriver.Chrome, tmp_path: Path) -> None:
    found = browser.faults(opened, visit(opened, tmp_path))
    # its worker is made of its own text, and it is no page of the report, which link to each other
    assert [fault for fault in found if not fault.startswith("asks for blob:null/")] == ["0 of navigation"]


def test_the_page_is_small_enough_and_refuses_latents(tmp_path: Path) -> None:
    write_band_page(tmp_path / "index.html", small_system(width=256, context=64), Band())
    assert (tmp_path / "index.html").stat().st_size < 6e6
    with pytest.raises(BandError, match="latents"):
        write_band_page(tmp_path / "other.html", small_system(latent=2), Band())
