"""doctor: what this machine and this ledger are fit for, and what to do about the rest."""

from __future__ import annotations

import gc
import os
import platform
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from benchledger.ledger.cli.common import command, head_text, json_option, ledger_option, ledger_path
from benchledger.ledger.cli.render import NONE, clean, echo_json, table
from benchledger.ledger.cli.upstreams import endpoint_options, upstream_of

if TYPE_CHECKING:
    from benchledger.runners.endpoint import AgentSupport, EndpointReport
    from benchledger.runners.proxy.config import Upstream

State = Literal["ok", "warn", "fail"]
_MENDED = (
    3,
    51,
    3,
)  # SQLite 3.7.0 to 3.51.2 can corrupt a WAL file when two connections write and checkpoint
_LOW_DISK = 1 << 30


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: State
    detail: str


@command(
    "benchledger doctor",
    "benchledger --ledger results.db doctor --json",
    "benchledger doctor --endpoint https://api.example.org --key-env EXAMPLE_KEY --model example-1",
    "benchledger doctor --endpoint http://127.0.0.1:11434 --json",
)
@endpoint_options
@click.option("--model", help="The model to ask.  [default: the first that the endpoint lists]")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=20.0,
    show_default=True,
    help="Seconds for each request.",
)
@ledger_option
@json_option
def doctor(*, as_json: bool, model: str | None, timeout: float, **asked: Any) -> None:
    """Say what this machine and this ledger are fit for.

    A warning costs something that you may not need. Leaves with 3 where something is missing
    that every command needs.

    With --endpoint it asks a model endpoint instead, in requests of at most 16 tokens: which
    protocols it serves, whether it streams, tells usage and calls tools, and which agents that
    allows. Leaves with 3 where it does not answer or serves none. The key is never printed.
    """
    if asked["endpoint"] is not None:
        _endpoint(upstream_of(asked), model, timeout, as_json=as_json)
        return
    _only_with_endpoint({**asked, "model": model})
    path = ledger_path()
    findings = [_python(), _sqlite(), _blake3(), _ledger(path), _disk(path), _state_folder(), _docker()]
    if as_json:
        echo_json([finding._asdict() for finding in findings])
    else:
        table(("check", "state", "detail"), findings)
    click.get_current_context().exit(3 if any(finding.state == "fail" for finding in findings) else 0)


def _only_with_endpoint(asked: dict[str, Any]) -> None:
    from benchledger.schema.errors import UsageError

    stray = [f"--{name.replace('_', '-')}" for name, value in asked.items() if value not in (None, ())]
    if stray:
        raise UsageError(f"{stray[0]} describes an endpoint, and none is given", "add --endpoint URL")


def _endpoint(upstream: Upstream, model: str | None, timeout: float, *, as_json: bool) -> None:
    """Ask the endpoint and print what it serves, as a table or as JSON.

    {url, model, model_source: "given"|"listed", listed: int|null, served: [protocol],
     protocols: [{protocol, state: "served"|"absent"|"refused"|"silent", reason, status, detail, latency_ms,
                  streaming, usage, stream_usage, tools: true|false|null}],
     agents: [{agent, version, protocols, protocol, state: "supported"|"unsupported(protocol)"}]}
    """
    from dataclasses import asdict

    from benchledger.runners.agents.files import load_agents
    from benchledger.runners.endpoint import probe, support

    report = probe(upstream, model, timeout_s=timeout)
    agents = support(load_agents().values(), report.served)
    if as_json:
        echo_json(report.to_json() | {"agents": [asdict(agent) for agent in agents]})
    else:
        _tell_endpoint(report, agents)
    lack = report.lack()
    if lack is not None:
        raise lack


def _tell_endpoint(report: EndpointReport, agents: list[AgentSupport]) -> None:
    source = (
        ""
        if report.listed is None
        else f", the first of {report.listed:,} that it lists (--model names another)"
    )
    click.echo(clean(f"endpoint {report.url}, model {report.model}{source}"))
    columns = ("protocol", "state", "streaming", "usage", "usage in streams", "tools", ">ms", "detail")
    rows = [
        (
            *(item.protocol, item.state),
            *map(_known, (item.streaming, item.usage, item.stream_usage, item.tools)),
            NONE if item.latency_ms is None else f"{item.latency_ms:,.0f}",
            item.detail or NONE,
        )
        for item in report.protocols
    ]
    table(columns, rows)
    click.echo()
    table(
        ("agent", "version", "state", "speaks"),
        [(item.agent, item.version, item.state, _speaks(item)) for item in agents],
    )


def _known(value: bool | None) -> str:  # noqa: FBT001 - a value to show, no switch
    return {True: "yes", False: "no", None: "unknown"}[value]


def _speaks(item: AgentSupport) -> str:
    return item.protocol or ", ".join(item.protocols) or "no model needed"


def _python() -> Finding:
    from importlib.metadata import version

    return Finding(
        "python", "ok", f"Python {platform.python_version()}, benchledger {version('benchledger')}"
    )


def _sqlite() -> Finding:
    said = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < (3, 37):
        return Finding(
            "sqlite", "fail", f"{said} has no STRICT tables; use a Python with SQLite 3.37 or later"
        )
    if sqlite3.sqlite_version_info < _MENDED:
        covered = "our writers' lock covers it; other programs must not write to the ledger"
        return Finding("sqlite", "ok", f"{said} has the WAL-reset bug (mended in 3.51.3): {covered}")
    return Finding("sqlite", "ok", said)


def _blake3() -> Finding:
    try:
        from importlib.metadata import version

        from blake3 import blake3

        blake3(b"").hexdigest()
        return Finding("blake3", "ok", f"blake3 {version('blake3')}")
    except ImportError as error:
        return Finding("blake3", "fail", f"blake3 cannot be used ({clean(error)}): install benchledger again")


def _ledger(path: Path) -> Finding:
    from benchledger.ledger.store import Ledger
    from benchledger.schema.errors import BenchledgerError

    if not path.exists():
        return Finding("ledger", "warn", f"none at {path}: `benchledger --ledger {path} init` makes one")
    try:
        with Ledger.open(path) as ledger:
            connection = ledger.connection
            head = ledger.head()
            unknown = connection.execute("SELECT coalesce(sum(events), 0) FROM unknown_types").fetchone()[0]
            form = connection.execute("PRAGMA user_version").fetchone()[0]
    except (BenchledgerError, sqlite3.Error) as error:
        return Finding("ledger", "fail", clean(error))
    wal = path.with_name(f"{path.name}-wal")
    sizes = f"{_size(path.stat().st_size)}, WAL {_size(wal.stat().st_size if wal.exists() else 0)}"
    events = 0 if head is None else head.seq + 1
    said = f"{path}: format {form}, {sizes}, {events:,} events, head {head_text(head)}"
    if unknown:
        return Finding("ledger", "warn", f"{said}; {unknown:,} events of unknown types: upgrade to read them")
    if not os.access(path, os.W_OK) or not os.access(path.absolute().parent, os.W_OK):
        return Finding("ledger", "warn", f"{said}; this user can read and not append")
    return Finding("ledger", "ok", said)


def _disk(path: Path) -> Finding:
    folder = path.absolute().parent
    if not folder.is_dir():
        return Finding("disk", "warn", f"the folder {folder} does not exist: make it before `init`")
    free = shutil.disk_usage(folder).free
    return Finding("disk", "warn" if free < _LOW_DISK else "ok", f"{_size(free)} free in {folder}")


def _state_folder() -> Finding:
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    nearest = next(_existing(folder))
    if os.access(nearest, os.W_OK):
        return Finding("last-seen", "ok", f"heads are kept in {folder / 'benchledger' / 'heads'}")
    why = "a rollback would not show; set XDG_STATE_HOME to a folder that can be written"
    return Finding("last-seen", "warn", f"{folder} cannot be written: {why}")


def _existing(folder: Path) -> Iterator[Path]:
    yield from (place for place in (folder, *folder.absolute().parents) if place.exists())


def _docker() -> Finding:
    with warnings.catch_warnings():
        # The SDK leaves the socket open on which no engine answers, in a cycle that only the collector ends.
        warnings.simplefilter("ignore", ResourceWarning)
        found = _ask_docker()
        gc.collect()
    return found


def _ask_docker() -> Finding:
    try:
        import docker

        ask: Callable[..., docker.DockerClient] = docker.from_env
        client = ask(timeout=3)
        try:
            return Finding("docker", "ok", f"engine {client.version().get('Version', 'of unknown version')}")
        finally:
            client.close()
    except Exception as error:  # noqa: BLE001 - the SDK lets through what its many transports raise
        why = clean(error).split("(", 1)[0].strip() or type(error).__name__
        return Finding("docker", "warn", f"no engine answers ({why[:80]}): only runs in docker need one")


def _size(number: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
