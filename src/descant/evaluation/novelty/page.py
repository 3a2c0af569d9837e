"""The page on copies: what was searched, what was found, and the worst matches to listen to side by side."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio.clips import flac_bytes
from descant.audio.facts import sample_facts
from descant.audio.rendered import Rendered
from descant.evaluation.figures import mel_figure
from descant.evaluation.novelty.calibration import Calibration
from descant.evaluation.novelty.results import CODES, FINGERPRINT, AudioCalibration, CodesSearch
from descant.evaluation.novelty.verdict import ModelFindings, ModelHit, calibration_failed, share_words
from descant.evaluation.pages import render
from descant.evaluation.players import Clip, make_clip
from descant.formatting import count
from descant.recordings import read_recording
from descant.sequences import PackedSequence

# a shorter run is heard with what is around it, so long (ours)
SHORTEST_CLIP = 2.0
MATCH_COLUMNS = (
    "model", "sequence", "start_seconds", "seconds", "check", "score", "nearness", "is_match",
    "track", "name", "track_start_seconds", "transposition_semitones",
)  # fmt: skip


@dataclass(frozen=True)
class ModelLine:
    """A row of the table of models, in words."""

    title: str
    sequences: str
    audio: str
    codes: str
    longest: str
    verdict: str


@dataclass(frozen=True)
class SearchLine:
    """A row of the table of searches, in words."""

    name: str
    what: str
    threshold: str
    false_positives: str
    planted: str


@dataclass(frozen=True)
class Pair:
    """A drawn excerpt beside the place in the training music that it is nearest to."""

    heading: str
    words: str
    is_match: bool
    clips: Sequence[Clip]


@dataclass(frozen=True)
class NoveltyPage:
    """All that stands on the page; see ``templates/novelty.html``."""

    verdict: str
    missing: Sequence[str]
    floor: str
    models: Sequence[ModelLine]
    searches: Sequence[SearchLine]
    has_matches: bool
    pairs: Sequence[Pair]
    confidence: float


def model_line(model: ModelFindings, search: CodesSearch | None, sequences: int) -> ModelLine:
    """A model in words."""
    codes = share_words(model.codes) if model.codes else f"not reported: {model.codes_missing}"
    longest = "–"
    if search is not None:
        runs = [hit for hit in model.hits if hit.check == CODES and not hit.is_exact]
        best = max(runs, key=lambda hit: hit.score, default=None)
        longest = f"{best.score:.0f} codes, {best.seconds:.2f} s" if best else "none"
    audio = share_words(model.audio) if model.audio else "not reported"
    return ModelLine(model.title, f"{sequences}", audio, codes, longest, model.verdict)


def search_lines(calibration: AudioCalibration, codes: Mapping[str, CodesSearch]) -> list[SearchLine]:
    """Every search in words.

    Args:
        calibration: of the two searches of audio.
        codes: of models with codes, by their titles.
    """
    sound, notes = calibration.fingerprint, calibration.notes
    lines = [
        _line("Fingerprints", f"windows of {calibration.window_seconds:.1f} s", sound, _bits(sound)),
        _line(
            "Notes, in any of 12 keys",
            f"alignments in windows of {calibration.alignment_seconds:.1f} s",
            notes,
            "" if notes.threshold is None else f"≥ {notes.threshold:.2f} s aligned",
        ),
    ]
    for title, found in codes.items():
        for kind, part in (("without a difference", found.exact), ("up to a fifth differs", found.tolerant)):
            told = "" if part.threshold is None else f"≥ {part.threshold:.0f} codes"
            lines.append(_line(f"Codes, {kind}", f"{title}: {found.codes_a_second:.0f} codes a second", part, told))
    return lines


def _bits(sound: Calibration) -> str:
    return "" if sound.threshold is None else f"≤ {100 * (1 - sound.threshold):.1f} % of bits differ"


def _line(name: str, what: str, part: Calibration, threshold: str) -> SearchLine:
    return SearchLine(
        name,
        what,
        threshold or calibration_failed(part),
        f"{part.false_positives} of {part.windows} ({part.tracks} tracks)" if part.usual is not None else "–",
        f"{part.found} of {part.planted}" if part.planted else "–",
    )


def make_pair(number: int, one: ModelHit, drawn: Rendered, recordings: PackedSequence) -> Pair:
    """A drawn excerpt and the place that it is nearest to, as they sound.

    Args:
        number: of the match, from 1.
        one: the hit.
        drawn: what the model drew.
        recordings: of the corpus.
    """
    hit, rate = one.hit, recordings.sample_rate
    track = next(track for track in recordings.tracks("train") if track.track == hit.track)
    name = hit.name or f"Track {hit.track}"
    sample = drawn.samples[hit.sequence]
    mine = drawn.read(hit.sequence, *_around(sample.drawn, hit.start, hit.seconds, drawn.sample_rate))
    other = read_recording(recordings, track, *_around(track.length, hit.track_start, hit.seconds, rate))
    clips = [
        _clip(f"{number}: drawn, sample {hit.sequence + 1}", hit.start, mine, drawn.sample_rate),
        _clip(f"{number}: trained on, {name}", hit.track_start, other, rate),
    ]
    return Pair(f"{number}. {one.title}", _hit_words(one, name), hit.is_match, clips)


def _around(samples: int, start: float, seconds: float, rate: int) -> tuple[int, int]:
    """First sample, and one past the last, of what is heard of so many samples."""
    length = round(max(seconds, SHORTEST_CLIP) * rate)
    first = max(0, min(round((start + seconds / 2) * rate) - length // 2, samples - length))
    return first, min(samples, first + length)


def _clip(name: str, start: float, audio: npt.NDArray[np.float32], rate: int) -> Clip:
    figure = mel_figure(audio, rate, name)
    return make_clip(name, f"from {_time(start)}", sample_facts(audio, rate), flac_bytes(audio, rate), figure)


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def _hit_words(one: ModelHit, name: str) -> str:
    hit = one.hit
    agreed = (
        f"{100 * hit.score:.1f} % of the fingerprint's bits agree over {hit.seconds:.1f} s"
        if hit.check == FINGERPRINT
        else f"a run of {hit.score:.0f} codes ({hit.seconds:.2f} s)"
        f"{' without a difference' if hit.is_exact else ', of which at most a fifth differs'}"
        if hit.check == CODES
        else f"{hit.score:.1f} s of notes align"
    )
    steps = count(abs(hit.transposition), "semitone")
    shifted = f", {steps} {'up' if hit.transposition > 0 else 'down'}" if hit.transposition else ""
    place = f"{_time(hit.start)} of sample {hit.sequence + 1} and {_time(hit.track_start)} of {name}"
    kind = "A match" if hit.is_match else "No match, only near"
    scale = f"Where held-out music usually scores 0 and the threshold is 1, this is {hit.nearness:.2f}."
    return f"{kind}: {agreed}{shifted}, between {place}. {scale}"


def novelty_html(page: NoveltyPage) -> str:
    """The page as HTML."""
    return render("novelty.html", {"page": page})


def write_matches(models: Sequence[ModelFindings], path: Path) -> None:
    """Write the nearest place of every window and run as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(MATCH_COLUMNS)
        for model in models:
            for hit in model.hits:
                check = f"{hit.check}, exact" if hit.is_exact else hit.check
                where = (model.model, hit.sequence, round(hit.start, 3), round(hit.seconds, 3))
                figures = (check, round(hit.score, 4), round(hit.nearness, 4), int(hit.is_match))
                writer.writerow((*where, *figures, hit.track, hit.name, round(hit.track_start, 3), hit.transposition))
    temporary.replace(path)
