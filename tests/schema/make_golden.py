"""Write tests/data/golden/format-1.db and what it must always give: `python -m tests.schema.make_golden`.

Once a format is released its golden ledger is never written again: later releases must read
the file that this one wrote. So the script refuses to replace a file that is there.
"""

import json
import sqlite3
import sys

from benchledger.ledger.verify import VerifyOptions, verify
from tests.attacks.sample import CELLS, DATA, RUNS, build

FOLDER = DATA / "golden"
LEDGER, FACTS = FOLDER / "format-1.db", FOLDER / "format-1.json"
PUBLISHED = 4


def main():
    if LEDGER.exists():
        sys.exit(f"{LEDGER.name} is there: a golden ledger is written once")
    FOLDER.mkdir(exist_ok=True)
    few = FOLDER / "few.jsonl"
    few.write_text(
        "".join(CELLS.read_text(encoding="utf-8").splitlines(keepends=True)[:PUBLISHED]), encoding="utf-8"
    )
    build(LEDGER, few, *sorted(RUNS.glob("*.json")))
    few.unlink()
    LEDGER.with_name(f"{LEDGER.name}-lock").unlink()
    report = verify(LEDGER, VerifyOptions(use_last_seen=False))
    connection = sqlite3.connect(LEDGER)
    query = "SELECT payload FROM events WHERE type = 'history.rescored'"
    rescore = json.loads(connection.execute(query).fetchone()[0])
    connection.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
    connection.close()
    facts = {
        "events": report.events,
        "head": report.head.to_json(),
        "root": report.root,
        "redacted": report.redacted,
        "unknown": report.unknown,
        "rescore": {name: rescore[name] for name in ("cells", "policy_id", "table_digest")},
    }
    FACTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
