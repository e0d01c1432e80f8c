"""rebuild: projections are derived, so they can be made anew at any time."""

from __future__ import annotations

from benchledger.ledger.cli.common import (
    command,
    json_option,
    ledger_option,
    ledger_path,
    reading,
    tell_head,
)
from benchledger.ledger.cli.render import echo_json, progress, table


@command("benchledger rebuild", "benchledger rebuild --json | jq -r '.tables.cells'")
@ledger_option
@json_option
def rebuild(*, as_json: bool) -> None:
    """Drop the projections and fold all events again.

    Events and blobs are not touched. Prints a digest of each table: the same events always
    give the same digests, on every machine.
    """
    from benchledger.ledger.digests import rebuild_projections

    path = ledger_path()
    with reading(tables=False) as ledger:
        head = ledger.head()
    with progress("rebuild") as advance:

        def step(seq: int) -> None:
            if advance is not None and head is not None:
                advance(seq + 1, head.seq + 1)

        digests = rebuild_projections(path, step)
    if as_json:
        echo_json({"ledger": str(path), "head": head and head.to_json(), "tables": digests})
        return
    table(("table", "digest"), list(digests.items()))
    tell_head(path, head)
