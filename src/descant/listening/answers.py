"""What a rater's browser says of a page, and the file that a browser without a server gives: checked, nothing coerced.

The file of the static mode is JSON: ``{"format": "descant-ratings", "version": 1, "design": SHA256, "session": 32 hex
digits, "list": NUMBER, "ratings": [...]}``, its ratings as :class:`Answer`, of each page and scale the latest.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from descant.errors import ListeningError
from descant.listening.files import Sha256

COMMENT_BYTES = 10_000
LAST_REVISION = 1000
# what a rater sends back: a list of 500 pages with the longest comments has 10 MB
FILE_BYTES = 1 << 24
# a day; a browser's clock that says more is not believed
LONGEST_MS = 86_400_000

SessionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Milliseconds = Annotated[int, Field(ge=0, le=LONGEST_MS)]


def _short(comment: str) -> str:
    if len(comment.encode()) > COMMENT_BYTES:
        raise ValueError(f"a comment holds at most {COMMENT_BYTES} bytes of UTF-8")
    return comment


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Answer(_Strict):
    """One rating.

    Attributes:
        page: of the session's list.
        scale: that it is on.
        value: 1 to 5; for a preference 1 (the first clip) or 2.
        revision: 1, and one more each time the rater changes it; the latest counts, all are kept.
        plays: how often the clip was heard to its end; of two clips, the fewer.
        heard_ms: how long the page's clips sounded before.
        rating_ms: from the page's first showing to the rating.
        comment: on the page, as it stood when this was sent; the same on each of its scales.
    """

    page: Annotated[int, Field(ge=0, le=10_000)]
    scale: Annotated[str, Field(max_length=40)]
    value: Annotated[int, Field(ge=1, le=5)]
    revision: Annotated[int, Field(ge=1, le=LAST_REVISION)]
    plays: Annotated[int, Field(ge=0, le=10_000)]
    heard_ms: Milliseconds
    rating_ms: Milliseconds
    comment: Annotated[str, AfterValidator(_short)] = ""


class RatingsFile(_Strict):
    """What the static mode gives at its end; see the module."""

    format: Literal["descant-ratings"] = "descant-ratings"
    version: Literal[1] = 1
    design: Sha256
    session: SessionId
    list: Annotated[int, Field(ge=0)]
    # a JSON array; strictness would refuse it as a tuple when it is read from Python
    ratings: Annotated[tuple[Answer, ...], Field(max_length=100_000, strict=False)]


def read_ratings_file(path: Path) -> RatingsFile:
    """Read what a rater sent back from the static mode.

    Raises:
        ListeningError: when it is another file, or was changed so that it says what no page can.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1)
        if len(content) > FILE_BYTES:
            raise ListeningError(
                f"{path} has more than {FILE_BYTES >> 20} MiB", "ask for the file as it was downloaded"
            )
        return RatingsFile.model_validate_json(content)
    except OSError as error:
        raise ListeningError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise ListeningError(
            f"{path} is no file of ratings: {place}: {first['msg']}", "ask the rater for the file as it was downloaded"
        ) from error
