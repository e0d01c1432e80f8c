"""The chains of the vectors: what is in the good ones, how the bad ones are edited, what must be named."""

import copy
import json

from benchledger.schema.events import SpanRecorded
from benchledger.schema.history import KeyRotated, PayloadRedacted, PolicyDeclared, PriceDeclared
from benchledger.scorers.composite import CAB_01
from tests.attacks.sample import LEDGER_ID
from tests.schema.standalone_verify import derive, frame, vector_row

STRANGER = "ffffffff-ffff-8fff-bfff-ffffffffffff"


def price(number, note="a letter"):
    return PriceDeclared(model=f"example/model-{number}", prompt=1.5, completion=6.0, source=note)


def span(attributes, name="edit"):
    return SpanRecorded(span="ab" * 16, kind="tool_call", name=name, started_at=0, attributes=attributes)


PRICES = [price(number) for number in range(1, 8)]
UNICODE = [
    "naïve",
    "☃",
    "日本語",
    "👩‍🔬",
    "e\u0301",
    "\u2028\u007f",
    'quote " backslash \\ slash /',
    "\u0000\u001f\b\t\n\f\r",
]
FLOATS = [0.1, 1e16, 1e-7, -0.0, 5.0, 2.5e-324, 1.7976931348623157e308, 123456789012345.67, 1 / 3, 1e22, 1e21]
GOOD = {
    "one-event": ("The first event alone.", []),
    "eight-events": ("Eight events of one stream.", PRICES),
    "unicode": ("Text from all planes, with every kind of escape.", [price(1, text) for text in UNICODE]),
    "numbers": (
        "Floats in their shortest form, and the largest integers.",
        [span({"floats": FLOATS, "integers": [0, -1, 2**53 - 1, -(2**53 - 1)]})],
    ),
    "two-tiles": ("260 events: one tile of 256 is full, the next is open.", [KeyRotated(new="k")] * 259),
    "redacted": (
        "A payload was removed, and a later event in the stream `ledger` says so.",
        [*PRICES[:3], PayloadRedacted(seq=2, reason="named a person"), price(8)],
    ),
}


def rehash(chain, start=0, stop=None, ledger_id=LEDGER_ID):
    """Compute digests, lengths and hashes of some rows anew, each over the hash that stands before it."""
    for row in chain[start:stop]:
        data, at = row["payload"].encode(), chain.index(row)
        row["payload_len"] = len(data)
        row["payload_digest"] = derive("payload", bytes.fromhex(row["salt"]) + data).hex()
        prev = bytes.fromhex(chain[at - 1]["hash"]) if at else derive("genesis", bytes.fromhex(ledger_id))
        row["hash"] = derive("event", frame(vector_row(row), prev)).hex()


def edited(row, **fields):
    row["meta"] = json.dumps(json.loads(row["meta"]) | fields, sort_keys=True, separators=(",", ":"))


def empty(row):
    row["payload"] = row["salt"] = None


def renumber(chain):
    for seq, row in enumerate(chain):
        row["seq"] = seq


def inserted(chain):
    made = copy.deepcopy(chain[3])
    edited(made, id=STRANGER, version=99)
    chain.insert(3, made)
    renumber(chain)
    rehash(chain, 3, 4)


def swapped(chain):
    chain[3], chain[4] = chain[4], chain[3]
    renumber(chain)


def closed_up(chain):
    del chain[3]
    renumber(chain)


def rewritten(chain, start, stop=None):
    chain[start]["payload"] = chain[start]["payload"].replace("1.5", "0.5")
    rehash(chain, start, stop)


def before_the_first(chain):
    made = copy.deepcopy(chain[3])
    edited(made, id=STRANGER, version=99)
    chain.insert(0, made | {"seq": -1})


WRONG = [(3, "event_hash"), (3, "link")]
# name -> (sentence, edit, what must be named)
BAD = {
    "payload-changed": (
        "A payload was edited.",
        lambda c: c[3].update(payload=c[3]["payload"].replace("1.5", "0.5")),
        [(3, "payload")],
    ),
    "payload-length-changed": (
        "A stored length was changed.",
        lambda c: c[3].update(payload_len=1),
        [*WRONG, (3, "payload")],
    ),
    "payload-digest-changed": (
        "A stored digest was changed.",
        lambda c: c[3].update(payload_digest="00" * 32),
        [*WRONG, (3, "payload")],
    ),
    "salt-changed": ("A salt was replaced.", lambda c: c[3].update(salt="ff" * 16), [(3, "payload")]),
    "salt-missing": ("A salt was removed.", lambda c: c[3].update(salt=None), [(3, "payload")]),
    "payload-missing": (
        "A payload was removed and its salt stayed.",
        lambda c: c[3].update(payload=None),
        [(3, "payload")],
    ),
    "payload-nulled": (
        "A payload was removed with its salt, and no event says so.",
        lambda c: empty(c[3]),
        [(3, "payload")],
    ),
    "metadata-changed": ("The writer's name was edited.", lambda c: edited(c[3], actor="nobody"), WRONG),
    "hash-changed": (
        "A stored hash was overwritten; the row behind it still fits the true one.",
        lambda c: c[3].update(hash="00" * 32),
        WRONG,
    ),
    "hash-of-last-changed": (
        "The stored hash of the last event was overwritten.",
        lambda c: c[7].update(hash="00" * 32),
        [(7, "event_hash"), (7, "link")],
    ),
    "two-hashes-changed": (
        "Two stored hashes in a row were overwritten.",
        lambda c: (c[3].update(hash="00" * 32), c[4].update(hash="11" * 32)),
        [*WRONG, (4, "link"), (5, "link")],
    ),
    "row-deleted": ("A row in the middle was deleted.", lambda c: c.pop(3), [(3, "gap")]),
    "first-row-deleted": ("The first row was deleted.", lambda c: c.pop(0), [(0, "gap")]),
    "rows-deleted": (
        "Three rows in the middle were deleted.",
        lambda c: c.__delitem__(slice(2, 5)),
        [(2, "gap")],
    ),
    "row-deleted-and-closed-up": (
        "A row was deleted and the later ones were numbered anew.",
        closed_up,
        [*WRONG, (4, "link"), (5, "link"), (6, "link")],
    ),
    "rows-swapped": ("Two rows changed places.", swapped, [*WRONG, (4, "link"), (5, "link")]),
    "row-inserted": (
        "A row was inserted with a hash that fits the row before it.",
        inserted,
        [(4, "event_hash"), *((seq, "link") for seq in range(4, 9))],
    ),
    "row-rehashed": (
        "A row was edited and its own hash computed anew.",
        lambda c: rewritten(c, 3, 4),
        [(4, "event_hash"), (4, "link")],
    ),
    "row-before-the-first": ("A row stands at place -1.", before_the_first, [(-1, "gap")]),
    "wrong-ledger-id": (
        "The chain was begun for another ledger.",
        lambda c: rehash(c, 0, None, "f" * 32),
        [(0, "event_hash")],
    ),
    "unreadable-ledger-id": (
        "The first payload names no ledger id.",
        lambda c: c[0].update(payload='{"ledger_id":"?"}'),
        [(0, "event_hash"), (0, "payload")],
    ),
    "empty": ("There is no event.", lambda c: c.clear(), [(0, "truncated")]),
    "last-row-deleted": (
        "The last row was deleted; a head kept elsewhere shows it.",
        lambda c: c.pop(),
        [(7, "truncated")],
    ),
    "chain-recomputed": (
        "A row was edited and all hashes computed anew; a head kept elsewhere shows it.",
        lambda c: rewritten(c, 3),
        [(7, "fork")],
    ),
}
WITH_HEAD = {"last-row-deleted", "chain-recomputed"}

# name -> (sentence, payloads, which is emptied, whether that is a redaction)
REDACTIONS = {
    "redacted-twice-named": (
        "Two events name one removed payload.",
        [price(1), *[PayloadRedacted(seq=1, reason="again")] * 2],
        1,
        True,
    ),
    "redaction-of-a-policy": (
        "A policy was removed; a policy cannot be redacted.",
        [PolicyDeclared(policy_id=CAB_01.policy_id, policy=CAB_01), PayloadRedacted(seq=1, reason="no")],
        1,
        False,
    ),
    "redaction-of-a-redaction": (
        "The event that names a redaction was removed itself.",
        [price(1), PayloadRedacted(seq=1, reason="no"), PayloadRedacted(seq=2, reason="no")],
        2,
        False,
    ),
    "redaction-in-advance": (
        "The redaction stands before the payload that it names.",
        [PayloadRedacted(seq=2, reason="no"), price(1)],
        2,
        False,
    ),
    "redaction-of-another": (
        "The redaction names another event.",
        [price(1), price(2), PayloadRedacted(seq=1, reason="no")],
        2,
        False,
    ),
}
