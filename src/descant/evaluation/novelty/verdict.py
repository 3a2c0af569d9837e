"""What the searches found, in shares with intervals and in one sentence for each model and for the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from descant.evaluation.novelty.results import AudioCalibration, AudioSearch, CodesSearch, Hit, Share
from descant.formatting import count, duration
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, ratio_interval

NO_CODES = "its top level is the audio itself, which the searches of audio cover"
LIMITS = (
    "Not found by this: copies shorter than a window, other arrangements of the same piece, "
    "keys that lie between semitones, and much faster or slower playing."
)
# a model with nothing above a threshold still lets the nearest places be heard
NEAREST = 5


@dataclass(frozen=True)
class ModelFindings:
    """What was found of a model.

    Attributes:
        model: its name in the configuration.
        title: name of its row.
        sequences: that it drew.
        seconds: of drawn audio.
        audio: share of them that the searches of audio match; None where neither could be used.
        codes: share of them that the search of codes matches; None where it could not be used.
        codes_missing: why not, or empty.
        uninformative: share of its windows that are silent or static.
        hits: nearest places of all searches.
        verdict: in a sentence or two.
    """

    model: str
    title: str
    sequences: int
    seconds: float
    audio: Interval | None
    codes: Interval | None
    codes_missing: str
    uninformative: float
    hits: Sequence[Hit]
    verdict: str


def share_interval(shares: Sequence[Share], bootstrap: Bootstrap) -> Interval | None:
    """The share of the seconds that match, with an interval by sequence from five on.

    A bootstrap of sequences of which none matches, or all do wholly, would claim to know everything: there the
    interval ends where so many alike sequences would still be likely (Clopper & Pearson 1934, one-sided).

    Returns:
        None where there is no sequence.
    """
    matched = np.array([share.matched for share in shares], dtype=np.float64)
    seconds = np.array([share.seconds for share in shares], dtype=np.float64)
    if not seconds.sum() > 0:
        return None
    value = float(matched.sum() / seconds.sum())
    if len(shares) < FEWEST_TRACKS:
        return Interval(value, None, None)
    beyond = 1 - (1 - bootstrap.confidence) ** (1 / len(shares))
    if value == 0:
        return Interval(0.0, 0.0, beyond)
    if value >= 1:
        return Interval(1.0, 1 - beyond, 1.0)
    # its samples are whole numbers: milliseconds are
    milliseconds = np.maximum(1, np.rint(1000 * seconds)).astype(np.int64)
    drawn = ratio_interval(1000 * matched, milliseconds, bootstrap)
    return Interval(value, drawn.low, drawn.high)


def find_model(
    model: str,
    title: str,
    calibration: AudioCalibration,
    search: AudioSearch,
    codes: CodesSearch | None,
    sequences: int,
    seconds: float,
    bootstrap: Bootstrap,
) -> ModelFindings:
    """Put together what was found of a model that drew so many sequences and seconds; some have no codes."""
    audio = share_interval(search.shares, bootstrap)
    in_codes = share_interval(codes.shares, bootstrap) if codes else None
    why_not = NO_CODES if codes is None else codes.tolerant.failure or codes.exact.failure
    missing = "" if in_codes else why_not
    uninformative = search.uninformative / search.windows if search.windows else 0.0
    hits = (*search.hits, *(codes.hits if codes else ()))
    verdict = _verdict(calibration, audio, in_codes, seconds, uninformative)
    return ModelFindings(model, title, sequences, seconds, audio, in_codes, missing, uninformative, hits, verdict)


def share_words(share: Interval | None) -> str:
    """``2.5 % [0.0, 8.1]``; a dash where there is none."""
    if share is None:
        return "–"
    spread = "" if share.low is None or share.high is None else f" [{100 * share.low:.1f}, {100 * share.high:.1f}]"
    return f"{100 * share.value:.1f} %{spread}"


def _verdict(
    calibration: AudioCalibration, audio: Interval | None, codes: Interval | None, seconds: float, uninformative: float
) -> str:
    if audio is None and codes is None:
        return f"Not reported: {'; '.join(audio_missing(calibration))}."
    parts = []
    if audio is not None:
        parts.append(
            f"Of the {duration(seconds)} drawn, {share_words(audio)} match a place in "
            f"{duration(calibration.training_seconds)} of training music by their sound or notes"
        )
    if codes is not None:
        parts.append(
            f"{'and ' if parts else ''}{share_words(codes)} of its codes stand in runs that are shared with it"
        )
    silent = (
        f" {100 * uninformative:.0f} % of the windows are silent or static, and say nothing." if uninformative else ""
    )
    return f"{', '.join(parts)}.{silent}"


def audio_missing(calibration: AudioCalibration) -> list[str]:
    """Why searches of audio are not reported, each once."""
    parts = (("fingerprints", calibration.fingerprint), ("notes", calibration.notes))
    failures = {part.failure for _, part in parts}
    if len(failures) == 1:
        return [failure for failure in failures if failure]
    return [f"{name}: {part.failure}" for name, part in parts if part.failure]


def missing_words(calibration: AudioCalibration, models: Sequence[ModelFindings]) -> list[str]:
    """Everything that is not reported, each reason once."""
    of_codes = [model for model in models if model.codes_missing not in ("", NO_CODES)]
    reasons = [*audio_missing(calibration), *(f"codes of {one.title}: {one.codes_missing}" for one in of_codes)]
    return [f"not reported: {reason}" for reason in dict.fromkeys(reasons)]


def run_verdict(calibration: AudioCalibration, models: Sequence[ModelFindings], floor: Interval | None) -> str:
    """One honest sentence or two for the run: what was searched, what was found, what this cannot find."""
    used = [model for model in models if model.audio is not None]
    if not used:
        return " ".join([f"Not reported: {'; '.join(audio_missing(calibration))}.", *_codes_words(models)])
    seconds = sum(model.seconds for model in used)
    matched = sum(model.seconds * model.audio.value for model in used if model.audio)
    against = duration(calibration.training_seconds)
    beside = f"; of held-out music {100 * floor.value:.1f} % do" if floor else ""
    found = f"{matched:.1f} s match" if matched else "none matches"
    if matched:
        most = max(used, key=lambda model: model.audio.value if model.audio else 0.0)
        found += f", most of them of {most.title} ({share_words(most.audio)})"
    planted = " and ".join(planted_words(calibration))
    searched = (
        f"{duration(seconds)} drawn by {count(len(used), 'model')} were searched for copies of {against} of training "
        f"music: {found}{beside}. Of planted copies {planted}."
    )
    return " ".join([searched, *_codes_words(models), LIMITS])


def _codes_words(models: Sequence[ModelFindings]) -> list[str]:
    """What the searches of codes found, all together; nothing where there was none."""
    used = [model for model in models if model.codes is not None]
    if not used:
        return []
    seconds = sum(model.seconds for model in used)
    matched = sum(model.seconds * model.codes.value for model in used if model.codes)
    return [f"Of {duration(seconds)} of drawn codes {matched:.1f} s stand in runs shared with training codes."]


def planted_words(calibration: AudioCalibration) -> list[str]:
    """How many of the copies that were planted each search finds."""
    words = {"fingerprints find": calibration.fingerprint, "notes find, a semitone off,": calibration.notes}
    return [f"{who} {part.found} of {part.planted}" for who, part in words.items() if part.threshold is not None]


def summarise(
    calibration: AudioCalibration, models: Sequence[ModelFindings], floor: Interval | None
) -> Mapping[str, object]:
    """The measure's summary, for other pages: nothing that was not measured has a number."""
    return {
        "verdict": run_verdict(calibration, models, floor),
        "models": {
            model.model: {
                "verdict": model.verdict,
                "seconds": model.seconds,
                **_figures(model.audio, "matched_share", "low", "high"),
                **_figures(model.codes, "codes_share", "codes_low", "codes_high"),
            }
            for model in models
        },
        **_figures(floor, "floor_share", "floor_low", "floor_high"),
        "missing": missing_words(calibration, models),
    }


def _figures(found: Interval | None, *names: str) -> dict[str, float | None]:
    figures = (found.value, found.low, found.high) if found else (None, None, None)
    return dict(zip(names, figures, strict=True))


def worst_hits(models: Sequence[ModelFindings], most: int) -> list[tuple[ModelFindings, Hit]]:
    """The matches that are nearest to a copy; where nothing matches, the nearest few places.

    Of hits that overlap in one sequence, by the same search, only the nearest is taken.
    """
    hits = [(model, hit) for model in models for hit in model.hits]
    if any(hit.is_match for _, hit in hits):
        hits = [(model, hit) for model, hit in hits if hit.is_match]
    else:
        most = min(most, NEAREST)
    taken: list[tuple[ModelFindings, Hit]] = []
    for model, hit in sorted(hits, key=lambda one: -one[1].nearness):
        if len(taken) < most and not any(other is model and _overlap(hit, held) for other, held in taken):
            taken.append((model, hit))
    return taken


def _overlap(a: Hit, b: Hit) -> bool:
    same = (a.check, a.sequence) == (b.check, b.sequence)
    return same and a.start < b.start + b.seconds and b.start < a.start + a.seconds
