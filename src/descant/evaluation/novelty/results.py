"""What the searches found, between their commands, as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from descant.evaluation.novelty.calibration import Calibration

FINGERPRINT, NOTES, CODES = "fingerprint", "notes", "codes"


@dataclass(frozen=True)
class Share:
    """Seconds of a sequence, and those of them that match."""

    seconds: float
    matched: float


@dataclass(frozen=True)
class Hit:
    """A window or run and its nearest place in the training music.

    Attributes:
        check: ``fingerprint``, ``notes`` or ``codes``.
        sequence: number of the drawn sequence.
        start: seconds into it.
        seconds: of the part that agrees.
        score: share of bits that agree, aligned seconds, or codes in the run.
        nearness: 0 for what held-out music usually scores, 1 at the threshold.
        is_match: whether the threshold is reached.
        track: id of the training track.
        name: artist and title, or empty.
        track_start: seconds into the track.
        transposition: semitones from the track to the sequence.
        is_exact: whether it is a run of codes without a difference.
    """

    check: str
    sequence: int
    start: float
    seconds: float
    score: float
    nearness: float
    is_match: bool
    track: str
    name: str
    track_start: float
    transposition: int = 0
    is_exact: bool = False


@dataclass(frozen=True)
class AudioCalibration:
    """What the two searches of audio can find on this corpus, for drawn clips of one length.

    Attributes:
        clip_seconds: length of the drawn clips.
        training_seconds: of the music that is searched.
        window_seconds: of the fingerprint search.
        alignment_seconds: of the search for notes.
        fingerprint: of the first search.
        notes: of the second.
        floor: shares of held-out tracks that match, each by the thresholds of the others; empty where not measured.
    """

    clip_seconds: float
    training_seconds: float
    window_seconds: float
    alignment_seconds: float
    fingerprint: Calibration
    notes: Calibration
    floor: Sequence[Share]


@dataclass(frozen=True)
class AudioSearch:
    """What a model's drawn audio shares with the training music.

    Attributes:
        shares: of each sequence; empty where no search could be used.
        hits: the nearest places of each sequence's windows.
        windows: that were searched.
        uninformative: of them silent or static, which match anything alike.
    """

    shares: Sequence[Share]
    hits: Sequence[Hit]
    windows: int
    uninformative: int


@dataclass(frozen=True)
class CodesSearch:
    """What a model's drawn top codes share with those of the training music.

    Attributes:
        exact: of the search for runs without a difference.
        tolerant: of the search for runs with substitutions.
        codes_a_second: of the top level.
        shares: of each sequence; empty where neither can be used.
        hits: the longest run of each sequence.
        floor: shares of held-out sequences that match, each by the thresholds of other tracks.
    """

    exact: Calibration
    tolerant: Calibration
    codes_a_second: float
    shares: Sequence[Share]
    hits: Sequence[Hit]
    floor: Sequence[Share]
