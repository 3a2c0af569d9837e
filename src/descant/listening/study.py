"""The test as a rater may see it: opaque names, nothing that reveals what a clip is."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from descant.errors import ListeningError
from descant.listening.files import ABPage, Design, Manifest, MosPage, RaterList
from descant.listening.wording import SCALES, Scale

CURE = "make the stimuli again: snakemake --cores all listening"


@dataclass(frozen=True)
class Example:
    """A clip that is shown with its rating, by scale."""

    name: str
    label: dict[str, int]


@dataclass(frozen=True)
class Questionnaire:
    """What every rater's browser receives of a test.

    Attributes:
        design: its fingerprint.
        seconds: length of a clip.
        scales: what is asked.
        examples: of the training page; empty for preferences, which have no right value.
        volume: the clip by which the volume is set; None where there is none.
        must_hear: whether a clip can be rated only after it was heard to its end.
    """

    design: str
    seconds: float
    scales: tuple[Scale, ...]
    examples: tuple[Example, ...]
    volume: str | None
    must_hear: bool


@dataclass(frozen=True)
class Page:
    """A page of a list: its number, and one clip or two."""

    page: int
    clips: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """A test that is ready to be served.

    Attributes:
        manifest: of its stimuli.
        design: who hears what.
        folder: of the FLAC files.
        questionnaire: what raters' browsers receive.
    """

    manifest: Manifest
    design: Design
    folder: Path
    questionnaire: Questionnaire

    @classmethod
    def open(cls, manifest: Manifest, design: Design, folder: Path, must_hear: bool) -> Self:
        """Check that the files are those of the manifest.

        Args:
            manifest: of the stimuli.
            design: of the same test.
            folder: of the stimuli.
            must_hear: whether a clip can be rated only after it was heard to its end.

        Raises:
            ListeningError: when a file is missing or another one, or a list names a clip that is not there.
        """
        if manifest.design != design.design:
            raise ListeningError("manifest.json and design.json are of different tests", CURE)
        names = manifest.by_name()
        for stimulus in names.values():
            try:
                content = (folder / stimulus.file).read_bytes()
            except OSError as error:
                raise ListeningError(f"stimulus {stimulus.file} cannot be read: {error.strerror}", CURE) from error
            if hashlib.sha256(content).hexdigest() != stimulus.sha256:
                raise ListeningError(f"stimulus {stimulus.file} is not the file of the manifest", CURE)
        for of in design.lists:
            if not of.pages or any(name not in names for page in of.pages for name in clips_of(page)):
                raise ListeningError(f"list {of.list} is empty or names a clip that the manifest lacks", CURE)
        return cls(manifest, design, folder, _questionnaire(manifest, design, must_hear))

    def clips(self, of: RaterList) -> frozenset[str]:
        """Names of all clips that the rater of a list may hear."""
        shown = [example.name for example in self.questionnaire.examples] + (
            [self.questionnaire.volume] if self.questionnaire.volume else []
        )
        return frozenset([*shown, *(name for page in of.pages for name in clips_of(page))])


def clips_of(page: MosPage | ABPage) -> tuple[str, ...]:
    """Names of the clips of a page, in the order they are heard."""
    return (page.a, page.b) if isinstance(page, ABPage) else (page.stimulus,)


def pages_of(of: RaterList) -> tuple[Page, ...]:
    """A list as a browser receives it."""
    return tuple(Page(page.page, clips_of(page)) for page in of.pages)


def _questionnaire(manifest: Manifest, design: Design, must_hear: bool) -> Questionnaire:
    examples = [Example(stimulus.name, stimulus.label) for stimulus in manifest.of_kind("training") if stimulus.label]
    # the best example first: it is also what the volume is set by
    examples.sort(key=lambda example: (-sum(example.label.values()), example.name))
    return Questionnaire(
        design=design.design,
        seconds=manifest.seconds,
        scales=tuple(SCALES[name] for name in manifest.scales),
        examples=tuple(examples) if design.type == "mos" else (),
        volume=examples[0].name if examples else None,
        must_hear=must_hear,
    )


def as_json(value: Questionnaire | tuple[Page, ...]) -> Any:
    """Plain dictionaries and lists, for JSON."""
    return TypeAdapter(type(value) if isinstance(value, Questionnaire) else tuple[Page, ...]).dump_python(
        value, mode="json"
    )
