"""How each type of event changes the projections: one small function a type.

Handlers get the payload as plain JSON values and the caches of all tables. They read only
payloads and rows, so folding the same events always gives the same rows. Here are the events of
attempts; those of the ledger as a whole are in `fold_history`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import eq
from typing import Any

from blake3 import blake3

from benchledger.ledger.counting import count_unknown, note_attempt, rule, selected_cells
from benchledger.ledger.ddl import PROJECTIONS
from benchledger.ledger.fold_history import HISTORY
from benchledger.ledger.rows import Event, Rows, json_text, split_stream
from benchledger.scorers.composite import GATED_1, axis_inputs, masked

__all__ = ["HANDLERS", "TOLD_BY_TYPE", "count_unknown", "fingerprints_of"]

_CALL_FIELDS = (
    "number", "protocol", "model_asked", "model_answered", "system_fingerprint", "request_hash",
    "prompt_tokens", "completion_tokens", "cached_tokens", "latency_ms", "first_token_ms", "status",
    "finish_reason", "error", "started_at",
)  # fmt: skip
_SETUP_FIELDS = (
    "model_build_id", "mode", "endpoint_origin", "protocol", "sandbox", "behavior_mode", "policy_id", "harness",
    "started_at",
)  # fmt: skip
_HOST_FIELDS = ("environment", "not_isolated")
_SOURCE_FIELDS = ("format", "digest", "size", "records", "name")
_AGENT_FIELDS = ("version", "image", "image_digest", "image_id")
_GATED_ID = GATED_1.policy_id
_SETTING = PROJECTIONS["settings"].columns[1:-1]
_TASK = _SETTING.index("task")


def _setup(event: Event, rows: Rows) -> None:
    parts = split_stream(event.stream)
    if parts is None:
        return
    event.forget()
    origin, cell_id, number = parts
    payload, ref = event.payload, event.ref
    agent, task = payload["agent"], payload["task"]
    cell = ref.rpartition("@")[0]
    sweep, rest = cell_id.split("/", 1)
    category_task, _, run = rest.rpartition("#run")
    task_id = "/".join(category_task.split("/")[-2:])
    behavior = payload["behavior_mode"]
    attempts = rows["attempts"]
    row = attempts.get(ref) or attempts.make({"ref": ref, "first_seq": event.seq, "calls": 0}, ref)
    for name in _SETUP_FIELDS:
        row[name] = payload.get(name)
    for name in _AGENT_FIELDS:
        row[name] = agent.get(name)
    row["cell"], row["attempt"], row["last_seq"] = cell, number, event.seq
    row["uses_model"], row["task_digest"], row["language"] = (
        int(agent["uses_model"]),
        task.get("digest"),
        task.get("language"),
    )
    row["overlays"], row["limits"] = json_text(payload.get("overlays")), json_text(payload.get("limits"))
    identity = {
        "origin": origin, "sweep": sweep, "agent": agent["name"], "model": payload["model"],
        "task": task_id, "run": int(run),
    }  # fmt: skip
    setting = (
        agent["name"], payload["model"], agent.get("version") or "", payload["mode"], _behavior(behavior, payload),
        task_id, origin, sweep, (task.get("digest") or "")[:16], _condition(origin, payload),
    )  # fmt: skip
    rows["scores"].make(
        {"ref": ref, "counted": 0, "setting": _interned(rows, setting, event.seq), "not_applicable": 0}, ref
    )
    cells = rows["cells"]
    if cells.get(cell) is None:
        cells.make({"cell": cell, "cell_id": cell_id, "history": "[]", "disputed": 0, **identity}, cell)
    note_attempt(rows, cell, number, outcome="")


def _behavior(mode: str, payload: Mapping[str, Any]) -> str:
    # Overlays and plugins are part of the condition: two of them never share a row of a table.
    plugins, overlays = payload.get("plugin_stack") or None, payload.get("overlays")
    return mode if plugins is overlays is None else f"{mode} {json_text([plugins, overlays])}"


def _interned(rows: Rows, setting: tuple[str, ...], seq: int) -> int:
    """Return the number of a setting: the seq of the first cell.setup that had it, so a rebuild gives the same."""
    table, key = rows["settings"], _fingerprint(setting)
    while (known := table.peek(key)) is not None:
        if all(map(eq, map(known.get, _SETTING), setting)):
            return int(known["id"])
        key += 1  # another setting with the same fingerprint was first
    table.make({"fingerprint": key, **dict(zip(_SETTING, setting, strict=True)), "id": seq}, key)
    return seq


def _fingerprint(setting: tuple[str, ...]) -> int:
    # Short, for ten texts are slow to compare; the task first, for a sweep goes from task to task, and so through the
    # table page by page. Fewer than 53 bits, as all numbers of rows.
    return fingerprints_of(setting[_TASK])[0] + int.from_bytes(blake3("\0".join(setting).encode()).digest(4))


def fingerprints_of(task: str) -> tuple[int, int]:
    """Return the first fingerprint that a setting of a task may have, and the first that it may not."""
    first = int.from_bytes(blake3(task.encode()).digest(2))
    return first << 32, (first + 1) << 32


def _condition(origin: str, payload: Mapping[str, Any]) -> str:
    # What may differ inside a row of a table without splitting it; then the row names it.
    agent, get = payload["agent"], payload.get
    image = agent.get("image_digest") or agent.get("image_id")
    limits = json_text(get("limits"))
    rest = get("sandbox"), get("endpoint_origin"), get("protocol")
    host = {name: value for name, value in (get("host") or {}).items() if value and name in _HOST_FIELDS}
    return _condition_text(origin, image, limits, json_text(host or None), *rest)


@lru_cache(maxsize=1024)
def _condition_text(
    origin: str, image: str | None, limits: str | None, host: str | None, *rest: str | None
) -> str:
    parts: dict[str, Any] = dict(zip(("sandbox", "endpoint_origin", "protocol"), rest, strict=True))
    parts |= {"origin": origin, "image": image, "limits": None if limits is None else json.loads(limits)}
    if host is not None:
        parts |= json.loads(host)
    return json_text(parts) or ""


def _received(event: Event, rows: Rows) -> None:
    if split_stream(event.stream) is None:
        return
    event.forget()
    ref, payload = event.ref, event.payload
    usage = payload.get("printed_usage") or {}
    rows["attempts"].make(
        {"ref": ref, "first_seq": event.seq, "last_seq": event.seq, "calls": 0,
         "published_composite": payload.get("published_composite"), "banner": payload.get("banner"),
         "url": payload.get("url"), "prompt_printed": usage.get("prompt_tokens"),
         "completion_printed": usage.get("completion_tokens")}, ref,
    )  # fmt: skip


def _called(event: Event, rows: Rows) -> None:
    row = event.attempt()
    if row is None:
        return
    row["calls"] += 1
    get = event.payload.get
    rows["model_calls"].put((row["first_seq"], *map(get, _CALL_FIELDS), event.seq))


def _exited(event: Event, _rows: Rows) -> None:
    if (row := event.attempt()) is not None:
        payload = event.payload
        fields = ("exit_code", "signal", "limit_hit", "wall_ms", "active_ms", "ended_at")
        row.update(zip(fields, map(payload.get, fields), strict=True))
        row["timed_out"], row["oom"] = int(payload["timed_out"]), int(payload["oom"])


def _graded(event: Event, _rows: Rows) -> None:
    if (row := event.attempt()) is not None:
        row["grader_exit"] = event.payload.get("exit_code")


def _span(event: Event, rows: Rows) -> None:
    if (row := event.attempt()) is not None:
        p = event.payload
        rows["spans"].put(
            (row["first_seq"], p["span"], p.get("parent"), p["kind"], p["name"], p["started_at"], p.get("ended_at"),
             json_text(p["attributes"]), p.get("error"), event.seq)
        )  # fmt: skip


def _axis(event: Event, rows: Rows) -> None:
    row = event.attempt()
    if row is None:
        return
    p = event.payload
    axis, state, scorer, value = p["axis"], p["state"], p["scorer"], p.get("value")
    rows["axes"].put((row["first_seq"], axis, value, state, p.get("reason"), scorer, event.seq))
    score = event.score()
    if score is not None:
        score.update(axis_inputs(axis, scorer, state, value, p["payload"]))
        score["not_applicable"] = masked(score["not_applicable"], axis, state)


def _composite(event: Event, rows: Rows) -> None:
    if (row := event.attempt()) is not None:
        p = event.payload
        get = p.get
        rows["composites"].put(
            (row["first_seq"], p["policy_id"], get("value"), get("reason"), get("g"), get("floor"), get("ceiling"),
             get("coverage"), json_text(p["components"]), event.seq)
        )  # fmt: skip
        score = event.score() if p["policy_id"] == _GATED_ID else None
        if score is not None:
            # The default policy's composite stands beside its inputs: a leaderboard reads one table.
            score.update(gated=1, **{name: get(name) for name in ("value", "floor", "ceiling", "coverage")})


def _finished(event: Event, rows: Rows) -> None:
    row, payload = event.attempt(), event.payload
    if row is None or "cell" not in row:
        return
    row["outcome"], row["outcome_kind"] = payload["outcome"], payload.get("outcome_kind")
    _noted(event, rows)
    score = event.score()
    if score is not None:
        score["outcome"] = payload["outcome"]
    note_attempt(rows, row["cell"], row["attempt"], outcome=payload["outcome"])


def _rechecked(event: Event, rows: Rows) -> None:
    row, p = event.attempt(), event.payload
    if row is not None:
        rows["rechecks"].put((row["first_seq"], event.seq, p["times"], p["passed"], int(p["agrees"])))


def _noted(event: Event, _rows: Rows) -> None:
    row, notes = event.attempt(), event.payload.get("notes")
    if row is not None and notes:
        row["notes"] = json_text(notes)


def _adjudicated(event: Event, rows: Rows) -> None:
    event.forget()
    p = event.payload
    selection = p.get("selection")
    rows["adjudications"].put(
        (event.seq, p["action"], p.get("cell"), p.get("attempt"), json_text(selection), p.get("count"), p["reason"],
         p["author"], p.get("link"))
    )  # fmt: skip
    if p.get("cell"):
        rule(rows, p["cell"], p.get("attempt"), p["action"])
        return
    for cell in selected_cells(rows, selection or {}):
        rule(rows, cell, None, p["action"])


HANDLERS: dict[str, Callable[[Event, Rows], None]] = {
    **HISTORY,
    "record.received": _received,
    "cell.setup": _setup,
    "model.called": _called,
    "cell.exited": _exited,
    "grader.ran": _graded,
    "span.recorded": _span,
    "axis.scored": _axis,
    "composite.scored": _composite,
    "cell.noted": _noted,
    "cell.finished": _finished,
    "cell.rechecked": _rechecked,
    "cell.adjudicated": _adjudicated,
}
# Says something even where it was redacted: that another harness handed the attempt in.
TOLD_BY_TYPE = frozenset({"record.received"})
# cell.launched, task.expected and workdir.captured change no row: their evidence is read from the events.
