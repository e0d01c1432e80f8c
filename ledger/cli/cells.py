"""cells: one row a cell."""

from __future__ import annotations

from typing import Any

import click

from benchledger.ledger.cli.common import (
    FILTERS,
    command,
    filter_options,
    json_option,
    ledger_option,
    policy_of,
    reading,
    selection_of,
)
from benchledger.ledger.cli.render import NONE, count, echo_json_list, interval, money, number, table

_FOLD = ("cost", "mode", "reason", "adjudicated", "standing")
_COLUMNS = (
    *(
        "cell",
        ">attempt",
        "outcome",
        ">pass",
        ">composite",
        "floor..ceiling",
        ">coverage",
        ">cost",
        "mode",
        "reason",
    ),
    *("adjudicated", "standing"),
)


@command(
    "benchledger cells",
    "benchledger cells --agent aider --policy cab-0.1",
    "benchledger cells --json | jq -c '[.[] | {cell_id, composite}]'",
)
@click.option("--policy", "name", default="gated-1", show_default=True, metavar="NAME|FILE", help="A policy.")
@filter_options(*FILTERS)
@ledger_option
@json_option
def cells(name: str, *, as_json: bool, **chosen: Any) -> None:
    """List cells with their composite, one row each.

    Each row is the attempt that counts for its cell. A cell without a composite says why.
    """
    from benchledger.ledger.cells import CellReader

    with reading() as ledger:
        connection = ledger.connection
        reader = CellReader(ledger, connection, policy_of(connection, name))
        rows = reader.rows(selection_of(connection, chosen))
        if as_json:
            echo_json_list(rows)
            return
        shown = [_row(row) for row in rows]
    if not shown:
        click.echo("no cell; append some with `benchledger append FILE`")
        return
    table(_COLUMNS, shown, _FOLD)
    click.echo(f"{count(len(shown), 'cell')} under policy {name}; `benchledger show CELL` says all of one")


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    kind = f" ({row['outcome_kind']})" if row["outcome_kind"] else ""
    passed = row["axes"].get("pass_rate", {}).get("value")
    origin = f"{row['origin']}:" if row["origin"] else ""
    return (
        f"{origin}{row['cell_id']}",
        str(row["attempt"]),
        f"{row['outcome'] or 'unfinished'}{kind}",
        NONE if passed is None else f"{passed:g}",
        number(row["composite"]),
        interval(row["floor"], row["ceiling"]),
        number(row["coverage"], 2),
        money(row["cost"], row["currency"]),
        row["mode"],
        row["reason"] or NONE,
        "disputed" if row["disputed"] and not row["adjudicated"] else row["adjudicated"] or NONE,
        row["standing"],
    )
