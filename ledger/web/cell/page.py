"""The page of a cell: what happened in one attempt, and on what each number stands.

rows and events of the attempt -> verdict, axes, composites, identity, standing, attempts
SECTIONS: the rest, one function and one template each, in the order of the page
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchledger.ledger.cell_view import adjudications_of
from benchledger.ledger.counting import history_of
from benchledger.ledger.queries import judged, one_scored
from benchledger.ledger.score import evidence_of
from benchledger.ledger.verdict import verdict
from benchledger.ledger.web import paths
from benchledger.ledger.web.cell.attempt import Attempt, placed
from benchledger.ledger.web.cell.identity import identity
from benchledger.ledger.web.cell.related import related
from benchledger.ledger.web.pages import Arguments, Context, function
from benchledger.ledger.web.says import AXIS_NAMES, axis_text, result_of
from benchledger.ledger.web.view import NotFound, View
from benchledger.schema.events import CellFinished
from benchledger.scorers.composite import GATED_1, SHIPPED_POLICIES
from benchledger.scorers.registry import AXES, in_published_order

__all__ = ["SECTIONS", "Section", "attempt_of", "cell_page", "verdict_of"]

_ATTEMPTS_SHOWN = 100


class Section(NamedTuple):
    """One part of the page: `build(view, attempt)` gives the values of `templates/cell/NAME.html`.

    It is made when the page comes to it. What the head of the page has to know before that, `needs(attempt)`
    says, without reading evidence: further `assets`, and `wasm` where a script runs WebAssembly.
    """

    name: str
    title: str
    build: str
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    needs: str = ""


_REPLAY = ("static/replay.css",)
_EVIDENCE, _FOLDING = ("static/evidence.css", "static/ansi.css"), ("static/evidence.js",)
# In the order of the page. Style sheets and scripts are files of `static/` and `vendor/`.
SECTIONS: tuple[Section, ...] = (
    Section("timing", "Timing", "cell.timing:timing"),
    Section("replay", "Trace replay", "cell.spans_page:replay_section", _REPLAY, ("static/replay.js",)),
    Section("spans", "Spans", "cell.spans_page:spans_section", _REPLAY),
    Section(
        "terminal",
        "Terminal",
        "cell.terminal:terminal",
        _REPLAY,
        ("static/terminal.js",),
        "cell.terminal:needs",
    ),
    Section("patch", "Patch", "cell.patch:patch_section", _EVIDENCE, _FOLDING),
    Section("calls", "Model calls", "cell.calls_page:calls_section", _EVIDENCE, _FOLDING),
    Section("grader", "Grader", "cell.output:grader_section", _EVIDENCE, _FOLDING),
    Section("streams", "Output of the agent", "cell.output:streams_section", _EVIDENCE, _FOLDING),
    Section(
        "run-it-yourself",
        "Run it yourself",
        "cell.run_section:run_yourself",
        styles=("static/copy.css",),
        scripts=("static/copy.js",),
    ),
    Section("embed", "Badge and embed", "cell.run_section:embed", ("static/copy.css",), ("static/copy.js",)),
)


def cell_page(view: View, arguments: Arguments) -> Context:
    """Return the page of a cell (the attempt that counts), or of the attempt that the path names."""
    attempt = attempt_of(view, arguments)
    row = view.cells().row(attempt.scored)
    context: Context = {
        "title": f"{row['agent']} · {row['model']} · {row['task']}",
        "cell": attempt.cell_key,
        "ref": attempt.ref,
        "attempt": attempt.number,
        "counted": attempt.number == attempt.cell["counted"],
        "run": attempt.cell["run"],
        "sweep": attempt.cell["sweep"],
        "row": row,
        "verdict": verdict_of(attempt),
        "axes": _axes(attempt),
        "composites": _composites(attempt),
        "identity": identity(attempt),
        "setup_event": attempt.place("cell.setup"),
        "attempts": _attempts(view, attempt),
        "rechecks": [placed(e) | (e.payload or {}) for e in attempt.all("cell.rechecked")],
        "adjudications": list(adjudications_of(view.ledger, attempt.cell_key, attempt.first_seq)),
        "record": _record(attempt),
        "related": related(view, attempt),
        "events": _events(attempt),
    }
    sections = Sections(view, attempt)
    context["sections"] = sections
    needed = [function(section.needs)(attempt) for section in SECTIONS if section.needs]
    context["section_list"] = [{"name": section.name, "title": section.title} for section in SECTIONS]
    # What one section asks for only here comes first: its own script needs it.
    asked = (file for value in needed for file in value["assets"])
    files = (file for section in SECTIONS for file in (*section.styles, *section.scripts))
    context["assets"] = list(dict.fromkeys((*asked, *files)))
    context["wasm"] = any(value["wasm"] for value in needed)
    return context


class Sections(Mapping[str, dict[str, Any]]):
    """The values of each section, made when the page comes to it: what stands above need not wait for them."""

    def __init__(self, view: View, attempt: Attempt) -> None:
        """Make none of them yet."""
        self._view, self._attempt = view, attempt
        self._made: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return the values of one section."""
        if name not in self._made:
            build = next(section.build for section in SECTIONS if section.name == name)
            self._made[name] = function(build)(self._view, self._attempt)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Name the sections in the order of the page."""
        return (section.name for section in SECTIONS)

    def __len__(self) -> int:
        """Count them."""
        return len(SECTIONS)


def attempt_of(view: View, arguments: Arguments) -> Attempt:
    """Return the attempt that the arguments of a path name: cell, run, attempt, origin; raises NotFound."""
    place = f"{paths.TAKEN}/{arguments['origin']}" if "origin" in arguments else paths.CELLS
    every = (row[0] for row in view.connection.execute("SELECT cell FROM cells"))
    cell = paths.cell_of(place, arguments["cell"], arguments["run"], every)
    number = arguments.get("attempt")
    if cell is None or (number is not None and not (number.isascii() and number.isdigit())):
        raise NotFound(f"there is no cell at {place}/{arguments['cell']}/run{arguments['run']}")
    return Attempt(view, cell, None if number is None else int(number))


def verdict_of(attempt: Attempt) -> dict[str, Any]:
    """Return the sentence of an attempt, made from its records, with the class of its result."""
    scored = attempt.scored
    inputs, row = scored.inputs, attempt.row
    said = result_of(row["outcome"], row["outcome_kind"], inputs.pass_rate, scored.composite.value)
    decoded = ((event.meta.version, event.decoded()) for event in attempt.events)
    evidence = evidence_of([(version, payload) for version, payload in decoded if payload is not None])
    end = attempt.one("cell.finished")
    finished = None if end is None else end.decoded()
    if evidence is None or not isinstance(finished, CellFinished):
        text = "Unfinished: the attempt was launched and has not ended, or its launcher died"
        return {"text": text, "result": "none", "said": said.said}
    used = [inputs.prompt_tokens, inputs.completion_tokens]
    tokens = None if None in used else int(sum(filter(None, used)))
    text = verdict(evidence, finished, (row["calls"] or 0, tokens))
    result = "none" if scored.adjudicated in ("invalidate", "withdraw") else said.result
    return {"text": text, "result": result, "said": said.said}


def _axes(attempt: Attempt) -> list[dict[str, Any]]:
    """Return every axis as last scored, with its payload in published order and what it was derived from."""
    by_version = {event.meta.version: event.seq for event in attempt.events}
    found: dict[str, dict[str, Any]] = {}
    for event in attempt.all("axis.scored"):
        p = event.payload
        if p is None:
            continue
        earlier = found.get(p["axis"])
        superseded = [] if earlier is None else [*earlier["superseded"], _brief(earlier)]
        found[p["axis"]] = placed(event) | {
            "axis": p["axis"],
            "name": AXIS_NAMES.get(p["axis"], p["axis"]),
            "value": p.get("value"),
            "text": axis_text(p["axis"], p),
            "state": p["state"],
            "reason": p.get("reason"),
            "scorer": p["scorer"],
            "payload": in_published_order(p["axis"], p["payload"]),
            "derived_from": [by_version[v] for v in p["evidence"] if v in by_version][:20],
            "superseded": superseded,
        }
    order = {axis: index for index, axis in enumerate(AXES)}
    return sorted(found.values(), key=lambda item: (order.get(item["axis"], len(order)), item["axis"]))


def _brief(score: dict[str, Any]) -> dict[str, Any]:
    return {name: score[name] for name in ("value", "text", "state", "reason", "scorer", "seq", "hash")}


def _composites(attempt: Attempt) -> dict[str, Any]:
    """Return the composite under each policy that ships, the one that was recorded, and the published one."""
    scored = attempt.scored
    policies = [
        {"policy": name, "id": policy.policy_id, "formula": policy.formula}
        | judged(policy, scored.adjudicated, scored.inputs)._asdict()
        for name, policy in SHIPPED_POLICIES.items()
    ]
    event = attempt.one("composite.scored")
    recorded = None
    if event is not None and event.payload is not None:
        said = {name: event.payload.get(name) for name in ("policy_id", "value", "reason")}
        recorded = placed(event) | said
    return {
        "default": GATED_1.name,
        "policies": policies,
        "recorded": recorded,
        "published": attempt.row["published_composite"],
    }


def _attempts(view: View, attempt: Attempt) -> list[dict[str, Any]]:
    """Return the attempts at the cell, the first 100, each with outcome, time and cost."""
    found = []
    query = "SELECT outcome_kind, wall_ms, calls, started_at, first_seq, last_seq FROM attempts WHERE ref = ?"
    for number, outcome, withdrawn in history_of(attempt.cell["history"])[:_ATTEMPTS_SHOWN]:
        ref = f"{attempt.cell_key}@{number}"
        row = view.connection.execute(query, (ref,)).fetchone()
        item = one_scored(view.connection, GATED_1, ref)
        if row is None or item is None:
            continue
        cost = view.cells().row(item)
        said = result_of(outcome, row[0], item.inputs.pass_rate, item.composite.value)
        found.append({
            "attempt": number,
            "path": paths.cell_path(attempt.cell_key, number),
            "outcome": outcome or "unfinished",
            "outcome_kind": row[0],
            "result": said.result,
            "said": said.said,
            "counted": number == attempt.cell["counted"],
            "withdrawn": bool(withdrawn),
            "wall_ms": row[1],
            # Another harness that did not watch the calls has none on record, which is not the same as none.
            "calls": row[2] if row[2] or not attempt.row["harness"] else None,
            "started_at": row[3],
            "first_seq": row[4],
            "last_seq": row[5],
            "cost": cost["cost"],
            "currency": cost["currency"],
            "this": number == attempt.number,
        })  # fmt: skip
    return found


def _record(attempt: Attempt) -> dict[str, Any] | None:
    """Return what an imported attempt's source said, None for one that ran here."""
    event = attempt.one("record.received")
    if event is None:
        return None
    p = event.payload or {}
    kept = {name: p.get(name) for name in ("format", "url", "displayed", "published_composite", "banner")}
    return placed(event) | kept | {"printed_usage": p.get("printed_usage"), "record": p.get("record")}


def _events(attempt: Attempt) -> dict[str, Any]:
    """Return the events of the attempt that are no span and no call, at most 100, and how many there are."""
    listed = [
        placed(event) | {"at": event.meta.at, "version": event.meta.version} for event in attempt.events
    ]
    return {"stream": attempt.stream, "count": attempt.length, "listed": listed[:100], "few": len(listed)}
