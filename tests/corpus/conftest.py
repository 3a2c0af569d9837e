"""What the tests of the corpus share."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """A context that works in ``tmp_path`` with no more rights than anybody, whom a mode of 0 keeps out."""

    @contextmanager
    def without_rights() -> Iterator[None]:
        # by relative names, as the folders above are root's alone
        monkeypatch.chdir(tmp_path)
        if os.geteuid() != 0:
            yield
            return
        tmp_path.chmod(0o777)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)

    return without_rights
