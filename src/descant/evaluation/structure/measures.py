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
        kind: ``structure``, ``notes``, or ``level``: the last is not asked to separate music from shuffled music, since
            shuffling leaves level as it is.
        shortest: seconds of the shortest excerpt that it is defined for (ours).
        words: what it shows.
    """

    name: str
    title: str
    unit: str
    kind: str
    shortest: float
    words: str


MEASURES = (
    Measure("chroma_continuity", "Harmony holds", "", STRUCTURE, 2.5,
        "correlation of the chroma of neighbouring half beats, minus that at all larger lags"),
    Measure("chroma_repetition", "Harmony returns", "", STRUCTURE, 4.0,
        "mean correlation of chroma along the strongest stripe at lags of 1 s and more, minus the median stripe"),
    Measure("timbre_continuity", "Timbre holds", "", STRUCTURE, 2.5,
        "similarity of standardised MFCCs of neighbouring half beats, minus that at all larger lags"),
    Measure("timbre_repetition", "Timbre returns", "", STRUCTURE, 4.0,
        "mean similarity of standardised MFCCs along the strongest stripe at lags of 1 s and more, minus the median"),
    Measure("key_strength", "Key strength", "", STRUCTURE, 2.0,
        "correlation of each quarter's chroma (at most 10 s) with the best of 24 Krumhansl-Kessler profiles"),
    Measure("key_stability", "Key stability", "", STRUCTURE, 2.0,
        "share of these quarters whose key is the whole excerpt's"),
    Measure("pulse_clarity", "Pulse clarity", "", STRUCTURE, 2.0,
        "highest autocorrelation of onset strength between 40 and 240 beats a minute"),
    Measure("pulse_share", "Pulse found", "", STRUCTURE, 2.0, "share of excerpts whose pulse is clearer than noise's"),
    Measure("tempo_bpm", "Tempo", "beats/min", STRUCTURE, 2.0, "folded into 70 to 140; only where there is a pulse"),
    Measure("tempo_variation", "Tempo variation", "", STRUCTURE, 4.0,
        "spread of the tempo over windows of 2 to 4 s, as a share of the tempo, octaves folded"),
    Measure("notes_per_second", "Notes", "per s", NOTES, 2.0, "notes that the transcriber finds"),
    Measure("pitch_range", "Pitch range", "semitones", NOTES, 2.0, "from the lowest to the highest note"),
    Measure("pitch_class_entropy", "Pitch-class entropy", "bits", NOTES, 2.0,
        "of the notes' pitch classes; at most 3.58"),
    Measure("scale_consistency", "Scale consistency", "", NOTES, 2.0,
        "largest share of notes that lie in one major or minor scale; high for few notes, whatever they are"),
    Measure("polyphony", "Polyphony", "notes", NOTES, 2.0, "notes sounding at once, where any sounds"),
    Measure("empty_time_rate", "Empty time", "", NOTES, 2.0, "share of the time in which no note sounds"),
    Measure("empty_beat_rate", "Empty beats", "", NOTES, 2.0, "share of beats in which no note sounds"),
    Measure("groove_consistency", "Groove consistency", "", NOTES, 3.5,
        "1 minus the share of sixteenths whose onset differs between neighbouring bars of four beats"),
    Measure("loudness_lufs", "Loudness", "LUFS", LEVEL, 0.0, "BS.1770; RMS in dBFS under 0.4 s"),
    Measure("loudness_drift_db", "Loudness drift", "dB", LEVEL, 0.0, "last third minus first third"),
    Measure("silent_share", "Silence", "", LEVEL, 0.0, "share of the time below −60 dBFS"),
    Measure("clipped_share", "Clipping", "", LEVEL, 0.0, "share of the samples at full scale"),
    Measure("dc", "DC", "", LEVEL, 0.0, "mean of the samples; full scale is 1"),
)  # fmt: skip


def of_kind(*kinds: str) -> tuple[Measure, ...]:
    """The measures of some kinds, in order."""
    return tuple(measure for measure in MEASURES if measure.kind in kinds)
