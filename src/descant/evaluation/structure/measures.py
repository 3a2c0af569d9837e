"""What is measured of an excerpt, by name: in words for people, and how long an excerpt it needs."""

from dataclasses import dataclass

STRUCTURE, LEVEL, NOTES = "structure", "level", "notes"
# beside a measure of notes, the same of as many random ones
RANDOM = "_random"


@dataclass(frozen=True)
class Measure:
    """A figure of an excerpt.

    Attributes:
        name: of its column.
        title: for people.
        unit: empty where it has none.
        words: what it shows.
        kind: ``structure``, ``notes``, or ``level``: the last is not asked to separate music from shuffled music, since
            shuffling leaves level as it is.
        shortest: seconds of the shortest excerpt that it is defined for (ours).
    """

    name: str
    title: str
    unit: str
    words: str
    kind: str
    shortest: float


MEASURES = (
    Measure(
        "chroma_continuity",
        "Harmony holds",
        "",
        "correlation of the chroma of neighbouring half beats, minus that at all larger lags",
        STRUCTURE,
        2.5,
    ),
    Measure(
        "chroma_repetition",
        "Harmony returns",
        "",
        "mean correlation of chroma along the strongest stripe at lags of 1 s and more, minus the median stripe",
        STRUCTURE,
        4.0,
    ),
    Measure(
        "timbre_continuity",
        "Timbre holds",
        "",
        "similarity of standardised MFCCs of neighbouring half beats, minus that at all larger lags",
        STRUCTURE,
        2.5,
    ),
    Measure(
        "timbre_repetition",
        "Timbre returns",
        "",
        "mean similarity of standardised MFCCs along the strongest stripe at lags of 1 s and more, minus the median",
        STRUCTURE,
        4.0,
    ),
    Measure(
        "key_strength",
        "Key strength",
        "",
        "correlation of each quarter's chroma (at most 10 s) with the best of 24 Krumhansl-Kessler profiles",
        STRUCTURE,
        2.0,
    ),
    Measure(
        "key_stability", "Key stability", "", "share of these quarters whose key is the whole excerpt's", STRUCTURE, 2.0
    ),
    Measure(
        "pulse_clarity",
        "Pulse clarity",
        "",
        "highest autocorrelation of onset strength between 40 and 240 beats a minute",
        STRUCTURE,
        2.0,
    ),
    Measure("pulse_share", "Pulse found", "", "share of excerpts whose pulse is clearer than noise's", STRUCTURE, 2.0),
    Measure("tempo_bpm", "Tempo", "beats/min", "folded into 70 to 140; only where there is a pulse", STRUCTURE, 2.0),
    Measure(
        "tempo_variation",
        "Tempo variation",
        "",
        "spread of the tempo over windows of 2 to 4 s, as a share of the tempo, octaves folded",
        STRUCTURE,
        4.0,
    ),
    Measure("notes_per_second", "Notes", "per s", "notes that the transcriber finds", NOTES, 2.0),
    Measure("pitch_range", "Pitch range", "semitones", "from the lowest to the highest note", NOTES, 2.0),
    Measure(
        "pitch_class_entropy", "Pitch-class entropy", "bits", "of the notes' pitch classes; at most 3.58", NOTES, 2.0
    ),
    Measure(
        "scale_consistency",
        "Scale consistency",
        "",
        "largest share of notes that lie in one major or minor scale; high for few notes, whatever they are",
        NOTES,
        2.0,
    ),
    Measure("polyphony", "Polyphony", "notes", "notes sounding at once, where any sounds", NOTES, 2.0),
    Measure("empty_time_rate", "Empty time", "", "share of the time in which no note sounds", NOTES, 2.0),
    Measure("empty_beat_rate", "Empty beats", "", "share of beats in which no note sounds", NOTES, 2.0),
    Measure(
        "groove_consistency",
        "Groove consistency",
        "",
        "1 minus the share of sixteenths whose onset differs between neighbouring bars of four beats",
        NOTES,
        3.5,
    ),
    Measure("loudness_lufs", "Loudness", "LUFS", "BS.1770; RMS in dBFS under 0.4 s", LEVEL, 0.0),
    Measure("loudness_drift_db", "Loudness drift", "dB", "last third minus first third", LEVEL, 0.0),
    Measure("silent_share", "Silence", "", "share of the time below −60 dBFS", LEVEL, 0.0),
    Measure("clipped_share", "Clipping", "", "share of the samples at full scale", LEVEL, 0.0),
    Measure("dc", "DC", "", "mean of the samples; full scale is 1", LEVEL, 0.0),
)


def of_kind(*kinds: str) -> tuple[Measure, ...]:
    """The measures of some kinds, in order."""
    return tuple(measure for measure in MEASURES if measure.kind in kinds)
