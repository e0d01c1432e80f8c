"""policy: list, show, start and check policies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from benchledger.ledger.cli.common import (
    Command,
    json_option,
    ledger_option,
    ledger_path,
    policy_json,
    policy_of,
    reading,
)
from benchledger.ledger.cli.render import echo_json, table

if TYPE_CHECKING:
    from benchledger.schema.policy import Policy


class _Policies(Command, click.Group):
    """A group with examples."""


@click.group(
    cls=_Policies,
    examples=(
        "benchledger policy list",
        "benchledger policy show gated-1 > my.toml",
        "benchledger policy check my.toml",
        "benchledger rescore --policy my.toml",
    ),
)
def policy() -> None:
    """List, show, start and check scoring policies.

    A policy is weights and parameters under a frozen formula; its id is the digest of its
    content. `policy show` of one that ships starts one of your own.
    """


@contextmanager
def _known() -> Iterator[sqlite3.Connection | None]:
    """Yield the ledger's connection, None where there is no ledger: policies that ship need none."""
    if not ledger_path().exists():
        yield None
        return
    with reading() as ledger:
        yield ledger.connection


@policy.command("list", cls=Command, examples=("benchledger policy list --json",))
@ledger_option
@json_option
def list_(*, as_json: bool) -> None:
    """List the policies that ship and those that the ledger declares."""
    from benchledger.ledger.queries import policies
    from benchledger.scorers.composite import SHIPPED_POLICIES

    with _known() as connection:
        found = dict(SHIPPED_POLICIES) if connection is None else policies(connection)
    if as_json:
        echo_json([policy_json(item) | {"ships": name in SHIPPED_POLICIES} for name, item in found.items()])
        return
    rows = [
        (
            name,
            item.formula,
            item.policy_id[:16],
            _weights(item),
            "ships" if name in SHIPPED_POLICIES else "ledger",
        )
        for name, item in found.items()
    ]
    table(("name", "formula", "id", "weights", "from"), rows)


@policy.command(cls=Command, examples=("benchledger policy show gated-1 > my.toml",))
@click.argument("name")
@ledger_option
@json_option
def show(name: str, *, as_json: bool) -> None:
    """Print a policy as TOML, ready to be edited.

    What is printed is the same policy to the bit. NAME is a name, an id, or a file.
    """
    with _known() as connection:
        _print(policy_of(connection, name), as_json=as_json)


@policy.command(
    cls=Command, examples=("benchledger policy new frugal -w pass_rate=0.5 -w cost=0.5 > frugal.toml",)
)
@click.argument("name")
@click.option(
    "--from", "base", default="gated-1", show_default=True, metavar="POLICY", help="What to start from."
)
@click.option("-w", "weights", multiple=True, metavar="AXIS=VALUE", help="A weight; axes not named weigh 0.")
@ledger_option
@json_option
def new(name: str, base: str, weights: tuple[str, ...], *, as_json: bool) -> None:
    """Print a new policy as TOML, made from another one."""
    from benchledger.ledger.policy_files import renamed, weighted

    with _known() as connection:
        made = policy_of(connection, base)
    if weights:
        made = weighted(made, weights)
    _print(renamed(made, name), as_json=as_json)


@policy.command(cls=Command, examples=("benchledger policy check my.toml",))
@click.argument("file")
@json_option
def check(file: str, *, as_json: bool) -> None:
    """Check a policy file and print what it says.

    Leaves with 1 where the file holds no policy, and names the field.
    """
    from benchledger.ledger.policy_files import load_policy

    made = load_policy(file)
    if as_json:
        echo_json(policy_json(made))
        return
    click.echo(f"{made.name}: formula {made.formula}, weights {_weights(made)}")
    click.echo(f"id {made.policy_id}")


def _weights(item: Policy) -> str:
    return " ".join(f"{name}={value:g}" for name, value in item.weights.items() if value)


def _print(item: Policy, *, as_json: bool) -> None:
    from benchledger.ledger.policy_files import policy_toml

    if as_json:
        echo_json(policy_json(item))
    else:
        click.echo(policy_toml(item), nl=False)
