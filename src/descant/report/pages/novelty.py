"""The page on copies: what was searched, what was found, and the worst matches to listen to side by side."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from descant.audio.rendered import Rendered, open_rendered
from descant.evaluation.novelty.calibration import Calibration
from descant.evaluation.novelty.findings import Findings, NoveltyRow, NoveltySummary
from descant.evaluation.novelty.results import CODES, FINGERPRINT, AudioCalibration, CodesSearch, Hit
from descant.evaluation.novelty.verdict import (
    ModelFindings,
    run_verdict,
    share_words,
    worst_hits,
)
from descant.formatting import clock, count, level
from descant.recordings import open_recordings, read_recording
from descant.report.blocks import Block, Cell, Clips, Column, Items, Line, Page, Section, Table, Text
from descant.report.clips import clip_of
from descant.report.registry import Builder, Finding
from descant.results import Given, Rows, read_json
from descant.sequences import PackedSequence

# a match within so many seconds of both beginnings is an intro that is replayed (ours)
OPENING = 1.0
# a shorter run is heard with what is around it, so long (ours)
SHORTEST_CLIP = 2.0
SHARES = Markup(
    "The share of the drawn seconds that match a place in the training music. <em>Sound and notes</em> is of both "
    "searches of audio together; codes are searched on their own. Held-out music, which no network was trained on, is "
    "the floor: {}."
)
CAPTION = (
    "In brackets the {} interval over sequences, from five sequences on; where none matches it says what so few "
    "sequences cannot rule out."
)
PLACES = "On the left what was drawn, on the right what was trained on. The nearest come first; none was chosen by ear."
THRESHOLDS = (
    "Each threshold is set on this corpus by held-out music. False positives are windows of held-out music that match "
    "by the threshold of all other tracks; a held-out track that really repeats training music, a cadence or a loop, "
    "counts there too. Planted are excerpts of training tracks with a little noise (20 dB below), for the notes also a "
    "semitone higher or lower in pitch and speed."
)
SEARCHES = (
    "Fingerprints: Haitsma & Kalker 2002, the best place among all training tracks. Notes: a local alignment (Smith & "
    "Waterman 1981) of semitone spectra every quarter of a second, in twelve keys. Codes: seed and extend (Altschul et "
    "al. 1990). Thresholds: the quantile of an extreme-value law (Gumbel) fitted to the quartiles of held-out scores, "
    "and never so low that more held-out windows than allowed match. A shorter window agrees by chance more often, so "
    "its threshold is stricter and fewer copies with noise are found: draw longer clips to search better."
)


class NoveltyPageGiven(Given):
    """What the page is made from.

    Attributes:
        findings: what was found.
        calibration: of the searches of audio.
        recordings: data of the packed waveform, to listen to.
        rows: the models.
        shown: matches to listen to, at most.
    """

    findings: Path
    calibration: Path
    recordings: Path
    rows: Rows[NoveltyRow]
    shown: int


def model_line(model: ModelFindings, search: CodesSearch | None) -> Line:
    """A model in words."""
    codes = share_words(model.codes) if model.codes else f"not reported: {model.codes_missing}"
    longest = ""
    if search is not None:
        runs = [hit for hit in model.hits if hit.check == CODES and not hit.is_exact]
        best = max(runs, key=lambda hit: hit.score, default=None)
        longest = f"{best.score:.0f} codes, {best.seconds:.2f} s" if best else "none"
    audio = share_words(model.audio) if model.audio else "not reported"
    return Line(model.title, [Cell(f"{model.sequences}"), Cell(audio), Cell(codes), Cell(longest)])


def search_lines(calibration: AudioCalibration, codes: Mapping[str, CodesSearch]) -> list[Line]:
    """Every search in words; those of codes by the titles of their models."""
    sound, notes = calibration.fingerprint, calibration.notes
    windows = f"windows of {calibration.window_seconds:.1f} s"
    aligned = f"alignments in windows of {calibration.alignment_seconds:.1f} s"
    lines = [
        _line("Fingerprints", windows, sound, lambda t: f"≤ {100 * (1 - t):.1f} % of bits differ"),
        _line("Notes, in any of 12 keys", aligned, notes, lambda t: f"≥ {t:.2f} s aligned"),
    ]
    for title, found in codes.items():
        what = f"{title}: {found.codes_a_second:.0f} codes a second"
        for kind, part in (("without a difference", found.exact), ("up to a fifth differs", found.tolerant)):
            lines.append(_line(f"Codes, {kind}", what, part, lambda t: f"≥ {t:.0f} codes"))
    return lines


def _line(name: str, what: str, part: Calibration, threshold: Callable[[float], str]) -> Line:
    positives = f"{part.false_positives} of {part.windows} ({part.tracks} tracks)" if part.usual is not None else ""
    planted = f"{part.found} of {part.planted}" if part.planted else ""
    shown = f"not reported: {part.failure}" if part.threshold is None else threshold(part.threshold)
    return Line(name, [Cell(what), Cell(shown), Cell(positives), Cell(planted)])


def make_pair(heading: str, number: int, hit: Hit, drawn: Rendered, recordings: PackedSequence) -> Section:
    """A drawn excerpt and the place that it is nearest to, as they sound."""
    rate = recordings.sample_rate
    track = next(track for track in recordings.tracks("train") if track.track == hit.track)
    name = hit.name or f"Track {hit.track}"
    samples = drawn.samples[hit.sequence].drawn
    mine = drawn.read(hit.sequence, *_around(samples, hit.start, hit.seconds, drawn.sample_rate))
    other = read_recording(recordings, track, *_around(track.length, hit.track_start, hit.seconds, rate))
    mine_name, other_name = f"{number}: drawn, sample {hit.sequence + 1}", f"{number}: trained on, {name}"
    clips = [
        clip_of(mine_name, f"from {clock(hit.start)}", mine, drawn.sample_rate, mine_name),
        clip_of(other_name, f"from {clock(hit.track_start)}", other, rate, other_name),
    ]
    return Section(heading, [Text(_hit_words(hit, name), "quiet small"), Clips(clips, beside=True)])


def _around(samples: int, start: float, seconds: float, rate: int) -> tuple[int, int]:
    """First sample, and one past the last, of what is heard of so many samples."""
    length = round(max(seconds, SHORTEST_CLIP) * rate)
    first = max(0, min(round((start + seconds / 2) * rate) - length // 2, samples - length))
    return first, min(samples, first + length)


def _hit_words(hit: Hit, name: str) -> str:
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
    place = f"{clock(hit.start)} of sample {hit.sequence + 1} and {clock(hit.track_start)} of {name}"
    kind = "A match" if hit.is_match else "No match, only near"
    scale = f"Where held-out music usually scores 0 and the threshold is 1, this is {hit.nearness:.2f}."
    replayed = hit.is_match and max(hit.start, hit.track_start) < OPENING
    begins = f" What was drawn begins as {name} begins." if replayed else ""
    return f"{kind}: {agreed}{shifted}, between {place}.{begins} {scale}"


def _found(found: Findings, codes: Mapping[str, CodesSearch]) -> Section:
    floor = f"{share_words(found.floor)} of it match" if found.floor else "it could not be measured"
    columns = [Column("Model"), Column("Sequences"), Column("Sound and notes"), Column("Codes", words=True)]
    columns += [Column("Longest run of codes")]
    lines = [model_line(model, codes.get(model.title)) for model in found.models]
    verdicts = [Markup("<strong>{}.</strong> {}").format(model.title, model.verdict) for model in found.models]
    table = Table(CAPTION.format(level(found.confidence)), columns, lines)
    return Section("What was found", [Text(SHARES.format(floor)), table, Items(verdicts)])


def _pairs(given: NoveltyPageGiven, worst: Sequence[tuple[ModelFindings, Hit]]) -> Section:
    if not worst:
        nothing = Text("There is nothing to listen to: no search could be used.", "quiet")
        return Section("Nothing matches; the nearest places", [nothing])
    recordings = open_recordings(given.recordings.parent)
    drawn = {row.model: row.drawn for row in given.rows}
    pairs = [
        make_pair(f"{number}. {model.title}", number, hit, open_rendered(drawn[model.model]), recordings)
        for number, (model, hit) in enumerate(worst, start=1)
    ]
    matches = any(hit.is_match for _, hit in worst)
    heading = "The nearest matches" if matches else "Nothing matches; the nearest places"
    return Section(heading, [Text(PLACES, "quiet"), *pairs])


def build(given: NoveltyPageGiven) -> Page:
    """The page: what was found, the nearest places to hear, and how it was searched."""
    found, known = read_json(Findings, given.findings), read_json(AudioCalibration, given.calibration)
    codes = {row.title: read_json(CodesSearch, row.codes) for row in given.rows if row.codes}
    columns = [Column("Search"), Column("Of what", words=True), Column("Threshold", words=True)]
    columns += [Column("False positives"), Column("Planted copies found")]
    table = Table("Thresholds, and what they let through and find", columns, search_lines(known, codes))
    searched: list[Block] = [Text(THRESHOLDS), table, Text(SEARCHES, "quiet small")]
    blocks: list[Block] = [
        Text(run_verdict(known, found.models, found.floor), "lead"),
        *([Items(found.missing, "note")] if found.missing else []),
        _found(found, codes),
        _pairs(given, worst_hits(found.models, given.shown)),
        Section("How it was searched", searched),
    ]
    return Page("Novelty: is it a copy?", blocks)


def finding(summary: NoveltySummary, titles: Mapping[str, str]) -> str:
    """The verdict on the run."""
    return summary.verdict


PAGE = Builder(NoveltyPageGiven, build, Finding(NoveltySummary, finding))
