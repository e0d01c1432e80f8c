"""A ledger whose every text wants out: of its element, its attribute, its script block, its terminal, its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.append import declare
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.schema.base import BlobRef, Payload
from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellLaunched,
    CellRechecked,
    CellSetup,
    GraderRan,
    ModelCalled,
    RecordReceived,
    SpanRecorded,
    WorkdirCaptured,
)
from benchledger.schema.history import PriceDeclared, SourceImported, SweepPlanned
from benchledger.schema.ports import Draft, blob_ref
from benchledger.schema.task import Changes, Expectations, TaskIdentity
from benchledger.scorers.composite import GATED_1

__all__ = ["BIDI", "CELL", "CONTROL", "MODEL", "POKE", "hostile_ledger"]

HOST = "evil.invalid"
# Whatever of this becomes an element has the attribute data-pwned, and whatever runs sets window.pwned.
MARKUP = (
    "</script></style></title></textarea></pre><!-- ]]> <script data-pwned>window.pwned=1</script>"
    "<img data-pwned src=x onerror=window.pwned=1><svg data-pwned onload=window.pwned=1></svg>"
    f"<a data-pwned href='javascript:window.pwned=1'>go</a> javascript:window.pwned=1 https://{HOST}/a?b=1&c"
    f"<base data-pwned href=https://{HOST}/><iframe data-pwned src=//{HOST}></iframe>"
    "\" onmouseover=window.pwned=1 data-pwned ' data-pwned=' {{ 7 * 7 }} ${window.pwned=1} `x` [x](javascript:1)"
)
_TERMINAL = "\x1b[31m\x1b[2J\x1b]0;title\x07\x1b]8;;javascript:window.pwned=1\x07link\x1b]8;;\x07"
CONTROL = f"\x00\x07\x08{_TERMINAL}\x7f\x85\x9b5m"
BIDI = "\u202egnp.exe\u2066\u200f\u200b\u2028\ufeff"
POKE = f"{MARKUP} {CONTROL} {BIDI}"
LONG = "x" * 100_000
# One line that asks a terminal for more than there is: a character a thousand million times, a screen far away.
BOMB = "a\x1b[999999999b\x1b[999999999;999999999H\x1b[999999999@\x1b[?1049h\x1b[31m" * 200
MODEL = (
    "evil/<script>window.pwned=1</script>/\"'><img/src=x/onerror=window.pwned=1/data-pwned>/\u202egnp/{{7*7}}"
)
SWEEP, AGENT, TASK = "_s--vs--t", ".agent--vs--b", "-cat/_task.html"
CELL = f"{SWEEP}/{AGENT}/{MODEL}/{TASK}#run1"
PATHS = (f"src/{POKE}", "../../etc/passwd", "a\nb\tc", LONG, "-rf", "C:\\x")
START = 1_790_000_000_000_000


def _cast(*events: list[object], width: int = 80, height: int = 24, title: str = POKE) -> bytes:
    header = {"version": 2, "width": width, "height": height, "title": title, "env": {"SHELL": POKE}}
    return "\n".join(map(json.dumps, [header, *events])).encode() + b"\n"


URLS = (None, f"javascript:window.pwned=1//{POKE}", f"https://{HOST}/{POKE}")
RECORDINGS = (
    _cast(
        [0.1, "o", POKE], [0.2, "o", BOMB], [0.3, "o", LONG + "\r\n"], [0.4, "m", MARKUP], [0.5, "r", "9x9"]
    ),
    _cast([0.1, "o", "wide"], width=1_000_000_000, height=1_000_000_000),
    b'{"version": 2, "width": "wide"}\n[nonsense\n\xff\xfe\x00' + MARKUP.encode(),
)
PATCH = f"""diff --git a/src/{MARKUP} b/src/{MARKUP}
--- a/src/{MARKUP}
+++ b/src/{MARKUP}\t{CONTROL[1:]}
@@ -1,2 +1,3 @@ {MARKUP}
 {POKE}
-{LONG}
+{POKE}{LONG}
+{BOMB}
@@ -999999999,999999999 +1 @@
diff --git a/b.bin b/b.bin
GIT binary patch
literal 999999999
{MARKUP}
"""


class _Blobs(dict[str, bytes]):
    """Blobs by digest, as a draft takes them."""

    def put(self, data: str | bytes) -> BlobRef:
        plain = data.encode(errors="surrogatepass") if isinstance(data, str) else data
        ref = blob_ref(plain)
        self[ref.blob] = plain
        return ref


def hostile_ledger(path: Path) -> Path:
    """Write the ledger: three runs of one cell, judgements, a plan, a source and a price; all valid."""
    with Ledger.create(path) as ledger:
        declare(ledger, GATED_1)
        plan = SweepPlanned(
            sweep=SWEEP, agents=(AGENT, POKE), models=(MODEL,), tasks=(TASK, POKE), order=POKE, engine=POKE
        )
        ledger.emit(Draft(f"sweep/{SWEEP}", plan, actor=POKE[:200]))
        ledger.emit(
            Draft(f"sweep/{SWEEP}", PriceDeclared(model=MODEL, prompt=1.0, completion=2.0, source=POKE))
        )
        ledger.emit(
            Draft("ledger", SourceImported(format=POKE, digest="0" * 64, size=1, records=0, name=POKE))
        )
        for run in (1, 2, 3):
            _append(ledger, run)
        adjudicate(
            ledger, Judgement("dispute", POKE, POKE, cell=CELL, link=f"javascript:window.pwned=1//{POKE}")
        )
        last = CELL.replace("#run1", "#run3")
        adjudicate(ledger, Judgement("withdraw", POKE, POKE, cell=last, link=f"https://{HOST}/{POKE}"))
    return path


def _append(ledger: Ledger, run: int) -> None:
    cell, blobs = CELL.replace("#run1", f"#run{run}"), _Blobs()
    evidence = [*_source(URLS[run - 1], blobs), *_evidence(cell, RECORDINGS[run - 1], blobs)]
    closing, _, _ = finish(evidence, blobs.get, GATED_1, notes=[POKE])
    drafts = [Draft(f"cell/{cell}@1", payload, blobs=blobs) for payload in (*evidence, *closing)]
    again = {"repeats": [{"grader": {"exit_code": 1, "command": [POKE]}, "stdout": POKE, "stderr": POKE}]}
    rechecked = CellRechecked(times=1, passed=0, agrees=True, grader=blobs.put(json.dumps(again)))
    ledger.emit_all([*drafts, Draft(f"cell/{cell}@1", rechecked, blobs=blobs)])


def _source(url: str | None, blobs: _Blobs) -> Iterator[Payload]:
    if url is not None:
        record = blobs.put(json.dumps({POKE: POKE}))
        yield RecordReceived(format=POKE, record=record, url=url, displayed={POKE: POKE}, banner=POKE)


def _evidence(cell: str, recording: bytes, blobs: _Blobs) -> Iterator[Payload]:
    expect = Expectations(
        expected=(POKE, "src/**"), allowed=(MARKUP,), protected=("-rf",), refusal_documents=(POKE,)
    )
    yield CellSetup(
        cell_id=cell,
        agent=AgentIdentity(name=AGENT, version=POKE, image=POKE, image_digest=POKE, image_id=POKE),
        model=MODEL,
        model_build_id=POKE,
        task=TaskIdentity(language=POKE, expectations=expect, digest="1" * 64),
        mode="live",
        endpoint_origin=f"javascript:window.pwned=1//{POKE}",
        protocol=POKE,
        request_parameters={POKE: [POKE, {POKE: LONG}]},
        plugin_stack=(POKE,),
        behavior_mode=POKE,
        overlays={POKE: POKE},
        sandbox=POKE,
        host={POKE: {POKE: POKE}},
        harness=POKE,
        observed=("model_calls", "workdir", "streams", "checks"),
        started_at=START,
    )
    yield CellLaunched(argv=(POKE, LONG[:4000]), env_names=(POKE,), network=POKE, launched_at=START + 1)
    yield from _spans()
    message = blobs.put(json.dumps({"role": "user", "content": POKE + LONG}))
    for number, (request, response) in enumerate(
        [(POKE, POKE), (json.dumps({POKE: POKE}), f"data: {POKE}\n\n")], 1
    ):
        yield ModelCalled(
            number=number, protocol=POKE, model_asked=POKE, model_answered=POKE, system_fingerprint=POKE,
            prompt_tokens=2**52 - 1, completion_tokens=0, latency_ms=1e15, status=599, finish_reason=POKE, error=POKE,
            request=blobs.put(request), response=blobs.put(response), parts=(message,), started_at=START + number,
        )  # fmt: skip
    noise = POKE + "\n" + LONG + "\n" + BOMB + "\n"
    yield CellExited(
        exit_code=-(2**53) + 1, signal=9, wall_ms=12.5, active_ms=1.0, ended_at=START + 12_500,
        stdout=blobs.put(noise), stderr=blobs.put(noise.encode() + b"\xff\xfe\xed\xa0\x80"),
        recording=blobs.put(recording),
    )  # fmt: skip
    changes = Changes(added=PATHS[:1], removed=PATHS[1:3], modified=PATHS[3:], emptied=PATHS[5:])
    manifest = json.dumps(dict.fromkeys(PATHS, POKE))
    yield WorkdirCaptured(
        changes=changes, **changes.told_apart(expect), new_commits=1, git_changes=True,
        patch=blobs.put(PATCH), manifest=blobs.put(manifest),
    )  # fmt: skip
    yield GraderRan(
        command=(POKE,), exit_code=1, checks_before={POKE: False, LONG: True}, checks_after={POKE: True, LONG: False},
        stdout=blobs.put(noise), stderr=blobs.put(POKE), duration_ms=0.0,
    )  # fmt: skip


def _spans() -> Iterator[Payload]:
    """Spans that lie within themselves, end before they begin, are sixty deep, or never end."""
    for number in range(60):
        yield SpanRecorded(
            span=f"{number:032x}",
            parent=f"{max(number - 1, 0):032x}",
            kind=POKE if number % 2 else "tool_call",
            name=POKE,
            started_at=START + number * 1000,
            ended_at=None if number % 7 == 6 else START + 10_000 - number * 500,
            attributes={POKE: POKE, "long": LONG[:4000], "deep": [[[[POKE]]]]} if number % 20 == 0 else {},
            error=POKE if number % 3 == 0 else None,
        )
