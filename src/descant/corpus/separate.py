"""The stem of each track that is trained on."""

import os
import shutil
from pathlib import Path
from typing import Protocol

from descant.config.corpus import Separation
from descant.errors import CorpusError


class Separator(Protocol):
    """Takes one stem out of a track."""

    def separate(self, track: Path, folder: Path) -> None:
        """Write the stem of a track under the track's own id.

        Args:
            track: ``<id>.flac`` or ``<id>.wav``.
            folder: existing, where ``<id>.flac`` or ``<id>.wav`` is written.
        """
        ...


class NoSeparator:
    """Leaves every track as it is; its file is linked, or copied where links cannot be made."""

    def separate(self, track: Path, folder: Path) -> None:
        """Link or copy the track."""
        target = folder / track.name
        try:
            os.link(track, target)
        except OSError:
            shutil.copyfile(track, target)


def separator(settings: Separation) -> Separator:
    """The separator that the configuration names.

    Raises:
        CorpusError: when there is none of that name.
    """
    if settings.method == "none":
        return NoSeparator()
    raise CorpusError(f"separation.method: there is no separator {settings.method!r}", "use 'none'")


def separate(settings: Separation, tracks: Path, folder: Path) -> int:
    """Separate all tracks of a folder.

    Args:
        settings: the configuration's section.
        tracks: folder of verified tracks.
        folder: existing, for the stems.

    Returns:
        How many tracks there were.
    """
    chosen = separator(settings)
    files = sorted(path for path in tracks.iterdir() if path.suffix in (".flac", ".wav"))
    for path in files:
        chosen.separate(path, folder)
    return len(files)
