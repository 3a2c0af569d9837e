"""Nothing that was acknowledged is lost or doubled, whatever is killed."""

from pathlib import Path

import httpx
import pytest
from served import SCALES, Served, make_test
from storm import PAGES, stored, storm

pytestmark = pytest.mark.slow


def test_sigkill_loses_and_doubles_nothing(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test", pages=PAGES), most_sessions=100_000)
    served.start()
    ledger = storm(served, sessions=1000, kills=20)
    assert stored(served) == {key: [value] for key, value in ledger.acknowledged.items()}
    assert len({session for session, *_ in ledger.acknowledged}) == 1000


def test_fifty_raters_at_once_share_the_lists_evenly(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test", pages=PAGES, lists=5))
    served.start()
    ledger = storm(served, sessions=50, kills=0)
    assert stored(served) == {key: [value] for key, value in ledger.acknowledged.items()}
    served.start()
    shown = httpx.get(f"{served.url}/experimenter/state.json", headers={"Authorization": f"Bearer {served.token}"})
    assert served.stop() == 0
    state = shown.json()
    assert [(of["begun"], of["finished"]) for of in state["lists"]] == [(10, 10)] * 5
    assert sum(mean["n"] for mean in state["means"]) == 50 * PAGES * len(SCALES)
