"""The listening test on the web: pages for raters and for the experimenter, over one store.

A session's random id in the link is all that a rater needs and has. The experimenter's pages need a token, which the
browser keeps out of the requested address (after ``#``) and sends as ``Authorization: Bearer``.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp

from descant.errors import ListeningError
from descant.listening.answers import Answer, SessionId
from descant.listening.database import UnavailableError
from descant.listening.experimenter import state_of
from descant.listening.export import csv_bytes, for_spreadsheets, parquet_bytes, table_of
from descant.listening.files import Name
from descant.listening.guard import Guard
from descant.listening.sessions import (
    DeletedSessionError,
    FullSessionError,
    InvalidAnswerError,
    RevisionConflictError,
    Session,
    TooManySessionsError,
    UnknownSessionError,
)
from descant.listening.store import Store
from descant.listening.study import Study, as_json, pages_of

# what the page is made of; nothing else is served from the package
PARTS = {
    "icon.svg": "image/svg+xml",
    "style.css": "text/css",
    "queue.js": "text/javascript",
    "player.js": "text/javascript",
    "rater.js": "text/javascript",
    "experimenter.js": "text/javascript",
}
EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"
STATUS: dict[type[ListeningError], int] = {
    UnknownSessionError: 404,
    DeletedSessionError: 410,
    InvalidAnswerError: 422,
    RevisionConflictError: 409,
    FullSessionError: 413,
    TooManySessionsError: 429,
    UnavailableError: 503,
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Consent(_Body):
    """Someone agreed to take part: only then is a session made."""

    consent: Literal[True]


class Exclusion(_Body):
    """Set a session aside, or take it back, and why."""

    excluded: bool
    reason: Annotated[str, Field(max_length=1000)] = ""


def page_part(name: str) -> bytes:
    """A file of the page, as it is in this package."""
    return (resources.files("descant.listening") / "page" / name).read_bytes()


def make_app(
    study: Study, store: Store, token: str, hosts: Iterable[str], stop: Callable[[], None], most_sessions: int
) -> ASGIApp:
    """The application.

    Args:
        study: the test.
        store: that knows the test.
        token: of the experimenter.
        hosts: values of ``Host`` that are answered.
        stop: ends the server.
        most_sessions: of the test that may be begun.
    """
    app = FastAPI(title="Listening test", docs_url=None, redoc_url=None, openapi_url=None)
    # a request is answered in a thread: a rating waits for the disk, and nobody else waits with it
    _answer_errors(app)
    _add_parts(app)
    _add_rater(app, study, store, most_sessions)
    _add_experimenter(app, study, store, token, stop)
    return Guard(app, hosts)


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def refuse(request: Request, error: RequestValidationError) -> Response:
        # the input is not sent back: it may be large, or hold what cannot be encoded
        problems = [{"place": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in error.errors()[:5]]
        return JSONResponse({"detail": problems}, 422)

    for kind, status in STATUS.items():
        app.exception_handler(kind)(_refusal(status))


def _refusal(status: int) -> Callable[[Request, Exception], Response]:
    def refuse(request: Request, error: Exception) -> Response:
        if not isinstance(error, ListeningError):
            raise error
        content: dict[str, str | int] = {"detail": error.problem, "cure": error.cure}
        if isinstance(error, RevisionConflictError):
            content["latest"] = error.latest
        if isinstance(error, UnavailableError):
            # where the file lies is the experimenter's business
            logging.error("%s", error.problem)
            content["detail"] = "ratings cannot be stored just now"
            content["cure"] = "they wait in this browser, and are sent again by themselves"
        return JSONResponse(content, status)

    return refuse


def _add_parts(app: FastAPI) -> None:
    @app.get("/")
    @app.get("/s/{session}/")
    def rater_page() -> Response:
        return Response(page_part("rater.html"), media_type="text/html")

    @app.get("/experimenter")
    def experimenter_page() -> Response:
        return Response(page_part("experimenter.html"), media_type="text/html")

    @app.get("/page/{name}")
    def part(name: str) -> Response:
        if name not in PARTS:
            raise HTTPException(404, "there is no such file")
        return Response(page_part(name), media_type=PARTS[name], headers={"cache-control": "no-cache"})


def _add_rater(app: FastAPI, study: Study, store: Store, most_sessions: int) -> None:
    public, design = as_json(study.questionnaire), study.design.design
    lists = {of.list: of for of in study.design.lists}
    pages = {number: as_json(pages_of(of)) for number, of in lists.items()}
    longest = max(len(of) for of in pages.values())
    clips = {number: study.clips(of) for number, of in lists.items()}

    def of_this_test(session: SessionId) -> Session:
        found = store.session(session)
        if found.design != design:
            raise HTTPException(410, "this session is of another test, which is no longer served")
        return found

    Known = Annotated[Session, Depends(of_this_test)]  # noqa: N806 - it is a type

    @app.get("/study.json")
    def study_json() -> dict[str, object]:
        return {"questionnaire": public, "pages": longest}

    @app.post("/sessions", status_code=201)
    def begin(consent: Consent) -> dict[str, str]:
        return {"session": store.begin(design, most_sessions).session}

    @app.get("/s/{session}/session.json")
    def session_json(found: Known) -> dict[str, object]:
        answers = [answer.model_dump() for answer in store.answers(found.session)]
        finished = len(answers) == len(pages[found.list]) * len(study.questionnaire.scales)
        code = found.code if finished else None
        return {
            "questionnaire": public,
            "list": found.list,
            "pages": pages[found.list],
            "answers": answers,
            "code": code,
        }

    @app.get("/s/{session}/audio/{name}.flac")
    def audio(found: Known, name: Name) -> Response:
        if name not in clips[found.list]:
            raise HTTPException(404, "this session has no such clip")
        # when a file was made shows which system was written first: neither its time nor a hash of it is sent
        headers = {"cache-control": "private, max-age=86400, immutable", "etag": f'"{name}"', "last-modified": EPOCH}
        return FileResponse(study.folder / f"{name}.flac", media_type="audio/flac", headers=headers)

    @app.post("/s/{session}/ratings")
    def rate(session: SessionId, answer: Answer) -> dict[str, int]:
        # also of an earlier test: what waited in a browser while the test was changed is kept with the test it is of
        if study.questionnaire.must_hear and answer.plays < 1:
            raise InvalidAnswerError("a clip is rated after it was heard to its end", "play it to its end")
        store.save(session, [answer])
        return {"revision": answer.revision}


def _add_experimenter(app: FastAPI, study: Study, store: Store, token: str, stop: Callable[[], None]) -> None:
    def known(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "the token is not right", headers={"www-authenticate": "Bearer"})

    only = [Depends(known)]

    @app.get("/experimenter/state.json", dependencies=only)
    def state() -> dict[str, object]:
        return state_of(store, study)

    @app.post("/experimenter/sessions/{session}/excluded", dependencies=only)
    def exclude(session: SessionId, exclusion: Exclusion) -> dict[str, bool]:
        store.exclude(session, exclusion.excluded, exclusion.reason)
        return {"excluded": exclusion.excluded}

    @app.delete("/experimenter/sessions/{session}", dependencies=only)
    def delete(session: SessionId) -> Response:
        # 202: it no longer counts and nobody sees it, but its text still stands in the journal; see Store.delete
        done = store.delete(session)
        return JSONResponse({"deleted": done}, 200 if done else 202)

    @app.get("/experimenter/ratings.parquet", dependencies=only)
    def download() -> Response:
        return Response(parquet_bytes(table_of(store)), media_type="application/vnd.apache.parquet")

    @app.get("/experimenter/ratings.csv", dependencies=only)
    def download_csv() -> Response:
        return Response(csv_bytes(table_of(store)), media_type="text/csv; charset=utf-8")

    @app.get("/experimenter/spreadsheet.csv", dependencies=only)
    def download_spreadsheet() -> Response:
        return Response(csv_bytes(for_spreadsheets(table_of(store))), media_type="text/csv; charset=utf-8")

    @app.post("/experimenter/stop", dependencies=only)
    async def end() -> dict[str, bool]:
        # after this answer has left
        asyncio.get_running_loop().call_later(0.2, stop)
        return {"stopping": True}
