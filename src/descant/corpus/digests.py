"""What files hold, by hash: equal bytes are known again wherever they lie, and whenever they were written."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from descant.corpus.outputs import whole_file
from descant.errors import CorpusError

# shown from so many bytes to be read on; ours
SHOWN_FROM = 1 << 30


def content_digests(root: bytes, files: Iterable[tuple[bytes, os.stat_result]], memory: Path | None) -> list[str]:
    """Hash what files hold.

    Args:
        root: the folder.
        files: names below it, with what the file system says of each, links themselves.
        memory: JSON of what was hashed before, by name, size and times: only what has changed since is read again. It
            is written anew. None: everything is read.

    Returns:
        Hexadecimal sha256 of each file's bytes; a word for what is no file, or may not be read.

    Raises:
        CorpusError: when a file cannot be read for another reason, such as a mount that is gone.
    """
    listed = list(files)
    known = _remembered(memory)
    state = {name: f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}" for name, facts in listed}
    missing = sum(facts.st_size for name, facts in listed if known.get(name.hex(), ("",))[0] != state[name])
    digests, remembered = [], {}
    with tqdm(total=missing, unit="B", unit_scale=True, desc="hashing", disable=missing < SHOWN_FROM or None) as bar:
        for name, facts in listed:
            before = known.get(name.hex())
            if before is not None and before[0] == state[name]:
                digest = before[1]
            else:
                digest = _content(os.path.join(root, name), facts)  # noqa: PTH118 - names are bytes
                bar.update(facts.st_size)
            digests.append(digest)
            # what a link leads to may change without it
            if stat.S_ISREG(facts.st_mode) and len(digest) == hashlib.sha256().digest_size * 2:
                remembered[name.hex()] = (state[name], digest)
    if memory is not None and remembered != known:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(memory) as temporary:
            temporary.write_text(json.dumps(remembered), encoding="ascii")
    return digests


def _remembered(memory: Path | None) -> dict[str, tuple[str, str]]:
    try:
        found = json.loads(memory.read_text(encoding="ascii")) if memory is not None else {}
        return {name: (str(state), str(digest)) for name, (state, digest) in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        # it only saves time
        return {}


def _content(path: bytes, facts: os.stat_result) -> str:
    if stat.S_ISLNK(facts.st_mode):
        target = os.readlink(path).hex()  # noqa: PTH115 - a path of bytes
        try:
            aim = os.stat(path)  # noqa: PTH116
        except OSError:
            return f"link {target}"
        return f"link {target} {_content(path, aim)}"
    if not stat.S_ISREG(facts.st_mode):
        return "no file"
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except PermissionError:
        return "closed"
    except FileNotFoundError:
        return "gone"
    except OSError as error:
        raise CorpusError(
            f"{os.fsdecode(path)} cannot be read: {error.strerror}", "mend the disk or the mount, then run again"
        ) from error
