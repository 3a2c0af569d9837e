"""``evaluation.novelty:`` how copies of the training music are looked for."""

from pydantic import Field

from descant.config.base import Section


class Novelty(Section):
    """``evaluation.novelty:`` windows, thresholds and what is shown; numbers without a source are ours."""

    window_seconds: float = Field(
        5.0, gt=0, description="window of the fingerprint search; clips that are shorter are searched whole (ours)"
    )
    hop_seconds: float = Field(1.0, gt=0, description="step from one window to the next, seconds (ours)")
    alignment_seconds: float = Field(
        10.0,
        gt=0,
        description="window of the search that tolerates other keys; shorter clips are searched whole (ours)",
    )
    shortest_seconds: float = Field(
        3.0, gt=0, description="clips under this are not searched: too much music agrees for so long by chance (ours)"
    )
    false_positives: float = Field(
        0.001, gt=0, lt=0.5, description="share of windows of held-out music that a threshold may let through (ours)"
    )
    calibration_windows: int = Field(
        400, ge=20, description="windows of held-out music that set a threshold, at most, spread evenly (ours)"
    )
    planted: int = Field(
        40, ge=2, le=1000, description="copies that are planted to measure which share each search finds (ours)"
    )
    shown: int = Field(20, ge=1, le=200, description="matches with players on the page, at most (ours)")
