"""The tables on disk (format 1). `verify` compares the file with exactly these statements.

`events` and `blobs` are the evidence. Every other table is a projection: it can be dropped
and rebuilt, and is then equal byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EVIDENCE_DDL", "PROJECTIONS", "PROJECTION_VERSION", "Table", "all_statements"]

# A new number makes the next writer rebuild: projections are derived, never migrated.
PROJECTION_VERSION = 1

_EVENTS = """CREATE TABLE events(
  seq INTEGER PRIMARY KEY,
  meta TEXT NOT NULL,
  payload_digest BLOB NOT NULL CHECK(length(payload_digest) = 32),
  payload_len INTEGER NOT NULL,
  salt BLOB CHECK(salt IS NULL OR length(salt) = 16),
  payload TEXT,
  hash BLOB NOT NULL CHECK(length(hash) = 32),
  id TEXT NOT NULL GENERATED ALWAYS AS (json_extract(meta, '$.id')) VIRTUAL,
  type TEXT NOT NULL GENERATED ALWAYS AS (json_extract(meta, '$.type')) VIRTUAL,
  stream TEXT NOT NULL GENERATED ALWAYS AS (json_extract(meta, '$.stream')) VIRTUAL,
  version INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(meta, '$.version')) VIRTUAL,
  at INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(meta, '$.at')) VIRTUAL
) STRICT"""

_BLOBS = """CREATE TABLE blobs(
  digest BLOB PRIMARY KEY CHECK(length(digest) = 32),
  size INTEGER NOT NULL,
  encoding TEXT NOT NULL,
  stored_digest BLOB NOT NULL CHECK(length(stored_digest) = 32),
  data BLOB NOT NULL
) STRICT"""

# INSERT OR REPLACE passes delete triggers and unique columns unnoticed, so the insert itself is guarded.
_EVENTS_INSERT = """CREATE TRIGGER events_insert BEFORE INSERT ON events BEGIN
  SELECT RAISE(ABORT, 'events are append-only: not the next seq')
    WHERE NEW.seq IS NOT (SELECT coalesce(max(seq), -1) + 1 FROM events);
  SELECT RAISE(ABORT, 'events are append-only: this id exists')
    WHERE EXISTS (SELECT 1 FROM events WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'events are append-only: this stream version exists')
    WHERE EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version);
END"""

_EVENTS_UPDATE = """CREATE TRIGGER events_update BEFORE UPDATE ON events BEGIN
  SELECT RAISE(ABORT, 'events are append-only')
    WHERE NOT (
      NEW.payload IS NULL AND NEW.salt IS NULL AND NEW.seq IS OLD.seq AND NEW.meta IS OLD.meta
      AND NEW.payload_digest IS OLD.payload_digest AND NEW.payload_len IS OLD.payload_len
      AND NEW.hash IS OLD.hash
      AND json_extract(OLD.meta, '$.type') NOT IN ('ledger.created', 'cell.setup', 'axis.scored',
        'composite.scored', 'history.rescored', 'policy.declared', 'payload.redacted', 'frames.kept')
      AND EXISTS (SELECT 1 FROM events WHERE stream = 'ledger' AND type = 'payload.redacted'
                  AND json_extract(payload, '$.seq') = OLD.seq));
END"""

_EVENTS_DELETE = """CREATE TRIGGER events_delete BEFORE DELETE ON events BEGIN
  SELECT RAISE(ABORT, 'events are append-only');
END"""

_BLOBS_INSERT = """CREATE TRIGGER blobs_insert BEFORE INSERT ON blobs
  WHEN EXISTS (SELECT 1 FROM blobs WHERE digest = NEW.digest) BEGIN
  SELECT RAISE(ABORT, 'blobs are append-only: this digest exists');
END"""

_BLOBS_UPDATE = """CREATE TRIGGER blobs_update BEFORE UPDATE ON blobs BEGIN
  SELECT RAISE(ABORT, 'blobs are append-only');
END"""

_BLOBS_DELETE = """CREATE TRIGGER blobs_delete BEFORE DELETE ON blobs BEGIN
  SELECT RAISE(ABORT, 'blobs are append-only')
    WHERE NOT EXISTS (SELECT 1 FROM events WHERE stream = 'ledger' AND type = 'payload.redacted'
                      AND json_extract(payload, '$.blob') = lower(hex(OLD.digest)));
END"""

EVIDENCE_DDL = (
    _EVENTS,
    _BLOBS,
    "CREATE UNIQUE INDEX events_id ON events(id)",
    "CREATE UNIQUE INDEX events_stream ON events(stream, version)",
    _EVENTS_INSERT,
    _EVENTS_UPDATE,
    _EVENTS_DELETE,
    _BLOBS_INSERT,
    _BLOBS_UPDATE,
    _BLOBS_DELETE,
)


@dataclass(frozen=True, slots=True)
class Table:
    """One projection: its columns in order and how many of them form the primary key."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: int

    @property
    def ddl(self) -> str:
        """Return the CREATE TABLE statement."""
        body = ", ".join(
            f"{column} {kind}{' NOT NULL' if index < self.key else ''}"
            for index, (column, kind) in enumerate(zip(self.columns, self.types, strict=True))
        )
        keys = ", ".join(self.columns[: self.key])
        return f"CREATE TABLE {self.name}({body}, PRIMARY KEY({keys})) STRICT, WITHOUT ROWID"

    @property
    def upsert(self) -> str:
        """Return the statement that writes one whole row."""
        return self.upsert_of(self.columns)

    def upsert_of(self, columns: tuple[str, ...], rows: int = 1) -> str:
        """Return the statement that writes so many rows of which all other columns are NULL."""
        marks = ",".join([f"({','.join('?' * len(columns))})"] * rows)
        return f"INSERT OR REPLACE INTO {self.name}({','.join(columns)}) VALUES {marks}"


_KINDS = {"i": "INTEGER", "t": "TEXT", "r": "REAL", "b": "BLOB"}


# What there is much of an attempt is kept by its `first_seq`: short keys that rise, so an append writes few pages.
_SPECS = """
projection_state 1 name:t seq:i version:i
tiles 1 tile:i root:b
sweeps 1 plan:i origin:t sweep:t agents:t models:t tasks:t repeats:i seed:i ordering:t policy_id:t engine:t
  infra_retries:i planned:i seq:i
cells 1 cell:t origin:t cell_id:t sweep:t agent:t model:t task:t run:i history:t counted:i adjudicated:t disputed:i
attempts 1 ref:t cell:t attempt:i version:t image:t image_digest:t image_id:t uses_model:i model_build_id:t mode:t
  endpoint_origin:t protocol:t sandbox:t behavior_mode:t overlays:t limits:t task_digest:t language:t policy_id:t
  harness:t started_at:i ended_at:i wall_ms:r active_ms:r exit_code:i signal:i timed_out:i oom:i limit_hit:t
  grader_exit:i published_composite:r banner:t url:t prompt_printed:i completion_printed:i calls:i outcome:t
  outcome_kind:t notes:t first_seq:i last_seq:i
settings 1 fingerprint:i agent:t model:t version:t mode:t behavior:t task:t origin:t sweep:t task_digest:t
  condition:t id:i
scores 1 ref:t counted:i adjudicated:t setting:i gated:i value:r floor:r ceiling:r coverage:r outcome:t pass_rate:r
  integrity:r tokens_per_correct:r prompt_tokens:r cached_tokens:r completion_tokens:r wall_ms:r lost_ms:r
  blast_radius:r constraints:r refusal:r refusal_produced:i protected_touched:i destroyed:i foreign_judge:i
  not_applicable:i
axes 2 first_seq:i axis:t value:r state:t reason:t scorer:t seq:i
composites 2 first_seq:i policy_id:t value:r reason:t g:r floor:r ceiling:r coverage:r components:t seq:i
model_calls 2 first_seq:i number:i protocol:t model_asked:t model_answered:t system_fingerprint:t request_hash:t
  prompt_tokens:i completion_tokens:i cached_tokens:i latency_ms:r first_token_ms:r status:i finish_reason:t
  error:t started_at:i seq:i
spans 2 first_seq:i span:t parent:t kind:t name:t started_at:i ended_at:i attributes:t error:t seq:i
prices 1 seq:i origin:t sweep:t model:t currency:t prompt:r completion:r cached:r source:t
rechecks 2 first_seq:i seq:i times:i passed:i agrees:i
policies 1 policy_id:t name:t formula:t policy:t seq:i
adjudications 1 seq:i action:t cell:t attempt:i selection:t count:i reason:t author:t link:t
sources 1 seq:i format:t digest:t size:i records:i name:t
rescores 1 seq:i policy_id:t selection:t head_seq:i head_hash:t cells:i table_digest:t foreign_origin:t
redactions 1 seq:i target:i blob:t reason:t
unknown_types 2 type:t schema:i events:i
"""


def _table(spec: str) -> Table:
    """Build a table from `name key-columns column:kind …`, kind one of i t r b."""
    name, key, *words = spec.split()
    pairs = [word.split(":") for word in words]
    return Table(name, tuple(pair[0] for pair in pairs), tuple(_KINDS[pair[1]] for pair in pairs), int(key))


PROJECTIONS: dict[str, Table] = {
    table.name: table for table in map(_table, _SPECS.strip().replace("\n  ", " ").split("\n"))
}


def all_statements() -> list[str]:
    """Return every statement of a new ledger, in order."""
    return [*EVIDENCE_DDL, *(table.ddl for table in PROJECTIONS.values())]
