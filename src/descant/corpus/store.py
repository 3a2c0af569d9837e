"""What cost much to make, kept by what it was made of, so that equal inputs are not worked on again.

Like a training's run directory it is no output of a rule: a job that runs again finds in it what is still good. What
no track refers to any more stays for one change of the corpus, so that a recording may come back, and then goes.
"""

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import descant
from descant.corpus.outputs import whole_file

FACTS = "facts.json"
# names of the entries that a shard's job used, and of those that no job used when it was last looked
USED, UNUSED = ".used", "unused"


class Kept(NamedTuple):
    """What was kept under a key: facts that JSON can hold, and the file of the audio."""

    facts: Mapping[str, Any]
    audio: Path


class Store:
    """A folder of what was made, an entry a key.

    Args:
        folder: made when something is kept.
        made_by: subpackages of this code that make it: with other code nothing is found.

    Attributes:
        found: how often something was.
    """

    def __init__(self, folder: Path, *made_by: str) -> None:
        self.found = 0
        self._used: set[str] = set()
        self._folder = folder
        self._code = _code_digest(made_by)

    def _place(self, made_of: Mapping[str, str]) -> Path:
        text = json.dumps([self._code, sorted(made_of.items())])
        return self._folder / hashlib.sha256(text.encode()).hexdigest()

    def find(self, made_of: Mapping[str, str]) -> Kept | None:
        """What was made of the same; None where nothing was, or where it is no longer whole."""
        place = self._place(made_of)
        try:
            facts = json.loads((place / FACTS).read_text(encoding="utf-8"))
            audio = place / facts["audio"]
            if audio.stat().st_size != facts["bytes"]:
                return None
            kept = Kept(facts["facts"], audio)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self.found += 1
        self._used.add(place.name)
        return kept

    def keep(self, made_of: Mapping[str, str], facts: Mapping[str, Any], audio: Path) -> None:
        """Keep what was made.

        Args:
            made_of: all that it follows from, by name.
            facts: that JSON can hold.
            audio: its file, which is linked where that can be done.
        """
        place = self._place(made_of)
        self._used.add(place.name)
        # another job may keep the same at the same time
        temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            link(audio, temporary / audio.name)
            written = {"audio": audio.name, "bytes": audio.stat().st_size, "facts": facts}
            with (temporary / FACTS).open("w", encoding="utf-8") as file:
                json.dump(written, file)
                file.flush()
                os.fsync(file.fileno())
            shutil.rmtree(place, ignore_errors=True)
            temporary.rename(place)
        except OSError:
            if not place.exists():
                raise
            # another job was first
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def settle(self, stage: str, shard: int) -> None:
        """Write down what was found and kept, so that :func:`prune` leaves it.

        Args:
            stage: name of the job's rule.
            shard: its number.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self._folder / f"{stage}.{shard}{USED}") as temporary:
            temporary.write_text("\n".join(sorted(self._used)), encoding="ascii")


def prune(folder: Path, stage: str, shards: int) -> int:
    """Delete the entries that no shard's job used, neither now nor when this was called before.

    Args:
        folder: of the store.
        stage: the one whose jobs must all have settled, else nothing is deleted.
        shards: how many there are; what jobs of others used counts no more.

    Returns:
        How many were deleted.
    """
    lists = {path for path in folder.glob(f"*{USED}") if int(path.stem.rpartition(".")[2]) < shards}
    if not lists >= {folder / f"{stage}.{shard}{USED}" for shard in range(shards)}:
        return 0
    for path in set(folder.glob(f"*{USED}")) - lists:
        path.unlink()
    used = {name for path in lists for name in path.read_text(encoding="ascii").split()}
    unused = {path.name for path in folder.iterdir() if path.is_dir()} - used
    memory = folder / UNUSED
    before = set(memory.read_text(encoding="ascii").split()) if memory.exists() else set()
    for name in unused & before:
        shutil.rmtree(folder / name, ignore_errors=True)
    with whole_file(memory) as temporary:
        temporary.write_text("\n".join(sorted(unused - before)), encoding="ascii")
    return len(unused & before)


def link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@functools.cache
def _code_digest(packages: tuple[str, ...]) -> str:
    root = Path(descant.__file__).parent
    digest = hashlib.sha256(descant.__version__.encode())
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
