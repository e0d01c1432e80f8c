"""What lies outside the hash: the tables' definitions, the trees of the indexes, keys of streams, blobs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Container, Iterable, Iterator

from benchledger.ledger.blobs import blob_defect
from benchledger.ledger.ddl import EVIDENCE_DDL, all_statements
from benchledger.ledger.verify_chain import LISTED, UNREADABLE, Defect, listed
from benchledger.schema.catalogue import EVENT_TYPES
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.ports import blob_references

__all__ = [
    "blob_defects",
    "database_defects",
    "ddl_defects",
    "guarded",
    "identity_defects",
    "redactions",
    "unexplained",
]

_EVIDENCE = ("events", "blobs")


def ddl_defects(connection: sqlite3.Connection, *, projections: bool = True) -> list[Defect]:
    """Compare every table, index and trigger with the statements that we ship, to the byte.

    `projections` False leaves out the tables of another version's projections and their indexes.
    """
    # A trigger may bear the name of a table, so an object is known by its kind and its name.
    stored = {
        f"{kind} {name}": sql
        for kind, name, table, sql in connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL OR name NOT LIKE 'sqlite_autoindex_%'"
        )
        if projections or kind not in ("table", "index") or table in _EVIDENCE
    }
    statements = all_statements() if projections else EVIDENCE_DDL
    shipped = {_object_name(statement): statement for statement in statements}
    found = [
        Defect(None, "ddl", f"{name} is not defined as format 1 defines it")
        for name in sorted(shipped)
        if name in stored and stored[name] != shipped[name]
    ]
    found += [Defect(None, "ddl", f"{name} is missing") for name in sorted(shipped.keys() - stored.keys())]
    found += [
        Defect(None, "ddl", f"{name} does not belong to format 1")
        for name in sorted(stored.keys() - shipped.keys())
    ]
    return found


def _object_name(statement: str) -> str:
    words = statement.replace("(", " ").replace("UNIQUE ", "").split()
    return f"{words[1].lower()} {words[2]}"


def database_defects(connection: sqlite3.Connection) -> list[Defect]:
    """Run SQLite's own integrity check: pages, trees, and every index against its table."""
    try:
        rows = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({LISTED})")]
    except sqlite3.DatabaseError as error:
        rows = [str(error)]
    return [] if rows == ["ok"] else [Defect(None, "database", row.replace("\n", " ")) for row in rows]


def identity_defects(connection: sqlite3.Connection) -> list[Defect]:
    """Find ids that stand twice and streams whose versions are not 1, 2, 3, … in the order of seq."""
    return [
        *listed(_ids(connection), "ids stand twice"),
        *listed(_versions(connection), "streams have wrong versions"),
        *listed(_order(connection), "events stand before their predecessors"),
    ]


def _ids(connection: sqlite3.Connection) -> Iterator[Defect]:
    query = "SELECT id, count(*) FROM events GROUP BY id HAVING count(*) > 1"
    for name, count in connection.execute(query):
        yield Defect(None, "id", f"id {name} stands {count} times")


def _versions(connection: sqlite3.Connection) -> Iterator[Defect]:
    query = (
        "SELECT stream, count(*), min(version), max(version) FROM events GROUP BY stream"
        " HAVING min(version) IS NOT 1 OR max(version) IS NOT count(*)"
    )
    for name, count, low, high in connection.execute(query):
        detail = f"stream {name} has {count} events with versions {low} to {high}, not 1 to {count}"
        yield Defect(None, "stream", detail)


def _order(connection: sqlite3.Connection) -> Iterator[Defect]:
    query = (
        "SELECT seq, stream, version FROM (SELECT seq, stream, version,"
        " lag(seq) OVER (PARTITION BY stream ORDER BY version) AS before FROM events) WHERE before > seq"
    )
    for seq, name, version in connection.execute(query):
        yield Defect(seq, "stream", f"version {version} of {name} does not stand after the one before it")


def guarded(
    what: str, check: Callable[[sqlite3.Connection], Iterable[Defect]], connection: sqlite3.Connection
) -> list[Defect]:
    """Run one check over a file that may be damaged: what stops it is a defect, too."""
    found: list[Defect] = []
    try:
        for defect in check(connection):
            found.append(defect)  # noqa: PERF402 - what was found before the end must stay
    except (BenchledgerError, sqlite3.Error, *UNREADABLE) as error:
        found.append(Defect(None, "database", f"{what} cannot be checked: {type(error).__name__}: {error}"))
    return found


def redactions(connection: sqlite3.Connection) -> tuple[dict[int, int], dict[str, int]]:
    """Return what payload.redacted events name: {seq: by seq}, {blob: by seq}."""
    payloads: dict[int, int] = {}
    blobs: dict[str, int] = {}
    for seq, text in connection.execute(
        "SELECT seq, payload FROM events WHERE type = 'payload.redacted' AND stream = 'ledger'"
    ):
        target, digest = _named(text)
        # Only what stands before it: nothing is declared removable in advance.
        if target is not None and target < seq:
            payloads[target] = seq
        if digest is not None:
            blobs[digest] = seq
    return payloads, blobs


def _named(text: str | None) -> tuple[int | None, str | None]:
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        value = None  # the chain and the schema check name it; it explains no redaction
    if not isinstance(value, dict):
        return None, None
    seq, digest = value.get("seq"), value.get("blob")
    return seq if type(seq) is int else None, digest if isinstance(digest, str) else None


def unexplained(connection: sqlite3.Connection, empty: Iterable[int], named: Container[int]) -> set[int]:
    """Return those seqs of events without payload that no redaction explains, or whose type allows none."""
    kept = {name for name, model in EVENT_TYPES.items() if not model.redactable}
    found = set()
    for seq in empty:
        row = connection.execute("SELECT type FROM events WHERE seq = ?", (seq,)).fetchone()
        if seq not in named or row is None or row[0] in kept:
            found.add(seq)
    return found


def blob_defects(
    ledger: sqlite3.Connection, redacted: dict[str, int], report: Callable[[int], None] | None = None
) -> list[Defect]:
    """Check every blob against its digest, every reference against the blobs, and find orphans."""
    found = [
        Defect(None, "blob", f"blob {row[0].hex()[:16]}… {defect}")
        for row in ledger.execute("SELECT digest, size, encoding, stored_digest, data FROM blobs")
        if (defect := blob_defect(row))
    ]
    wanted = sqlite3.connect("", isolation_level=None)  # a temporary file: memory stays flat
    try:
        wanted.execute(
            "CREATE TABLE wanted(digest BLOB, size INTEGER, seq INTEGER, PRIMARY KEY(digest, size)) WITHOUT ROWID"
        )
        wanted.execute("BEGIN")
        wanted.executemany("INSERT OR IGNORE INTO wanted VALUES(?,?,?)", _references(ledger, report))
        found += _missing(wanted, ledger, redacted)
        found += _orphans(wanted, ledger)
    finally:
        wanted.close()
    return found


def _references(
    ledger: sqlite3.Connection, report: Callable[[int], None] | None
) -> Iterator[tuple[bytes, int, int]]:
    for count, (seq, text) in enumerate(
        ledger.execute("""SELECT seq, payload FROM events WHERE instr(payload, '"blob":') > 0""")
    ):
        try:
            for digest, size in blob_references(json.loads(text)):
                yield bytes.fromhex(digest), size, seq
        except (ValueError, TypeError, RecursionError):
            continue  # a payload that is no JSON is named by the chain and by the schema check
        if report is not None and count % 4096 == 0:
            report(0)


def _missing(
    wanted: sqlite3.Connection, ledger: sqlite3.Connection, redacted: dict[str, int]
) -> Iterator[Defect]:
    for digest, size, seq in wanted.execute("SELECT digest, size, seq FROM wanted"):
        row = ledger.execute("SELECT size FROM blobs WHERE digest = ?", (digest,)).fetchone()
        if row is None and digest.hex() not in redacted:
            yield Defect(seq, "blob", f"blob {digest.hex()[:16]}… that event {seq} refers to is missing")
        elif row is not None and row[0] != size:
            yield Defect(
                seq, "blob", f"blob {digest.hex()[:16]}… has {row[0]} bytes, event {seq} says {size}"
            )


def _orphans(wanted: sqlite3.Connection, ledger: sqlite3.Connection) -> Iterator[Defect]:
    for (digest,) in ledger.execute("SELECT digest FROM blobs"):
        if wanted.execute("SELECT 1 FROM wanted WHERE digest = ?", (digest,)).fetchone() is None:
            yield Defect(None, "orphan", f"blob {digest.hex()[:16]}… belongs to no event")
