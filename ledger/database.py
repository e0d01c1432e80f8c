"""Opening the SQLite file, and turning SQLite's and the system's errors into ours, once."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchledger.schema.errors import (
    BenchledgerError,
    Conflict,
    DatabaseFailed,
    DiskFull,
    FormatUnsupported,
    LedgerBusy,
    NoAccess,
    NoLedger,
    NotALedger,
)
from benchledger.schema.frame import APPLICATION_ID, FORMAT

__all__ = ["WAL_LIMIT", "connect", "connect_new", "connect_read_only", "remove", "translated"]

_MAGIC = b"SQLite format 3\x00"
_PAGE_SIZE = 16384
_BUSY_MS = 60_000
_CACHE_KIB = 65_536
# Readers go through tables in order: a larger cache only takes memory.
_READ_CACHE_KIB = 16_384
# From this size on, the WAL is written back into the file after a commit.
WAL_LIMIT = 16 * 1024 * 1024
_NO_ROOM = 65_536


@contextmanager
def translated(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise our errors in place of sqlite3's and the system's; ours pass through."""
    try:
        yield
    except BenchledgerError:
        raise
    except sqlite3.Error as error:
        raise _from_sqlite(error, path) from error
    except OSError as error:
        raise _from_system(error, path) from error


def _from_sqlite(error: sqlite3.Error, path: str | os.PathLike[str]) -> BenchledgerError:
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    # Where there is no room even for the shared memory of the WAL, SQLite calls it an I/O error.
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return DiskFull(f"no room left to write {path}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerBusy(f"{path} is in use by another process")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH):
        return NoAccess(f"{path} cannot be opened or written ({error})")
    if code == sqlite3.SQLITE_NOTADB:
        return NotALedger(
            f"{path} is no SQLite file", "name a ledger with --ledger, or make one with `benchledger init`"
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Conflict(
            f"{path} refuses the write: {error}", "this is a defect of the caller: please report it"
        )
    return DatabaseFailed(f"SQLite cannot use {path}: {error}")


def _is_full(path: str | os.PathLike[str]) -> bool:
    try:
        disk = os.statvfs(Path(path).absolute().parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _NO_ROOM


def _from_system(error: OSError, path: str | os.PathLike[str]) -> BenchledgerError:
    name = error.filename or path
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"no room left to write {name}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NoAccess(f"{name}: {error.strerror}")
    return DatabaseFailed(
        f"{name}: {error.strerror or error}", "check the disk and the path, then run this again"
    )


def connect_new(path: Path) -> sqlite3.Connection:
    """Create the file with our pragmas and leave it empty; the caller writes the tables in one transaction."""
    connection = _open(f"file:{quote(str(path))}?mode=rwc")
    connection.execute(f"PRAGMA page_size={_PAGE_SIZE}")
    connection.execute("PRAGMA journal_mode=WAL")
    _configure(connection)
    return connection


def remove(path: Path) -> None:
    """Remove a ledger file and what SQLite and the lock left beside it."""
    for suffix in ("-wal", "-shm", "", "-lock"):
        with contextlib.suppress(OSError):
            Path(f"{path}{suffix}").unlink()


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing ledger for writing; raises NoLedger, NotALedger, FormatUnsupported, NoAccess."""
    _check_file(path)
    if not os.access(path, os.W_OK):
        raise NoAccess(f"{path} cannot be written by this user")
    connection = _open(f"file:{quote(str(path))}?mode=rw")
    try:
        _check_header(connection, path)
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open an existing ledger for reading; never writes, not even a checkpoint on close."""
    _check_file(path)
    if not os.access(path, os.R_OK):
        raise NoAccess(f"{path} cannot be read by this user")
    wal = path.with_name(path.name + "-wal")
    # Without a -wal and without a place for one, only immutable opens; with a -wal it would hide events.
    frozen = not wal.exists() and not os.access(path.parent, os.W_OK)
    connection = _open(f"file:{quote(str(path))}?mode=ro{'&immutable=1' if frozen else ''}")
    try:
        _check_header(connection, path)
        connection.execute(f"PRAGMA cache_size=-{_READ_CACHE_KIB}")
        connection.execute("PRAGMA query_only=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        timeout=_BUSY_MS / 1000,
        check_same_thread=False,
        cached_statements=512,
    )


def _configure(connection: sqlite3.Connection) -> None:
    # Checkpoints happen under our own lock (see lock.py), so SQLite's own are off.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    # A WAL that was emptied is cut back, so that its size tells how much waits in it.
    connection.execute(f"PRAGMA journal_size_limit={WAL_LIMIT}")
    connection.execute("PRAGMA foreign_keys=OFF")
    # Each guarded INSERT may be taken back, so SQLite copies the pages it changes: in memory, not to a file.
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise NotALedger(f"{path} is a folder", "name the ledger file itself with --ledger")
    if not path.exists():
        raise NoLedger(f"there is no ledger at {path}", f"make one with `benchledger --ledger {path} init`")
    if not path.is_file():
        raise NotALedger(f"{path} is no regular file", "name a ledger file with --ledger")
    with translated(path), path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise NotALedger(
                f"{path} is no benchledger ledger",
                "name a ledger with --ledger, or make one with `benchledger init`",
            )


def _check_header(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise NotALedger(
            f"{path} is an SQLite file of another application",
            "name a ledger with --ledger, or make one with `benchledger init`",
        )
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise FormatUnsupported(f"{path} has format {version}; this version reads format {FORMAT}")
