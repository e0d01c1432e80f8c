"""Write schema/vectors/chains/*.json: chains as they are stored, and exactly what a verifier says of them.

Run it after adding a case: `python -m tests.schema.make_vectors`. Good chains are written by
the ledger itself with a counting clock and salts; the bad ones are edits of one of them. What
must be named stands here by hand; only roots and hashes are computed.
"""

import copy
import json
import sys
import tempfile
from pathlib import Path

from benchledger.ledger.store import ALGORITHMS, Ledger
from benchledger.schema.history import LedgerCreated
from benchledger.schema.ports import Draft
from tests.attacks.sample import LEDGER_ID, Steps, event_id, rows
from tests.schema.chain_cases import BAD, GOOD, REDACTIONS, WITH_HEAD, empty
from tests.schema.standalone_verify import COLUMNS, vector_row, verify

FOLDER = Path(__file__).resolve().parents[2] / "schema" / "vectors" / "chains"


def stored(payloads):
    """Append payloads to a new ledger and return its rows in the form of a vector."""
    steps = Steps()
    with tempfile.TemporaryDirectory() as folder, steps.everywhere():
        path = Path(folder) / "vector.db"
        with Ledger.create(path, LEDGER_ID, seed=False) as ledger:
            ledger.clock = steps.now_us
            first = LedgerCreated(ledger_id=LEDGER_ID, algorithms=ALGORITHMS)
            for number, payload in enumerate([first, *payloads]):
                ledger.emit(Draft("ledger", payload, id=event_id(f"vector {number}")))
        return [spelled(row) for row in rows(path)]


def spelled(row):
    return {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in zip(COLUMNS, row, strict=True)
    }


def vector(name, sentence, chain, defects=(), redacted=(), heads=()):
    """Return one vector; stops where the standalone verifier says anything else than what stands by hand."""
    given = [(head["seq"], head["hash"]) for head in heads]
    found = verify([vector_row(row) for row in chain], given)
    wanted = [{"seq": seq, "kind": kind} for seq, kind in sorted(defects)]
    if (found["defects"], found["redacted"]) != (wanted, list(redacted)):
        sys.exit(f"{name}: expected {wanted} and {redacted}, found {found}")
    expect = {"defects": wanted, "redacted": list(redacted), "root": found["root"], "head": found["head"]}
    made = {"name": name, "says": sentence, "ledger_id": LEDGER_ID, "heads": list(heads)}
    return made | {"rows": chain, "expect": expect}


def vectors():
    """Return every vector by name."""
    made = {}
    for name, (sentence, payloads) in GOOD.items():
        chain = stored(payloads)
        if name == "redacted":
            empty(chain[2])
        made[name] = vector(name, sentence, chain, redacted=[2] if name == "redacted" else [])
    base = made["eight-events"]
    for name, (sentence, edit, defects) in BAD.items():
        chain = copy.deepcopy(base["rows"])
        edit(chain)
        heads = [base["expect"]["head"]] if name in WITH_HEAD else []
        made[name] = vector(name, sentence, chain, defects, heads=heads)
    for name, (sentence, payloads, target, allowed) in REDACTIONS.items():
        chain = stored(payloads)
        empty(chain[target])
        found = ([], [target]) if allowed else ([(target, "payload")], [])
        made[name] = vector(name, sentence, chain, *found)
    return made


def written(made):
    """Return the text of one file: a row a line, so that a difference is a line."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=True) for row in made["rows"])
    first = json.dumps({key: made[key] for key in ("name", "says", "ledger_id", "heads")})[:-1]
    return f'{first},\n"rows": [\n{lines}\n],\n"expect": {json.dumps(made["expect"])}}}\n'


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, made in vectors().items():
        (FOLDER / f"{name}.json").write_text(written(made), encoding="utf-8")


if __name__ == "__main__":
    main()
