"""Edits of what came from another ledger, the chain here computed anew: the frames of the other say otherwise."""

import json

from tests.attacks.registry import attack
from tests.attacks.sample import OTHER_ID


def _stream(row):
    return json.loads(row.meta)["stream"]


def _came(it, event_type, number=0):
    """Return the seq of an event that the other ledger made itself."""
    found = [row.seq for row in it.rows if row.type == event_type and _stream(row).startswith(OTHER_ID)]
    return found[number]


@attack("event_hash")
def merged_payload_changed_and_chain_recomputed(it):
    """The price of a merged ledger is edited, all tables are made to fit, the whole chain is computed anew."""
    seq = _came(it, "price.declared")
    it.rewrite(seq, prompt=0.25)
    it.forge(seq)
    it.refold()
    return {(seq, "event_hash")}


@attack("event_hash")
def merged_payloads_swapped_and_chain_recomputed(it):
    """Two attempts of a merged ledger are given each other's exit, and the whole chain is computed anew."""
    one, two = (_came(it, "cell.exited", number) for number in (0, 1))
    columns = ("payload_digest", "payload_len", "salt", "payload")
    for seq, other in ((one, two), (two, one)):
        it.set(seq, **{name: getattr(it.rows[other], name) for name in columns})
    it.forge(one)
    it.refold()
    return {(one, "event_hash")}


@attack("stream")
def merged_attempts_renamed_and_chain_recomputed(it):
    """The results of two attempts of a merged ledger change places, and the whole chain is computed anew."""
    seqs = [_came(it, "grader.ran", number) for number in (0, 1)]
    streams = [_stream(it.rows[seq]) for seq in seqs]
    it.db.execute("DROP INDEX events_stream")
    for seq, stream in zip(seqs, reversed(streams), strict=True):
        it.rewrite_meta(seq, stream=stream)
    it.db.execute("CREATE UNIQUE INDEX events_stream ON events(stream, version)")
    it.forge(seqs[0])
    it.refold()
    return {(seq, "stream") for seq in seqs}


@attack("gap")
def merged_event_replaced_by_another(it):
    """An event of a merged ledger is replaced by an invented one, and the whole chain is computed anew."""
    seq = _came(it, "price.declared")
    it.rewrite_meta(seq, id="01900000-0000-7000-8000-000000000000")
    it.forge(seq)
    it.refold()
    return {("any", "gap")}


@attack("link")
def head_of_a_merged_ledger_changed(it):
    """The head that a merged ledger had is edited, and the whole chain is computed anew."""
    seq = it.seq("frames.kept")
    it.rewrite(seq, head=it.payload(seq)["head"] | {"hash": "0" * 64})
    it.forge(seq)
    return {(seq, "link")}


@attack("gap")
def merged_ledger_said_to_be_longer(it):
    """The head that a merged ledger had is moved on by one event, and the whole chain is computed anew."""
    seq = it.seq("frames.kept")
    head = it.payload(seq)["head"]
    it.rewrite(seq, head=head | {"seq": head["seq"] + 1})
    it.forge(seq)
    return {(seq, "gap")}


@attack("event_hash")
def merged_ledger_given_another_id(it):
    """The frames of a merged ledger are said to be another ledger's, and the whole chain is computed anew."""
    seq = it.seq("frames.kept")
    it.rewrite(seq, origin="a" * 32)
    it.forge(seq)
    return {("any", "event_hash")}
