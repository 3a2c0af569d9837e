"""``evaluation.structure`` and ``evaluation.transcription``: excerpts, and when a note is one."""

from pydantic import Field

from descant.config.base import Section


class Structure(Section):
    """``evaluation.structure:`` which excerpts are measured; all are equally long. The defaults are ours."""

    seconds: float | None = Field(
        None, gt=0, description="length of an excerpt; empty = as long as the drawn audio, at most 24 s"
    )
    excerpts: int = Field(64, ge=1, description="excerpts of a model, and of real music, at most")
    block_seconds: float = Field(
        0.5, gt=0, description="length of the blocks in which real music is shuffled for comparison, seconds"
    )


class Transcription(Section):
    """``evaluation.transcription:`` thresholds of the note transcriber; the defaults are basic-pitch's own."""

    onset_threshold: float = Field(0.5, gt=0, lt=1, description="activation from which on a note starts")
    frame_threshold: float = Field(0.3, gt=0, lt=1, description="activation down to which a note goes on")
    shortest_note_seconds: float = Field(0.1277, gt=0, description="a shorter note is left out, seconds")
