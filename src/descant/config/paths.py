"""Paths in the configuration: ``~`` is a person's home, and a relative one begins at the file that names it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from descant.errors import ConfigError

Values = Mapping[str, Any]
# a file, or the address of an image
CONTAINER = "container"
# keys of what must be there, and when it is used
_USED: Mapping[str, Callable[[Values], bool]] = {
    CONTAINER: lambda raw: True,
    "corpus.folder.path": lambda raw: _get(raw, "corpus", "source") in ("folder", "midi"),
    "corpus.scores.pieces": lambda raw: _get(raw, "corpus", "source") in (None, "scores"),
    "corpus.scores.soundfont": lambda raw: _get(raw, "corpus", "source") in (None, "scores", "midi"),
    "corpus.labels": lambda raw: True,
    "parts.folder": lambda raw: _get(raw, "parts", "source") == "folder",
    "parts.jsb16": lambda raw: _get(raw, "parts", "source") == "jsb16",
    "play.score": lambda raw: True,
    "band.model": lambda raw: True,
    "find_timbre.recording": lambda raw: True,
    "find_timbre.score": lambda raw: True,
    "separation.weights": lambda raw: _get(raw, "separation", "method") == "spleeter",
    "separation.stems_folder": lambda raw: _get(raw, "separation", "method") == "stems",
}
START_FROM = "start_from"
# of all rows, or of one
PRIME = ".prime.file"
# made where there is none
MADE = "listening.folder"
RESULTS = "results/"
BUILTIN = "builtin"


def locate_paths(raw: Values, files: Sequence[tuple[Path, Values]], started: Path) -> dict[str, Any]:
    """Find what the paths in a configuration name.

    A relative path is looked for beside the file that names it, then in the working directory. One that was given on
    the command line is looked for where the workflow was started, then in the working directory.

    Args:
        raw: the configuration as read, files laid over each other, and ``--config`` over them.
        files: each file with what it holds, in that order.
        started: the folder in which the command was given.

    Returns:
        The same with normal paths: absolute, or relative to the working directory for what lies below it; with no slash
        at the end.

    Raises:
        ConfigError: when there is no such file or folder, naming the key and all places.
    """
    located = _copied(raw)
    for key, section, text in list(_texts(located)):
        own = key.rpartition(".")[2] == START_FROM or key.endswith(PRIME) or _is_piece(key)
        if key != MADE and key not in _USED and not own:
            continue
        if (key == "corpus.scores.pieces" and text == BUILTIN) or (key == CONTAINER and "://" in text):
            continue
        named_in = [file.parent for file, values in files if _get(values, *key.split(".")) == text]
        bases = [Path.cwd()] if key == MADE else [*(named_in[-1:] or [started]), Path.cwd()]
        places = list(dict.fromkeys(_place(base, text) for base in bases))
        found = next(filter(os.path.exists, places), None)
        # it may be a piece of music21's corpus, which is looked for when it is played
        if found is None and _is_piece(key):
            continue
        # a training of this very run may be what another starts from
        made = key == MADE or (key not in _USED and not key.endswith(PRIME) and text.startswith(RESULTS))
        if found is None and not made and (key not in _USED or _USED[key](raw)):
            raise ConfigError(
                f"{key}: there is no {text}; looked for {' and '.join(places)}",
                f"set {key} to what you mean; a relative path begins at the file that names it",
            )
        section[key.rpartition(".")[2]] = _short(found or places[-1])
    return located


def _is_piece(key: str) -> bool:
    return key == "compose.score" or (key.startswith(("music.", "compositions.")) and key.endswith(".score"))


def _place(base: Path, text: str) -> str:
    return os.path.normpath(base / os.path.expanduser(text))  # noqa: PTH111 - which raises where there is no home


def _short(path: str) -> str:
    """A path below the working directory as seen from there, so that a moved tree asks for nothing anew."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def _copied(values: Values) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, Mapping) else value for key, value in values.items()}


def _texts(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _texts(value, f"{prefix}{name}.")
        elif isinstance(value, str) and value:
            yield f"{prefix}{name}", values, value


def _get(values: object, *keys: str) -> object:
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values
