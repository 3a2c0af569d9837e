"""Rendered audio: a folder of 16-bit FLAC files of one rate, and a table of them, whichever model drew them.

``samples.csv`` has a row a file. What a sample was primed with stands at its start and was not drawn: who measures the
model skips it.
"""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from descant.audio.clips import flac_bytes
from descant.audio.facts import SampleFacts, sample_facts
from descant.errors import SamplingError

TABLE = "samples.csv"
CURE = "delete that folder and run snakemake again"


@dataclass(frozen=True)
class Sample:
    """A row of ``samples.csv``.

    Attributes:
        file: name of the FLAC file.
        sample_rate: Hz.
        samples: length of the file.
        primed: samples at its start that were given to the model and not drawn.
        facts: plain figures of the whole file.
    """

    file: str
    sample_rate: int
    samples: int
    primed: int
    facts: SampleFacts

    @property
    def drawn(self) -> int:
        """Samples that were drawn."""
        return self.samples - self.primed


COLUMNS = ("file", "sample_rate", "samples", "primed", *(field.name for field in fields(SampleFacts)))


@dataclass(frozen=True)
class Rendered:
    """A folder of rendered audio.

    Attributes:
        folder: where it stands.
        samples: its files in the order they were drawn; at least one, all of one rate.
    """

    folder: Path
    samples: tuple[Sample, ...]

    @property
    def sample_rate(self) -> int:
        """Of every file, Hz."""
        return self.samples[0].sample_rate

    @property
    def shortest(self) -> int:
        """Samples that were drawn of the shortest file."""
        return min(sample.drawn for sample in self.samples)

    def read(self, number: int, start: int = 0, stop: int | None = None) -> npt.NDArray[np.float32]:
        """Audio that was drawn; what it was primed with is left out unless it is asked for.

        Args:
            number: of the sample.
            start: first sample, counted from the end of the prime; what is negative lies in it.
            stop: one past the last; None for the end.

        Returns:
            float32 ``(stop - start,)`` in [-1, 1).

        Raises:
            SamplingError: when the file is missing or torn.
        """
        sample = self.samples[number]
        first = sample.primed + start
        count = (sample.samples if stop is None else sample.primed + stop) - first
        path = self.folder / sample.file
        try:
            audio, rate = soundfile.read(path, count, first, dtype="float32")
        except (soundfile.SoundFileError, OSError) as error:
            raise SamplingError(f"{path} cannot be read: {error}", CURE) from error
        if audio.shape != (count,) or rate != sample.sample_rate:
            raise SamplingError(f"{path} is not the file that {TABLE} describes", CURE)
        return np.asarray(audio, dtype=np.float32)


def write_rendered(
    folder: Path, audio: Iterable[npt.NDArray[np.floating]], count: int, sample_rate: int, primed: int = 0
) -> None:
    """Write audio as 16-bit FLAC ``00.flac``, ``01.flac`` …, and the table; one sample is in memory at a time.

    Args:
        folder: that exists.
        audio: floats ``(time,)`` each, full scale 1.
        count: how many; their names have as many digits as this needs.
        sample_rate: Hz.
        primed: samples at the start of each that were not drawn.

    Raises:
        AudioFileError: when FLAC knows no such rate.
        SamplingError: when there is no audio in one of them.
    """
    digits = max(2, len(str(count - 1)))
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        for number, samples in enumerate(audio):
            facts = sample_facts(samples, sample_rate)
            name = f"{number:0{digits}}.flac"
            (folder / name).write_bytes(flac_bytes(samples, sample_rate))
            place = {"file": name, "sample_rate": sample_rate, "samples": len(samples), "primed": primed}
            writer.writerow({**place, **_rounded(facts)})


def _rounded(facts: SampleFacts) -> dict[str, float | None]:
    return {name: value if value is None else round(value, 6) for name, value in asdict(facts).items()}


def open_rendered(folder: Path) -> Rendered:
    """Open what :func:`write_rendered` wrote; the audio is read when it is asked for.

    Raises:
        SamplingError: when the table is missing, torn or empty.
    """
    try:
        with (folder / TABLE).open(newline="", encoding="utf-8") as table:
            samples = tuple(_sample(row) for row in csv.DictReader(table))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise SamplingError(f"{folder} holds no readable {TABLE}", CURE) from error
    if not samples:
        raise SamplingError(f"{folder} holds no samples", CURE)
    if len({sample.sample_rate for sample in samples}) > 1:
        raise SamplingError(f"the samples in {folder} differ in their rates", CURE)
    return Rendered(folder, samples)


def _sample(row: dict[str, str]) -> Sample:
    facts = SampleFacts(
        float(row["seconds"]),
        float(row["peak"]),
        float(row["rms_dbfs"]) if row["rms_dbfs"] else None,
        float(row["silent_share"]),
    )
    return Sample(row["file"], int(row["sample_rate"]), int(row["samples"]), int(row["primed"]), facts)
