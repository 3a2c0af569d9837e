"""Which tracks each training can use: those that are as long as its window, in audio, in codes, or in a score."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from descant.config.root import Config
from descant.errors import ConfigError, CorpusError
from descant.formatting import count
from descant.plan.plan import Plan

if TYPE_CHECKING:
    # it imports pandas, which a plan does without
    from descant.sequencefacts import Unit

# a training draws its windows from the first, and is validated on the second
DRAWN_FROM = ("train", "validation")


@dataclass(frozen=True)
class Window:
    """The window of one training.

    Attributes:
        training: its name.
        rows: of the table that need it.
        key: of the configuration that sets it.
        steps: its length, in steps of the finest sequence that it is trained on.
        hop: audio samples to one such step; of scores, ticks.
    """

    training: str
    rows: tuple[str, ...]
    key: str
    steps: int
    hop: int

    def fits(self, samples: int) -> bool:
        """Whether a track of so many audio samples, or ticks, is long enough; a last partial step counts."""
        return -(-samples // self.hop) >= self.steps


def windows(config: Config, plan: Plan, unit: "Unit" = "second") -> tuple[Window, ...]:
    """The window of every training that the rows need and that learns time in a unit: of recordings, or of scores."""
    sections = {id(section): f"adas.{name}" for name, section in config.adas.items()}
    sections |= {id(section): f"priors.{name}" for name, section in config.priors.items()}
    sections |= {id(section): f"vqvaes.{name}" for name, section in config.vqvaes.items()}
    sections |= {id(section): f"mel2mels.{name}" for name, section in config.mel2mels.items()}
    sections |= {id(section): f"vocoders.{name}" for name, section in config.vocoders.items()}
    sections |= {id(section): f"part_models.{name}" for name, section in config.part_models.items()}
    sections |= {id(section): f"transformers.{name}" for name, section in config.transformers.items()}
    sections |= {id(section): f"decoders.{name}" for name, section in config.decoders.items()}
    asked = []
    for training in plan.trained:
        if plan.learnt(training).unit != unit:
            continue
        rows = tuple(row for row, route in plan.routes.items() if training.name in route.trainings)
        key = (
            f"models.{rows[0]}.vocoder_tuning"
            if training.starts_from
            else f"{sections[id(training.settings)]}.training"
        )
        hop = min(plan.sequences[name].hop for name in training.inputs.values())
        asked.append(Window(training.name, rows, f"{key}.window", training.settings.training.window, hop))
    return tuple(asked)


def parse_windows(text: str) -> tuple[Window, ...]:
    """Read windows from JSON.

    Raises:
        ConfigError: when they are none.
    """
    try:
        return TypeAdapter(tuple[Window, ...]).validate_json(text)
    except ValidationError as error:
        raise ConfigError(f"--windows is no list of windows: {error}", "leave it out, by hand") from None


def check_windows(
    asked: Sequence[Window], tracks: Mapping[str, Sequence[int]], rate: int, unit: "Unit" = "second"
) -> None:
    """Refuse windows for which no track is long enough, all of them at once.

    Args:
        asked: of :func:`windows`.
        tracks: lengths of each split's tracks in audio samples, or in ticks of scores.
        rate: of the audio, Hz; ticks a quarter note.
        unit: of time.

    Raises:
        CorpusError: naming the rows, the keys and the longest track.
    """
    lines = []
    time, music = ("s", "recordings") if unit == "second" else ("quarter notes", "scores")
    for window in asked:
        for split in DRAWN_FROM:
            longest = max(tracks[split], default=0)
            if not window.fits(longest):
                lines.append(
                    f"    {window.key} is {window.steps:,} steps, {window.steps * window.hop / rate:.1f} {time}, but"
                    f" the longest track for {split} has {longest / rate:.1f} {time} ({_rows(window)})"
                )
    if lines:
        raise CorpusError(
            "no track is as long as a window of these trainings:\n" + "\n".join(lines),
            f"make these windows smaller, leave the rows out with `rows`, or add longer {music}",
        )


def usable_in_words(asked: Sequence[Window], tracks: Mapping[str, Sequence[int]], rate: int) -> Iterator[str]:
    """A line for each training that cannot use all of its tracks: how many, and how many minutes, it can.

    Args:
        asked: of :func:`windows`.
        tracks: lengths of each split's tracks in audio samples.
        rate: of the audio, Hz.
    """
    lengths = tracks["train"]
    for window in asked:
        used = [length for length in lengths if window.fits(length)]
        if len(used) < len(lengths):
            minutes, total = (sum(part) / rate / 60 for part in (used, lengths))
            yield (
                f"{window.training} learns from {len(used)} of {count(len(lengths), 'track')}, {minutes:.1f} of"
                f" {total:.1f} min: the others are shorter than {window.key}, {window.steps * window.hop / rate:.1f} s"
                f" ({_rows(window)})"
            )


def _rows(window: Window) -> str:
    return f"{'row' if len(window.rows) == 1 else 'rows'} {', '.join(window.rows)}"
