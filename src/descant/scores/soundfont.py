"""Where the SoundFont lies, and what its bytes are."""

import hashlib
import importlib.util
from pathlib import Path

from descant.errors import ScoreError

PACKAGE, SHIPPED = "pretty_midi", "TimGM6mb.sf2"


def soundfont_file(setting: str | None) -> Path:
    """The SoundFont that ``corpus.scores.soundfont`` means: the file itself, or for None that of pretty_midi's wheel.

    Raises:
        ScoreError: when there is no such file.
    """
    if setting is not None:
        if not Path(setting).is_file():
            cure = "check the path of your SF2 file; with null the small one that is installed is used"
            raise ScoreError(f"corpus.scores.soundfont: there is no file {setting}", cure)
        return Path(setting)
    # found, not imported: the package is slow to import, and only its file is wanted
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / SHIPPED).is_file():
            return path
    raise ScoreError(f"the SoundFont {SHIPPED} is not installed", f"install {PACKAGE}, which brings it")


def soundfont_digest(setting: str | None) -> str:
    """Hexadecimal sha256 of a SoundFont's bytes.

    Raises:
        ScoreError: when there is no such file, or it cannot be read.
    """
    path = soundfont_file(setting)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ScoreError(f"the SoundFont {path.name} cannot be read: {error.strerror}", "check its rights") from error
