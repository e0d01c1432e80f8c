"""A ledger with attempts that left evidence of every kind: a real run, imported ones, long and hostile texts."""

from __future__ import annotations

import json
from pathlib import Path

from benchledger.ledger.append import declare
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.paths import cell_path
from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellSetup,
    GraderRan,
    ModelCalled,
    WorkdirCaptured,
)
from benchledger.schema.ports import Draft, blob_ref
from benchledger.schema.task import Changes, Expectations, TaskIdentity
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.evidence import no_blob
from tests.cells.parts import prepared, run_into, steps
from tests.ledgers import CELLS, RUN_RECORDS, append_file

FIX = "sed -i 's/^class Cache:/class Cache:  # mended/' cache.py; printf 'note\\n' > notes.txt"
SPOIL = "printf '\\0\\1\\2' > blob.bin; rm -f AGENTS.md; chmod +x cache.py; echo '# x' >> tests/test_cache.py"
LONG = b"".join(b"\x1b[3%dmline %d of the output\x1b[0m\n" % (n % 8, n) for n in range(9000))
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\x00\x1b[31mred\x1b]8;;http://e.vil.example\x07link\x07"
    "\u202egnp.exe\u2066\r10%\r20%\n" + "\x1b[1;31mx" * 30_000 + "\n" + "w" * 100_000 + "\n</pre></template>"
)
BAD_NAME = "<b>a\u202e\x00\n\"'.py"
HOSTILE_PATCH = (
    'diff --git "a/<b>a.py" "b/<b>a.py"\n--- "a/<b>a.py"\n+++ "b/<b>a.py"\n@@ -1,2 +1,2 @@ </td><script>alert(2)'
    "\n+<script>alert(3)</script>\u202e\x00\r\n same\x1b[31m\n-" + "v" * 100_000 + "\nno line\n"
)


WIDE = b"diff --git a/new.py b/new.py\nnew file mode 100644\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,700 @@\n"
WIDE += b"".join(b"+line %d of the file\n" % number for number in range(700))


def ran_for_real(ledger: Ledger, folder: Path) -> str:
    """Run a scripted agent that changes, adds, deletes; return the ref of its attempt."""
    parts = prepared(folder)
    return run_into(ledger, parts, steps(parts, "ls; cat cache.py", FIX, SPOIL)).ref


def made_up(ledger: Ledger, name: str, stdout: bytes, patch: bytes, calls: int = 0) -> str:
    """Append a finished attempt of another harness with these texts; return its cell."""
    cell = f"s-20260131/{name}/test/model-1/polyglot/two-sum#run1"
    blobs = {}

    def kept(data: bytes):
        ref = blob_ref(data)
        blobs[ref.blob] = data
        return ref

    expect = Expectations(expected=("cache.py",), protected=("keep/**",))
    changes = Changes(added=(BAD_NAME,), modified=("cache.py", "keep/a"), removed=("old.py",))
    body = json.dumps({"choices": [{"message": {"content": stdout[:4000].decode()}}]}).encode()
    setup = CellSetup(
        cell_id=cell,
        agent=AgentIdentity(name=name),
        model="test/model-1",
        task=TaskIdentity(expectations=expect),
        mode="live",
        started_at=1_700_000_000_000_000,
    )
    evidence = [
        setup,
        *(
            ModelCalled(
                number=number,
                model_asked="<i>m",
                error=f"status: <b>{number}",
                request=kept(json.dumps({"messages": [stdout[:200].decode()]}).encode()),
                response=kept(body),
                started_at=1_700_000_000_000_000 + number * 1000,
            )
            for number in range(1, calls + 1)
        ),
        CellExited(exit_code=3, stdout=kept(stdout), stderr=kept(b"")),
        WorkdirCaptured(changes=changes, **changes.told_apart(expect), patch=kept(patch)),
        GraderRan(
            command=("sh", "-c", "echo '<script>'"),
            exit_code=1,
            checks_before={"<b>one": False, "two": True, "three": True},
            checks_after={"<b>one": True, "two": False, "three": True},
            checks_digest_before="1" * 64,
            checks_digest_after="2" * 64,
            stdout=kept(stdout),
        ),
    ]
    closing, _, _ = finish(evidence, no_blob, GATED_1, None)
    ledger.emit_all([Draft(f"cell/{cell}@1", payload, blobs=blobs) for payload in [*evidence, *closing]])
    return cell


def sample_ledger(folder: Path) -> tuple[Path, dict[str, str]]:
    """Make the ledger; return its path, and the path of each attempt's page by a short name."""
    path = folder / "runs.db"
    with Ledger.create(path) as ledger:
        declare(ledger, GATED_1)
        real = ran_for_real(ledger, folder)
        nop = run_into(ledger, prepared(folder, agent="nop"), None).ref
        append_file(ledger, CELLS)
        append_file(ledger, RUN_RECORDS / "protected-file-edited.json")
        places = {
            "real": cell_path(real.rpartition("@")[0]),
            "nop": cell_path(nop.rpartition("@")[0]),
            "hostile": cell_path(made_up(ledger, "hostile", HOSTILE.encode(), HOSTILE_PATCH.encode(), 3)),
            "long": cell_path(made_up(ledger, "long", LONG, b"no patch at all\n", 120)),
            "wide": cell_path(made_up(ledger, "wide", b"", WIDE)),
        }
        query = "SELECT cell FROM attempts WHERE {} ORDER BY cell LIMIT 1"
        for name, where in (
            ("published", "mode = 'published'"),
            ("record", "harness IS NOT NULL AND mode = 'live'"),
        ):
            places[name] = cell_path(ledger.connection.execute(query.format(where)).fetchone()[0])
    return path, places
