"""Who and what ran: the rows of "Run identity", each with its value or with why there is none."""

from __future__ import annotations

import json
from typing import Any

from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.paths import named, segment

__all__ = ["fact", "identity"]

_CALLS_LOOKED = 500
_LIMITS = ("seconds", "calls", "tokens", "money", "cpus", "memory_mb", "processes")


def fact(name: str, value: object, why: str = "not recorded", **more: Any) -> dict[str, Any]:
    """Return one row: its value as text, or None and why; `code`, `href`, `note` say how it is shown."""
    text = None if value in (None, "", (), [], {}) else value
    if text is not None and not isinstance(text, str):
        text = json.dumps(text, ensure_ascii=False)
    return {"name": name, "value": text, "why": why, "code": False, "href": None, "note": None} | more


def identity(attempt: Attempt) -> list[dict[str, Any]]:
    """Return what is known of the run, in the order in which people ask."""
    setup, cell, row = attempt.payload("cell.setup"), attempt.cell, attempt.row
    published = row["mode"] == "published"
    unseen = "not shown by the published page" if published else "not recorded by the harness"
    return [
        fact("cell_id", cell["cell_id"], code=True),
        fact("sweep_id", cell["sweep"], href=f"sweeps/{segment(cell['sweep'])}.html"),
        fact("agent", cell["agent"], href=f"agents/{segment(cell['agent'])}.html", note=_version(row)),
        fact("model asked for", cell["model"], href=f"models/{named(cell['model'])}.html"),
        _answered(attempt, unseen),
        fact("model_build_id", row["model_build_id"], unseen, code=True),
        fact("task", cell["task"], href=f"tasks/{named(cell['task'])}.html", note=row["language"]),
        fact("container_image", row["image"], _no_image(row, unseen), code=True),
        fact("image_digest", row["image_digest"], _no_digest(row, unseen), code=True),
        fact("image_id", row["image_id"], "pulled by digest" if row["image_digest"] else unseen, code=True),
        *_exits(attempt, unseen),
        fact("mode", row["mode"], note=_MODES.get(row["mode"])),
        fact("endpoint", row["endpoint_origin"], _no_endpoint(row, unseen), note=row["protocol"]),
        fact("request parameters", setup.get("request_parameters"), unseen, code=True),
        fact("sandbox", row["sandbox"], unseen),
        fact("limits", _limits(setup.get("limits")), "none recorded"),
        fact("behavior_mode", row["behavior_mode"]),
        fact("plugin_stack", ", ".join(setup.get("plugin_stack") or ()), "no plugin"),
        fact("overlays", setup.get("overlays"), "none: not tuned", code=True),
        *_digests(setup.get("task") or {}, unseen),
        fact("host", _listed(setup.get("host")), unseen),
        fact("harness", row["harness"], "benchledger's own runner" if not published else unseen),
        fact("ledger of origin", cell["origin"], "this ledger", code=True),
    ]


_MODES = {
    "live": "a model answered",
    "replay": "answers came from recorded calls",
    "scripted": "answers came from a script: no model was asked",
    "published": "read off a published page",
}


def _version(row: dict[str, Any]) -> str:
    return row["version"] or "version not recorded"


def _answered(attempt: Attempt, unseen: str) -> dict[str, Any]:
    query = (
        f"SELECT model_answered, count(*) FROM (SELECT model_answered FROM model_calls WHERE first_seq = ?"
        f" LIMIT {_CALLS_LOOKED}) WHERE model_answered IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    found = attempt.view.connection.execute(query, (attempt.first_seq,)).fetchall()
    if not attempt.row["uses_model"]:
        why = "this agent uses no model"
    elif "model_calls" in attempt.observed and not attempt.row["calls"]:
        why = "no model call was made"
    else:
        why = "no answer named its model" if attempt.row["calls"] else unseen
    note = None
    if len(found) > 1:
        note = "more than one model answered"
    elif found and found[0][0] != attempt.cell["model"]:
        note = "named otherwise than the model that was asked for"
    return fact("model as answered", ", ".join(name for name, _ in found), why, note=note)


def _exits(attempt: Attempt, unseen: str) -> list[dict[str, Any]]:
    row, notes = attempt.row, []
    if row["timed_out"]:
        notes.append("ran into its time limit")
    if row["oom"]:
        notes.append("ran out of memory")
    if row["signal"] is not None:
        notes.append(f"ended by signal {row['signal']}")
    grader = attempt.payload("grader.ran")
    why = "the checks were not run" if attempt.one("grader.ran") is None else unseen
    return [
        fact("agent exit code", row["exit_code"], unseen, note="; ".join(notes) or "no verdict by itself"),
        fact("grader exit code", grader.get("exit_code"), why, note="0 is a pass"),
    ]


def _no_image(row: dict[str, Any], unseen: str) -> str:
    return "not applicable: it ran as a local process" if row["sandbox"] == "local" else unseen


def _no_digest(row: dict[str, Any], unseen: str) -> str:
    if row["image_id"]:
        return "built locally: comparable, not identical"
    return _no_image(row, unseen)


def _no_endpoint(row: dict[str, Any], unseen: str) -> str:
    if row["mode"] in ("scripted", "replay"):
        return "not applicable: no endpoint was asked"
    return unseen if row["uses_model"] else "not applicable: this agent uses no model"


def _listed(facts: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted((facts or {}).items()))


def _limits(limits: dict[str, Any] | None) -> str:
    known = limits or {}
    ordered = sorted(known, key=lambda name: (_LIMITS.index(name) if name in _LIMITS else 99, name))
    return ", ".join(f"{name} {known[name]}" for name in ordered if known[name] is not None)


def _digests(task: dict[str, Any], unseen: str) -> list[dict[str, Any]]:
    names = ("digest", "instruction_digest", "workdir_digest", "checks_digest")
    return [fact(f"task {name.replace('_', ' ')}", task.get(name), unseen, code=True) for name in names]
