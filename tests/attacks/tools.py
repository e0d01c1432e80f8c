"""How an attacker edits a ledger file: triggers dropped and put back, chains recomputed, schemas rewritten."""

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchledger.ledger.project import rebuild
from tests.attacks.sample import Row, rows
from tests.schema.standalone_verify import derive, first_prev, frame

COLUMNS = ", ".join(Row._fields)


@dataclass
class Target:
    """A ledger file under attack, the rows that it had before, and a connection without triggers.

    `after` are statements for when the triggers are back, `later` calls for when the file is closed.
    """

    path: object
    rows: list
    db: sqlite3.Connection
    after: list = field(default_factory=list)
    later: list = field(default_factory=list)

    def seq(self, event_type, number=0):
        return [row.seq for row in self.rows if row.type == event_type][number]

    def set(self, seq, **columns):
        marks = ", ".join(f"{name} = ?" for name in columns)
        self.db.execute(f"UPDATE events SET {marks} WHERE seq = ?", (*columns.values(), seq))

    def payload(self, seq):
        return json.loads(self.rows[seq].payload)

    def write(self, seq, payload):
        """Write another payload as if it had always been there: with its length and digest."""
        text = payload if isinstance(payload, str) else spelled(payload)
        data = text.encode()
        digest = derive("payload", self.rows[seq].salt + data)
        self.set(seq, payload=text, payload_len=len(data), payload_digest=digest)

    def rewrite(self, seq, /, **fields):
        """Change fields of a payload, with its length and digest."""
        self.write(seq, self.payload(seq) | fields)

    def rewrite_meta(self, seq, /, **fields):
        self.set(seq, meta=spelled(json.loads(self.rows[seq].meta) | fields))

    def rechain(self, start=0):
        """Compute every hash from `start` on anew, so that the chain is clean in itself."""
        stored = self.db.execute(f"SELECT {COLUMNS} FROM events ORDER BY seq").fetchall()
        raw = [tuple(v.encode() if isinstance(v, str) else v for v in row) for row in stored]
        prev = first_prev(raw) if start == 0 else raw[start - 1][6]
        for row in raw[start:]:
            prev = derive("event", frame(row, prev))
            self.db.execute("UPDATE events SET hash = ? WHERE seq = ?", (prev, row[0]))

    def forge(self, start):
        """As `rechain`, and the head that the rescore names is made to fit as well."""
        self.rechain(start)
        rescored = self.seq("history.rescored")
        head = self.payload(rescored)["head"]
        made = self.db.execute("SELECT hash FROM events WHERE seq = ?", (head["seq"],)).fetchone()[0]
        self.rewrite(rescored, head=head | {"hash": made.hex()})
        self.rechain(rescored)

    def refold(self):
        """Make the projections agree with the edited events."""
        self.db.execute("BEGIN")
        rebuild(self.db)
        self.db.execute("COMMIT")


def spelled(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@contextmanager
def unguarded(path):
    """Open the file with its triggers dropped, and put them back at the end; yields a Target."""
    found = rows(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        target = Target(path, found, connection)
        yield target
        for statement in [*(sql for _, sql in triggers), *target.after]:
            connection.execute(statement)
    finally:
        connection.close()
    for call in target.later:
        call()


@contextmanager
def schema_open(connection):
    """Let `sqlite_master` be written, and make SQLite read it again."""
    connection.execute("PRAGMA writable_schema = 1")
    yield
    connection.execute("PRAGMA writable_schema = RESET")


@contextmanager
def without_index(connection, name):
    """Hide an index from SQLite while rows are edited: its tree stays as it was."""
    row = connection.execute("SELECT * FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    with schema_open(connection):
        connection.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
    yield
    with schema_open(connection):
        connection.execute("INSERT INTO sqlite_master VALUES(?,?,?,?,?)", row)


def overwrite_page(path, page, junk, offset=0):
    """Write bytes into one page (numbered from 1) of a file that nobody has open."""
    with path.open("r+b") as file:
        head = file.read(100)
        size = int.from_bytes(head[16:18], "big")
        size = 65_536 if size == 1 else size
        file.seek((page - 1) * size + offset)
        file.write(junk)
