"""What the experimenter watches: progress by list, sessions, comments, and live means with their n."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from descant.listening.export import public_name, table_of
from descant.listening.store import Store
from descant.listening.study import Study

COMMENTS = 200


def state_of(store: Store, study: Study) -> dict[str, Any]:
    """The state of a test as JSON; means are over sessions that are not set aside, as they come, with no interval.

    Args:
        store: of the ratings.
        study: the test.
    """
    design = study.design.design
    table = table_of(store, design)
    counted = table[~table["excluded"]]
    given = table.groupby("session").size().to_dict()
    needed = {of.list: len(of.pages) * len(study.questionnaire.scales) for of in study.design.lists}
    sessions = [
        {
            "session": row["session"],
            "list": row["list"],
            "code": row["code"],
            "created": row["created"],
            "excluded": bool(row["excluded"]),
            "rated": given.get(public_name(row["session"]), 0),
            "needed": needed[row["list"]],
        }
        for row in store.read("SELECT * FROM sessions WHERE design = ? ORDER BY created", design)
    ]
    return {
        "design": design,
        "source": store.source,
        "deletions_in_journal": store.deletions_in_journal(),
        "planned": study.design.raters_planned,
        "ratings": len(table),
        "lists": _lists(sessions, needed),
        "sessions": sessions,
        "means": _means(counted),
        "comments": _comments(counted),
    }


def _lists(sessions: list[dict[str, Any]], needed: Mapping[int, int]) -> list[dict[str, int]]:
    counted = [session for session in sessions if not session["excluded"]]
    return [
        {
            "list": number,
            "begun": sum(session["list"] == number for session in counted),
            "finished": sum(session["list"] == number and session["rated"] >= full for session in counted),
        }
        for number, full in needed.items()
    ]


def _means(table: pd.DataFrame) -> list[dict[str, Any]]:
    rated = table[table["scale"] != "preference"]
    groups = rated.groupby(["kind", "system", "scale"])["value"].agg(["mean", "size"]).reset_index()
    preferred = table[table["scale"] == "preference"]
    pairs = pd.concat(
        [
            preferred.assign(better=preferred["value"] == 1),
            preferred.assign(better=preferred["value"] == 2, system=preferred["other_system"]),
        ]
    )
    shares = pairs.groupby(["kind", "system", "scale"])["better"].agg(["mean", "size"]).reset_index()
    both = pd.concat([group for group in (groups, shares) if len(group)]) if len(table) else groups
    return [
        {
            "kind": row["kind"],
            "system": row["system"],
            "scale": row["scale"],
            "mean": float(row["mean"]),
            "n": int(row["size"]),
        }
        for row in both.to_dict("records")
    ]


def _comments(table: pd.DataFrame) -> list[dict[str, str]]:
    written = table[table["comment"] != ""].drop_duplicates(["session", "page"]).tail(COMMENTS)
    pairs = zip(written["system"], written["comment"], strict=True)
    return [{"system": str(system), "comment": str(text)} for system, text in pairs]
