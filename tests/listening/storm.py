"""Raters at once against the real server, which is killed again and again: what was acknowledged must be there once.

``python tests/listening/storm.py --sessions 1000 --kills 20`` prints what came of it.
"""

import argparse
import random
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from served import ANSWER, SCALES, Served, make_test

PAGES = 2
GIVE_UP_SECONDS = 120.0


@dataclass
class Ledger:
    """What raters know: ratings by (session, page, scale, revision) that the server acknowledged.

    Attributes:
        acknowledged: value of each.
        sent: requests, those that were never answered with them.
        slowest: seconds that an answer took, at most.
    """

    acknowledged: dict[tuple[str, int, str, int], int] = field(default_factory=dict)
    sent: int = 0
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


def _until_answered(ledger: Ledger, ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask again, as a browser's queue does, until there is an answer."""
    end = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < end:
        with ledger.lock:
            ledger.sent += 1
        begun = time.monotonic()
        try:
            answer = ask()
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        with ledger.lock:
            ledger.slowest = max(ledger.slowest, time.monotonic() - begun)
        return answer
    raise AssertionError("the server does not come back")


def rate_a_session(url: str, seed: int, ledger: Ledger) -> None:
    """One rater: rates every page, changes his mind now and then, and repeats himself after an answer now and then."""
    draw = random.Random(seed)
    # over plain HTTP no certificate is looked at, and to read those of all authorities takes longer than all ratings
    with httpx.Client(timeout=30, verify=False) as client:
        begun = _until_answered(ledger, lambda: client.post(f"{url}/sessions", json={"consent": True}))
        session = begun.json()["session"]
        for page in range(PAGES):
            for scale in SCALES:
                for revision in (1, 2) if draw.random() < 0.1 else (1,):
                    answer = {**ANSWER, "page": page, "scale": scale, "revision": revision}
                    answer["value"] = draw.randint(1, 5)
                    for _ in range(2 if draw.random() < 0.1 else 1):
                        _send(client, f"{url}/s/{session}/ratings", answer, ledger)
                    with ledger.lock:
                        ledger.acknowledged[session, page, scale, revision] = answer["value"]


def _send(client: httpx.Client, address: str, answer: dict[str, Any], ledger: Ledger) -> None:
    shown = _until_answered(ledger, lambda: client.post(address, json=answer))
    assert shown.status_code == 200, shown.text


def storm(served: Served, sessions: int, kills: int, raters_at_once: int = 50) -> Ledger:
    """Let raters rate while the server is killed; it is killed with SIGKILL, at even steps of what was acknowledged."""
    ledger = Ledger()
    total = sessions * PAGES * len(SCALES)
    with ThreadPoolExecutor(raters_at_once) as pool:
        waiting = [pool.submit(rate_a_session, served.url, seed, ledger) for seed in range(sessions)]
        for number in range(kills):
            while len(ledger.acknowledged) < total * (number + 1) / (kills + 2):
                time.sleep(0.005)
                assert not any(rater.done() and rater.exception() for rater in waiting), "a rater failed"
            served.stop(signal.SIGKILL)
            served.start()
        for rater in waiting:
            rater.result()
    served.stop()
    return ledger


def stored(served: Served) -> dict[tuple[str, int, str, int], list[int]]:
    """All values in the file by (session, page, scale, revision)."""
    found: dict[tuple[str, int, str, int], list[int]] = {}
    with sqlite3.connect(served.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for session, page, scale, revision, value in connection.execute(
            "SELECT session, page, scale, revision, value FROM ratings"
        ):
            found.setdefault((session, page, scale, revision), []).append(value)
    return found


def main() -> None:
    """Run a storm and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder), make_test(Path(folder) / "test", pages=PAGES), most_sessions=100_000)
        served.start()
        begun = time.monotonic()
        ledger = storm(served, arguments.sessions, arguments.kills)
        seconds = time.monotonic() - begun
        found = stored(served)
        lost = sum(found.get(key) != [value] for key, value in ledger.acknowledged.items())
        doubled = sum(len(values) > 1 for values in found.values()) + len(found.keys() - ledger.acknowledged.keys())
        print(f"{arguments.sessions} sessions, {arguments.kills} kills, {seconds:.0f} s")
        print(f"{len(ledger.acknowledged)} ratings acknowledged, {ledger.sent} requests sent")
        print(f"{lost} lost, {doubled} doubled; slowest answer {ledger.slowest:.2f} s")


if __name__ == "__main__":
    main()
