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
from typing import Literal, NamedTuple

import click

from benchledger.ledger.cli.common import command, head_text, json_option, ledger_option, ledger_path
from benchledger.ledger.cli.render import clean, echo_json, table

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


@command("benchledger doctor", "benchledger --ledger results.db doctor --json")
@ledger_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Say what this machine and this ledger are fit for.

    A warning costs something that you may not need. Leaves with 3 where something is missing
    that every command needs.
    """
    path = ledger_path()
    findings = [_python(), _sqlite(), _blake3(), _ledger(path), _disk(path), _state_folder(), _docker()]
    if as_json:
        echo_json([finding._asdict() for finding in findings])
    else:
        table(("check", "state", "detail"), findings)
    ctx.exit(3 if any(finding.state == "fail" for finding in findings) else 0)


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
