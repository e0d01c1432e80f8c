"""init: the one command that makes a ledger."""

from __future__ import annotations

import click

from benchledger.ledger.cli.common import (
    command,
    json_option,
    ledger_option,
    ledger_path,
    note_head,
    tell_head,
)
from benchledger.ledger.cli.render import echo_json


@command("benchledger init", "benchledger --ledger results/2026.db init")
@ledger_option
@json_option
def init(*, as_json: bool) -> None:
    """Make a new, empty ledger.

    Every other command wants one that is there. Only `append` of an export, where there is no
    ledger, restores the one that was exported.
    """
    from benchledger.ledger.store import Ledger

    path = ledger_path()
    with Ledger.create(path) as ledger:
        ledger_id, head = ledger.ledger_id, ledger.head()
    if head is not None:
        note_head(ledger_id, head)
    if as_json:
        echo_json({"ledger": str(path), "ledger_id": ledger_id, "head": head and head.to_json()})
        return
    click.echo(f"new ledger {ledger_id}")
    tell_head(path, head)
    click.echo("next: benchledger append FILE")
