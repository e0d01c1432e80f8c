"""Edits outside the hash, and hostile content: definitions, indexes, pages, payloads of the wrong shape."""

from tests.attacks.registry import attack
from tests.attacks.tools import overwrite_page, schema_open, spelled, without_index


@attack("ddl")
def generated_column_redefined(it):
    """The column `type` is redefined to say the stream; rows and hashes stay."""
    with schema_open(it.db):
        it.db.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '$.type', '$.stream') WHERE name = 'events'"
        )
    return {(None, "ddl")}


@attack("ddl")
def guard_weakened(it):
    """The guard against deletions is put back without its effect."""
    it.after.append("DROP TRIGGER events_delete")
    it.after.append("CREATE TRIGGER events_delete BEFORE DELETE ON events BEGIN SELECT 1; END")
    return {(None, "ddl")}


@attack("ddl")
def guard_missing(it):
    """The guard against updates is left out."""
    it.after.append("DROP TRIGGER events_update")
    return {(None, "ddl")}


@attack("ddl")
def index_missing(it):
    """The index that keeps ids unique is dropped."""
    it.db.execute("DROP INDEX events_id")
    return {(None, "ddl")}


@attack("ddl")
def trigger_added(it):
    """A trigger is added that would change later scores."""
    it.after.append("CREATE TRIGGER events AFTER INSERT ON scores BEGIN UPDATE scores SET pass_rate = 1; END")
    return {(None, "ddl")}


@attack("ddl")
def view_instead_of_a_table(it):
    """A projection is replaced by a view of the same name."""
    it.db.execute("ALTER TABLE axes RENAME TO axes_true")
    it.db.execute("CREATE VIEW axes AS SELECT * FROM axes_true")
    return {(None, "ddl")}


@attack("database")
def index_out_of_step(it):
    """An event is renamed behind the back of an index, which still says the old name."""
    with without_index(it.db, "events_id"):
        it.set(70, meta=it.rows[70].meta.replace(it.rows[70].id, "f" + it.rows[70].id[1:]))
    return {(None, "database"), (70, "event_hash")}


@attack("database")
def index_page_damaged(it):
    """Bytes are written into a page of an index."""
    page = it.db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events_stream'").fetchone()[0]
    it.later.append(lambda: overwrite_page(it.path, page, b"\xff" * 64, offset=4))
    return {(None, "database")}


@attack("database")
def table_page_damaged(it):
    """Bytes are written into a page of the events themselves."""
    page = it.db.execute(
        "SELECT pageno FROM dbstat WHERE name = 'events' AND pagetype = 'leaf' LIMIT 1"
    ).fetchone()
    it.later.append(lambda: overwrite_page(it.path, page[0], b"\xff" * 64))
    return {(None, "database")}


@attack("payload")
def check_constraint_broken(it):
    """A value of the wrong length is stored where the table's own check forbids it."""
    it.db.execute("PRAGMA ignore_check_constraints = 1")
    seq = it.seq("price.declared")
    it.set(seq, payload_digest=it.rows[seq].payload_digest + b"\x00" * 8)
    return {(seq, "payload")}  # a read-only SQLite does not look at CHECK


@attack("payload", "database")
def value_of_another_storage_class(it):
    """Text is stored where bytes belong, behind the back of the table's definition."""
    with schema_open(it.db):
        it.db.execute("UPDATE sqlite_master SET sql = replace(sql, ') STRICT', ')') WHERE name = 'events'")
    it.db.execute("PRAGMA ignore_check_constraints = 1")
    it.set(90, salt="0123456789abcdef")
    with schema_open(it.db):
        it.db.execute("UPDATE sqlite_master SET sql = sql || ' STRICT' WHERE name = 'events'")
    return {(90, "payload"), (None, "database")}


@attack("event_hash", "schema")
def metadata_that_is_no_json(it):
    """Metadata is made unreadable behind the back of both indexes."""
    change = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = 'events'"
    with without_index(it.db, "events_id"), without_index(it.db, "events_stream"):
        with schema_open(it.db):
            it.db.execute(change, ("json_extract(meta", "instr(meta"))
        it.set(80, meta="{not json")
        with schema_open(it.db):
            it.db.execute(change, ("instr(meta", "json_extract(meta"))
    return {(80, "event_hash"), (80, "schema")}


@attack("schema")
def payload_nested_very_deep(it):
    """A payload of 100,000 nested brackets is written, and the whole chain is computed anew."""
    seq = it.seq("cell.finished")
    it.write(seq, '{"blob":' + "[" * 100_000 + "]" * 100_000 + "}")
    it.rechain(seq)
    return {(seq, "schema")}


@attack("schema")
def payload_of_the_wrong_shape(it):
    """Payloads are replaced by JSON of a wrong shape, with numbers out of range; the chain is computed anew."""
    seqs = {
        kind: it.seq(kind)
        for kind in ("cell.setup", "payload.redacted", "policy.declared", "record.received")
    }
    it.write(seqs["cell.setup"], "[1]")
    it.write(seqs["payload.redacted"], {"seq": ["x"], "blob": {"blob": 7, "size": {}}, "reason": 1e300})
    it.write(seqs["policy.declared"], "null")
    it.write(seqs["record.received"], '{"record":{"blob":"zz","size":99999999999999999999}}')
    it.rechain()
    return {(seq, "schema") for seq in seqs.values()}


@attack("schema")
def number_out_of_range(it):
    """A payload holds an integer that no double can hold, and the whole chain is computed anew."""
    seq = it.seq("cell.setup")
    it.write(seq, spelled(it.payload(seq) | {"overlays": {"n": 2**60}}))
    it.rechain(seq)
    return {(seq, "schema")}


@attack("projection")
def state_of_the_projections_changed(it):
    """The position of the projections is changed, so that the next writer would fold events twice."""
    it.db.execute("UPDATE projection_state SET seq = seq - 1")
    return {("any", "projection")}
