"""leaderboard: ranked rows, and in words what a reader could misread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import (
    FILTERS,
    command,
    filter_options,
    head_text,
    json_option,
    ledger_option,
    policy_of,
    reading,
    selection_of,
)
from benchledger.ledger.cli.render import NONE, clean, count, echo_json, interval, money, number, table
from benchledger.ledger.cli.thresholds import Threshold, fail_under_rows, row_values, say_shortfalls

if TYPE_CHECKING:
    from benchledger.ledger.leaderboard import LeaderRow

_FOLD = (
    *(
        "version",
        "mode",
        "condition",
        "interval",
        "cost/solved",
        "tokens/solved",
        "wall",
        "faults",
        "retried",
        "withdrawn",
    ),
    *("coverage", "standing"),
)
_COLUMNS = (
    *(">rank", "agent", "version", "model", "mode", "condition", ">composite", "interval", "floor..ceiling"),
    *(
        ">tasks",
        ">solved",
        ">cost/solved",
        ">tokens/solved",
        ">wall",
        ">faults",
        ">retried",
        ">withdrawn",
        ">coverage",
    ),
    "standing",
)


@command(
    "benchledger leaderboard",
    "benchledger leaderboard --policy cab-0.1 --as-of 641",
    "benchledger leaderboard --common --model openai/gpt-oss-120b",
    "benchledger leaderboard --json | jq '.[0]'",
    "benchledger leaderboard --sweep nightly --fail-under composite=0.6 --fail-under pass_rate=0.8",
)
@click.option("--policy", "name", default="gated-1", show_default=True, metavar="NAME|FILE", help="A policy.")
@click.option(
    "--as-of", type=click.IntRange(min=0), metavar="SEQ", help="As the ledger stood after this event."
)
@click.option("--common", is_flag=True, help="Rank over the tasks that all rows have.")
@fail_under_rows
@filter_options(*FILTERS)
@ledger_option
@json_option
@click.pass_context
def leaderboard(
    ctx: click.Context, /, *, common: bool, as_json: bool, fail_under: tuple[Threshold, ...], **given: Any
) -> None:
    """Rank agent x model under a policy.

    Live and published runs, unless --mode names others. A row is ranked by its floor, in which
    a task without a value counts 0; rows whose difference could be chance share a rank.
    """
    from benchledger.ledger.heads import verified_up_to
    from benchledger.ledger.leaderboard import leaderboard as rank
    from benchledger.ledger.queries import as_of as folded

    as_of = given.pop("as_of")
    with reading() as ledger, folded(ledger, as_of) as connection:
        policy = policy_of(ledger.connection, given.pop("name"))
        verified = verified_up_to(ledger.ledger_id)
        rows = rank(connection, policy, selection_of(connection, given), common=common, verified=verified)
        head = ledger.head()
    if as_json:
        echo_json([row.to_json() for row in rows])
    else:
        where = f"head {head_text(head)}" if as_of is None else f"event {as_of}"
        click.echo(f"policy {policy.name}, at {where}")
        tell(rows, common=common)
    told = (row.to_json() for row in rows)
    if say_shortfalls(fail_under, ((_named(row), row_values(row)) for row in told)):
        ctx.exit(1)


def _named(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["agent"], row["version"], "with", row["model"])))


def tell(rows: Sequence[LeaderRow], *, common: bool = False) -> None:
    """Print ranked rows as a table with its footnotes."""
    if not rows:
        click.echo("no row: no cell that counts matches; see `benchledger cells`, or name a --mode")
        return
    shown = [row.to_json() for row in rows]
    table(_COLUMNS, [_row(row) for row in shown], _FOLD)
    for line in footnotes(shown, common=common):
        click.echo(f"* {line}")


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    wall = row["wall_median_ms"]
    return (
        f"{row['rank']}{'=' if row['tied'] else ''}",
        *(row["agent"], row["version"] or NONE, row["model"], row["mode"], row["behavior"]),
        number(row["composite"]),
        interval(row["low"], row["high"]),
        interval(row["floor"], row["ceiling"]),
        f"{row['tasks']}/{row['planned']}",
        f"{row['passed']}/{row['cells']}",
        money(row["cost_per_solved"], row["currency"]),
        number(row["tokens_per_solved"], 0),
        NONE if wall is None else f"{wall / 1000:.1f} s",
        *(str(row["infra_faults"]), str(row["retried"]), str(row["withdrawn"])),
        number(row["coverage"], 2),
        row["standing"],
    )


def footnotes(rows: Sequence[dict[str, Any]], *, common: bool) -> list[str]:
    """Return in words what the numbers of a table do not say by themselves."""
    planned = rows[0]["planned"]
    notes = [_missing(rows, planned, common=common)]
    if any(row["tied"] for row in rows):
        why = (
            "the paired 95% interval between them includes 0"
            if planned >= 5
            else f"over {count(planned, 'task')} there is no interval, and their floors are equal"
        )
        notes.append(f"= is a rank that rows share: {why}")
    for row in rows:
        if row["differs"]:
            what = ", ".join(row["differs"])
            notes.append(clean(f"cells of {row['agent']} with {row['model']} differ in {what}"))
    if any(row["standing"] == "provisional" for row in rows):
        notes.append("provisional: not for citation; `benchledger show CELL` gives the reasons")
    return [note for note in notes if note]


def _missing(rows: Sequence[dict[str, Any]], planned: int, *, common: bool) -> str:
    short = [row for row in rows if row["tasks"] < planned]
    if common:
        return f"ranked over the {count(planned, 'task')} on which every row with a value has one"
    if not short:
        return ""
    least, most = (pick(planned - row["tasks"] for row in short) for pick in (min, max))
    span = f"{least}" if least == most else f"{least} to {most}"
    return (
        f"{len(short)} of {count(len(rows), 'row')} lack a value on {span} of the {count(planned, 'task')}: "
        "the composite is the mean over the tasks with a value, the rank goes by the floor, "
        "where a missing task counts 0; --common ranks over what all rows have"
    )
