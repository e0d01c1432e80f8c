"""Edits after which the chain is clean in itself: scores, policies, metadata, ids."""

from benchledger.ledger.score import composite_event, finish
from benchledger.ledger.store import Ledger
from benchledger.schema.events import AgentIdentity, AxisScored, CellSetup, GraderRan
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1, evaluate, inputs_of
from benchledger.scorers.evidence import no_blob
from tests.attacks.registry import attack


def _scored(it, axis="pass_rate"):
    return next(
        row.seq
        for row in it.rows
        if row.type == "axis.scored"
        and it.payload(row.seq)["axis"] == axis
        and it.payload(row.seq)["value"] == 0
    )


@attack("payload", "axis")
def axis_changed_with_its_projection(it):
    """A failed run is made a pass in its score and in the table of scores."""
    seq = _scored(it)
    it.rewrite(seq, value=1.0)
    it.refold()
    it.set(seq, payload_digest=it.rows[seq].payload_digest)
    return {(seq, "payload"), (seq, "axis")}


@attack("axis")
def axis_changed_and_chain_recomputed(it):
    """A failed run is made a pass in its score, in all tables, and the whole chain is computed anew."""
    seq = _scored(it)
    it.rewrite(seq, value=1.0)
    it.rechain(seq)
    it.refold()
    return {(seq, "axis")}


@attack("axis")
def axis_made_missing(it):
    """A bad score is made unrecorded, and the whole chain is computed anew."""
    seq = _scored(it, "blast_radius")
    payload = it.payload(seq) | {"state": "missing", "reason": "not_recorded"}
    del payload["value"]
    it.write(seq, payload)
    it.rechain(seq)
    it.refold()
    return {(seq, "axis")}


@attack("axis")
def evidence_changed_and_chain_recomputed(it):
    """The evidence of a run is edited, its scores stay, and the whole chain is computed anew."""
    seq = it.seq("grader.ran", -1)
    it.rewrite(seq, exit_code=0 if it.payload(seq)["exit_code"] else 1)
    it.rechain(seq)
    it.refold()
    return {("any", "axis")}


@attack("score")
def composite_changed_and_chain_recomputed(it):
    """A composite is raised in its event and in all tables, and the whole chain is computed anew."""
    seq = it.seq("composite.scored", 4)
    it.rewrite(seq, value=0.999)
    it.rechain(seq)
    it.refold()
    return {(seq, "score")}


@attack("payload", "score")
def composite_changed_with_its_projection(it):
    """A composite is raised in its event and in the table of composites."""
    seq = it.seq("composite.scored", 4)
    it.rewrite(seq, value=0.999)
    it.refold()
    it.set(seq, payload_digest=it.rows[seq].payload_digest, payload_len=it.rows[seq].payload_len)
    return {(seq, "payload"), (seq, "score")}


@attack("score")
def outcome_changed_and_chain_recomputed(it):
    """A failure is declared a fault of the infrastructure, and the whole chain is computed anew."""
    seq = it.seq("cell.finished", 1)
    it.rewrite(seq, outcome="infra_error", outcome_kind="disk")
    it.rechain(seq)
    it.refold()
    return {(seq - 1, "score")}


@attack("score")
def outcome_and_composite_changed_and_chain_recomputed(it):
    """A failure is declared a fault of the upstream, its composite is removed to fit, the chain is computed anew."""
    seq = _scored(it)
    seq = next(other for other in range(seq, len(it.rows)) if it.rows[other].type == "cell.finished")
    it.rewrite(seq, outcome="infra_error", outcome_kind="rate_limit")
    excluded = composite_event(GATED_1, evaluate(GATED_1, inputs_of("infra_error", {})))
    it.write(seq - 1, excluded.to_json())
    it.rechain(seq - 1)
    it.refold()
    return {(seq, "score")}


@attack("axis")
def axis_left_out(it):
    """An author appends an attempt, leaves one of its axes out, and lets the composite say so."""
    cell = "sweep-9/agent-9/lab/m/category/task#run1"
    setup = CellSetup(cell_id=cell, agent=AgentIdentity(name="agent-9"), model="lab/m", mode="live")
    evidence = [setup, GraderRan(exit_code=0)]
    closing, _, axes = finish(evidence, no_blob, GATED_1)
    del axes["blast_radius"]
    kept = [event for event in closing if not isinstance(event, AxisScored) or event.axis in axes]
    kept[-2] = composite_event(GATED_1, evaluate(GATED_1, inputs_of("finished", axes)))
    drafts = [Draft(f"cell/{cell}@1", payload) for payload in (*evidence, *kept)]

    def append():
        with Ledger.open(it.path, write=True) as ledger:
            ledger.emit_all(drafts)

    it.later.append(append)
    return {(len(it.rows) + len(drafts) - 1, "axis")}


@attack("score")
def policy_changed_under_its_id(it):
    """The weights of a declared policy are edited under its old id, and the whole chain is computed anew."""
    seq = it.seq("policy.declared")
    policy = it.payload(seq)["policy"]
    it.rewrite(seq, policy=policy | {"weights": {"cost": 1.0}})
    it.rechain(seq)
    it.refold()
    return {(seq, "score")}


@attack("score")
def rescore_changed(it):
    """The digest of a rescored table is edited, and the whole chain is computed anew."""
    seq = it.seq("history.rescored")
    it.rewrite(seq, table_digest="0" * 64)
    it.rechain(seq)
    it.refold()
    return {(seq, "score")}


@attack("schema")
def payload_with_an_unknown_field(it):
    """A payload is given a field that its type does not have, and the whole chain is computed anew."""
    seq = it.seq("cell.finished")
    it.rewrite(seq, bonus=1)
    it.rechain(seq)
    return {(seq, "schema")}


@attack("schema")
def payload_with_a_key_twice(it):
    """A payload holds a key twice, so that two readers see two values; the whole chain is computed anew."""
    seq = it.seq("composite.scored")
    it.write(seq, it.rows[seq].payload[:-1] + ',"value":0.0}')
    it.rechain(seq)
    it.refold()
    return {(seq, "schema")}


@attack("schema")
def metadata_in_another_order(it):
    """The keys of some metadata stand in another order, and the whole chain is computed anew."""
    meta = it.rows[50].meta
    it.set(
        50,
        meta='{"version"'
        + meta.partition(',"version"')[2][:-1]
        + ","
        + meta.partition(',"version"')[0][1:]
        + "}",
    )
    it.rechain(50)
    return {(50, "schema")}


@attack("schema")
def metadata_with_another_spelling(it):
    """A letter in some metadata is written as an escape, and the whole chain is computed anew."""
    it.set(50, meta=it.rows[50].meta.replace('"actor":"c', '"actor":"\\u0063'))
    it.rechain(50)
    return {(50, "schema")}


@attack("schema")
def first_event_of_another_type(it):
    """The first event is made another type, and the whole chain is computed anew."""
    it.set(0, meta=it.rows[0].meta.replace("ledger.created", "ledger.creater"))
    it.rechain()
    it.refold()
    return {(0, "schema")}


@attack("id", "ddl")
def id_used_twice(it):
    """Two events are given one id, for which the unique index has to go; the whole chain is computed anew."""
    it.db.execute("DROP INDEX events_id")
    it.set(60, meta=it.rows[60].meta.replace(it.rows[60].id, it.rows[59].id))
    it.forge(60)
    it.refold()
    return {(None, "id"), (None, "ddl")}


@attack("stream")
def version_skipped(it):
    """The last event of a stream is given a later version, and the whole chain is computed anew."""
    seq = it.seq("cell.finished")
    it.set(seq, meta=it.rows[seq].meta.replace('"version":', '"version":9'))
    it.rechain(seq)
    it.refold()
    return {(None, "stream")}
