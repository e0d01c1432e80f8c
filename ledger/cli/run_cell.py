"""run-cell: the entry point of an agent's image, for who has a container and no command line outside of it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli import running
from benchledger.ledger.cli.attempts import Intent, next_attempt
from benchledger.ledger.cli.common import command, json_option, policy_of
from benchledger.ledger.cli.export import opened_out
from benchledger.ledger.cli.render import clean, echo_json, interval, number

if TYPE_CHECKING:
    from benchledger.ledger.store import Ledger
    from benchledger.schema.policy import Policy

_ACTOR = "run-cell"
_KEY_BYTES = 1 << 16


@command(
    "benchledger run-cell --agent aider --task mutations/python-lru-cache --scripted --out cell.jsonl.gz",
    "docker run --rm -i IMAGE run-cell --agent aider --model gpt-5 --task mutations/python-lru-cache \\",
    "    --endpoint https://api.example.com/v1 --key-stdin <key >cell.jsonl.gz",
    "benchledger append cell.jsonl.gz",
    name="run-cell",
)
@running.cell_options
@click.option(
    "--key-file", type=click.Path(path_type=Path), metavar="FILE", help="A file with the endpoint's key."
)
@click.option("--key-stdin", is_flag=True, help="Read the endpoint's key from standard input.")
@click.option(
    "--image-digest", metavar="SHA256", help="The digest of this image; also BENCHLEDGER_IMAGE_DIGEST."
)
@click.option("--out", default="-", show_default=True, metavar="FILE|-", help="Where the bundle goes.")
@click.option("--sweep", metavar="NAME", help="The sweep of the cell.  [default: run-YYYYMMDD]")
@click.option(
    "--policy", default="gated-1", show_default=True, metavar="NAME|FILE", help="The policy of its scores."
)
@json_option
def run_cell(*, as_json: bool, **given: Any) -> None:
    """Run one cell inside an agent's image, and hand out a bundle.

    For a container of its own, started as root. Root holds the key, asks the model and records;
    the agent and the checks are other users, who can read neither key, nor checks, nor what is
    recorded. The bundle is the export of a ledger with this cell alone, packed with gzip, for
    `benchledger append`. Without the capabilities SYS_ADMIN and NET_ADMIN the agent's network is
    not isolated; that is recorded, and the cell is provisional.
    """
    from benchledger.schema.errors import UsageError

    out = given["out"]
    if out == "-" and as_json:
        raise UsageError("--json would stand within the bundle", "name a file for it with --out")
    if out == "-" and sys.stdout.isatty():
        raise UsageError("the bundle is no text for a terminal", "send it to a file: … >cell.jsonl.gz")
    with (
        running.terminated_is_interrupted(),
        # for its owner alone, who is root
        tempfile.TemporaryDirectory(prefix="benchledger-cell-") as folder,
    ):
        given |= {"key": _key(given), "sandbox": "run-cell"}
        told = _run(Path(folder) / "cell.db", given, policy_of(None, given["policy"]))
    if as_json:
        echo_json(told)


def _run(path: Path, given: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """Run the cell into a new ledger, and write its bundle whatever became of the cell."""
    from benchledger.ledger.cli.common import head_text
    from benchledger.ledger.database import translated
    from benchledger.ledger.exporters import export
    from benchledger.ledger.store import Ledger

    with Ledger.create(path) as ledger:
        told, interrupted = _attempt(ledger, given, policy)
        with translated(given["out"]), opened_out(given["out"], packed=True) as stream:
            export(ledger, stream)
        head = ledger.head()
        ledger_id = ledger.ledger_id
    if interrupted is not None:
        raise interrupted
    span = interval(told["floor"], told["ceiling"])
    for line in (
        told["verdict"],
        *(f"note: {note}" for note in told["notes"]),
        f"composite {number(told['composite'])} under {policy.name}, floor..ceiling {span}",
        f"bundle of ledger {ledger_id}, head {head_text(head)}; next: benchledger append FILE",
    ):
        click.echo(clean(line), err=True)
    where = {"bundle": given["out"], "ledger_id": ledger_id, "head": head and head.to_json()}
    return told | where | {"policy": policy.name}


def _attempt(
    ledger: Ledger, given: Mapping[str, Any], policy: Policy
) -> tuple[dict[str, Any], BaseException | None]:
    from benchledger.runners.inside import AGENTS, PLACE
    from benchledger.runners.prepare import prepare

    own = [PLACE / AGENTS] if (PLACE / AGENTS).is_dir() else []
    hidden = [ledger.path, *([given["key_file"]] if given["key_file"] else [])]
    named = {**given, "agent_file": (*own, *given["agent_file"]), "hidden": hidden}
    parts = prepare(running.request_of(named))
    sweep = given["sweep"] or f"run-{datetime.now(UTC):%Y%m%d}"
    intent = Intent(sweep, policy, actor=_ACTOR)
    judged, ended = next_attempt(ledger, parts, running.source_of(named, parts), intent)
    return running.judged_json(judged, ended), ended.interrupted


def _key(given: Mapping[str, Any]) -> str | None:
    """Return the key that a file or standard input holds; None where it comes otherwise, or none is needed."""
    from benchledger.ledger.cli.upstreams import sound_key
    from benchledger.schema.errors import NoAccess, UsageError

    ways = [name for name in ("key_file", "key_stdin", "key_env") if given[name]]
    if len(ways) > 1:
        first, second = (f"--{name.replace('_', '-')}" for name in ways[:2])
        raise UsageError(f"{first} and {second} exclude each other", "give one key")
    if given["key_env"]:
        click.echo(
            "warning: who may ask the engine sees the environment of a container; better give the key by --key-stdin",
            err=True,
        )
    if given["key_stdin"]:
        return sound_key(sys.stdin.read(_KEY_BYTES))
    if not given["key_file"]:
        return None
    try:
        return sound_key(given["key_file"].read_text(encoding="utf-8", errors="replace")[:_KEY_BYTES])
    except OSError as error:
        raise NoAccess(f"the file of --key-file cannot be read: {error.strerror}") from error
