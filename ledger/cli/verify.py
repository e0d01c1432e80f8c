"""verify: what was checked, what was found, and what could not be proved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import (
    command,
    head_text,
    json_option,
    ledger_option,
    ledger_path,
    note_head,
    parse_head,
)
from benchledger.ledger.cli.render import NONE, clean, count, echo_json, progress, table

if TYPE_CHECKING:
    from benchledger.ledger.verify import VerifyReport

_CHECKED = {
    "full": "hashes, links, payloads, blobs, Merkle root, every axis, composite and outcome derived again, "
    "projections folded again, definitions and indexes of the file",
    "chain": "hashes, links, payloads and Merkle root; not scores, projections and blobs (leave out --chain)",
    "since": "hashes, links, payloads and scores of the events since the head that was given; nothing before",
}
_PROVED = {
    "chain": "no earlier head is known on this machine: a cut-off end would not show; "
    "give one with --head SEQ:HASH",
    "last-seen": "an earlier head is known and is part of this history: nothing up to it was cut off or replaced",
}
_LISTED = 20


@command(
    "benchledger verify",
    "benchledger verify --chain",
    "benchledger verify --head 641:5f3a…",
    "benchledger verify --json | jq '.defects'",
)
@click.option("--chain", is_flag=True, help="Only hashes, links, payloads and root: fast.")
@click.option(
    "--since", metavar="SEQ:HASH", help="Only events after this head, which must be part of the chain."
)
@click.option(
    "--head", "given", multiple=True, metavar="SEQ:HASH", help="A head that must be part; repeatable."
)
@click.option("--accept-head", is_flag=True, help="After a restore: take this head as the last seen.")
@click.option("--no-last-seen", is_flag=True, help="Do not ask which head this machine saw last.")
@ledger_option
@json_option
def verify(*, as_json: bool, **asked: Any) -> None:
    """Check every byte and every number of the ledger.

    Hashes and links of all events, every score derived again from its evidence, projections,
    definitions and indexes; then says how much that proves. Leaves with 1 where it finds a
    defect, and names each by event and kind. Writes nothing into the ledger.
    """
    from benchledger.ledger.verify import VerifyOptions
    from benchledger.ledger.verify import verify as check

    options = VerifyOptions(
        chain_only=asked["chain"],
        since=parse_head(asked["since"]) if asked["since"] else None,
        heads=tuple(map(parse_head, asked["given"])),
        use_last_seen=not asked["no_last_seen"] and not asked["accept_head"],
    )
    path = ledger_path()
    with progress("verify") as advance:
        report = check(path, options, advance)
    if report.ok:
        _remember(path, report, accept=asked["accept_head"])
    if as_json:
        echo_json(report.to_json())
    else:
        _tell(path, report)
    if not report.ok:
        click.get_current_context().exit(1)


def _remember(path: Path, report: VerifyReport, *, accept: bool) -> None:
    from benchledger.ledger import heads
    from benchledger.ledger.store import Ledger

    if report.head is None or report.checked == "since":
        return
    with Ledger.open(path) as ledger:
        ledger_id = ledger.ledger_id
    if accept:
        heads.accept(ledger_id, report.head)
    note_head(ledger_id, report.head, verified=report.checked == "full" and report.whole)


def _tell(path: Path, report: VerifyReport) -> None:
    click.echo(f"ledger {path}: {count(report.events, 'event')} checked, head {head_text(report.head)}")
    click.echo(f"checked: {_CHECKED[report.checked]}")
    click.echo(f"proved: {_PROVED.get(report.level, report.level)}")
    for each in report.merged:
        click.echo(f"merged: ledger {each.ledger} up to {head_text(each.head)}, its chain checked")
    if report.redacted or report.redacted_blobs:
        seqs = ", ".join(map(str, report.redacted[:_LISTED])) or NONE
        blobs = f"; {count(len(report.redacted_blobs), 'blob')}" if report.redacted_blobs else ""
        click.echo(f"redacted, no defect: payloads of events {seqs}{blobs}")
    if report.unknown:
        names = ", ".join(f"{clean(name)} ({events})" for name, events in sorted(report.unknown.items()))
        click.echo(f"of types that this version does not know, checked by hash only: {names}")
    if report.unchecked:
        click.echo(f"could not be checked: {count(len(report.unchecked), 'item')}")
        table((">seq", "kind", "detail"), [_row(item) for item in report.unchecked])
    if report.ok:
        click.echo("no defect" if report.whole else "no defect in what could be checked")
        return
    click.echo(f"{count(len(report.defects), 'defect')}:")
    table((">seq", "kind", "detail"), [_row(item) for item in report.defects])


def _row(defect: tuple[int | None, str, str]) -> tuple[str, str, str]:
    seq, kind, detail = defect
    return (NONE if seq is None else str(seq), kind, detail)
