"""How events of the ledger as a whole change the projections; the rules of `fold` hold here too."""

from __future__ import annotations

from collections.abc import Callable

from benchledger.ledger.rows import Event, Rows, json_text
from benchledger.schema.ids import is_ledger_id

__all__ = ["HISTORY", "sweep_of"]


def sweep_of(stream: str) -> tuple[str, str]:
    """Return (origin, sweep) of the stream `[origin:]sweep/<id>`, both empty for every other stream."""
    origin, mark, sweep = stream.partition(":sweep/")
    if mark and is_ledger_id(origin):
        return origin, sweep
    return "", stream.removeprefix("sweep/") if stream.startswith("sweep/") else ""


def _planned(event: Event, rows: Rows) -> None:
    p = event.payload
    origin = sweep_of(event.stream)[0]
    cells = len(p["agents"]) * len(p["models"]) * len(p["tasks"]) * p["repeats"]
    # a sweep may be planned in parts: each plan speaks for what came after it
    rows["sweeps"].put(
        (event.seq, origin, p["sweep"], json_text(p["agents"]), json_text(p["models"]), json_text(p["tasks"]),
         p["repeats"], p["seed"], p["order"], p.get("policy_id"), p["engine"], p["infra_retries"], cells, event.seq)
    )  # fmt: skip


def _price(event: Event, rows: Rows) -> None:
    origin, sweep = sweep_of(event.stream)
    if not sweep:
        return  # a price of no sweep is a price of no cell
    p = event.payload
    rows["prices"].put(
        (event.seq, origin, sweep, p["model"], p["currency"], p["prompt"], p["completion"], p.get("cached"),
         p.get("source"))
    )  # fmt: skip


def _policy(event: Event, rows: Rows) -> None:
    policy, key = event.payload["policy"], event.payload["policy_id"]
    if rows["policies"].peek(key) is None:
        rows["policies"].make(
            {"policy_id": key, "name": policy["name"], "formula": policy["formula"],
             "policy": json_text(policy), "seq": event.seq}, key,
        )  # fmt: skip


def _source(event: Event, rows: Rows) -> None:
    p = event.payload
    rows["sources"].put((event.seq, p["format"], p["digest"], p["size"], p["records"], p.get("name")))


def _rescored(event: Event, rows: Rows) -> None:
    p, head = event.payload, event.payload["head"]
    # An event taken over from another ledger speaks of that ledger's head and cells.
    origin = event.stream.removesuffix(":ledger") if event.stream.endswith(":ledger") else None
    rows["rescores"].put(
        (event.seq, p["policy_id"], json_text(p["selection"]), head["seq"], head["hash"], p["cells"],
         p["table_digest"], origin)
    )  # fmt: skip


def _redacted(event: Event, rows: Rows) -> None:
    p = event.payload
    rows["redactions"].put((event.seq, p.get("seq"), p.get("blob"), p["reason"]))


HISTORY: dict[str, Callable[[Event, Rows], None]] = {
    "policy.declared": _policy,
    "sweep.planned": _planned,
    "price.declared": _price,
    "source.imported": _source,
    "history.rescored": _rescored,
    "payload.redacted": _redacted,
}
