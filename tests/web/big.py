"""A cell as large as they come, beside a small one: spans and calls without end, 100 MB of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchledger.ledger.append import declare
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.schema.base import BlobRef, Payload
from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellLaunched,
    CellSetup,
    GraderRan,
    ModelCalled,
    SpanRecorded,
    WorkdirCaptured,
)
from benchledger.schema.ports import Draft, blob_ref
from benchledger.schema.task import Changes, Expectations, TaskIdentity
from benchledger.scorers.composite import GATED_1

__all__ = ["EVERYDAY", "HUGE", "SMALL", "Size", "append_sized", "cell_of", "sized_ledger"]


class Size(NamedTuple):
    """How many events the cell's stream has, and how many bytes of evidence it refers to."""

    name: str
    events: int
    evidence: int


SMALL = Size("small", 60, 20_000)
EVERYDAY = Size("everyday", 20_000, 10_000_000)
HUGE = Size("huge", 340_000, 100_000_000)
START = 1_790_000_000_000_000
_CLOSING = 9  # seven axes, composite, end
_THINGS = ("a file", "it", "all of them", "again", "two")
_WORDS = [f"{verb} {thing}" for verb in ("reads", "writes", "tests", "moves") for thing in _THINGS]


def cell_of(size: Size) -> str:
    """Return the cell of that size."""
    return f"sized-20261101/agent-1/lab/model-1/mutations/{size.name}#run1"


def sized_ledger(path: Path, *sizes: Size) -> Path:
    """Write a ledger with one cell of each size."""
    with Ledger.create(path) as ledger:
        declare(ledger, GATED_1)
        for size in sizes:
            append_sized(ledger, size)
    return path


def append_sized(ledger: Ledger, size: Size) -> None:
    """Append a cell of that size."""
    cell, blobs = cell_of(size), dict[str, bytes]()
    evidence = list(_evidence(cell, size, blobs))
    closing, _, _ = finish(evidence, blobs.get, GATED_1)
    missing = size.events - len(evidence) - len(closing)
    assert missing >= 0
    stream, held = f"cell/{cell}@1", iter([*evidence, *_spans(missing), *closing])
    while batch := list(islice(held, 1000)):
        ledger.emit_all([Draft(stream, payload, blobs=_of(payload, blobs)) for payload in batch])


def _of(payload: Payload, blobs: Mapping[str, bytes]) -> dict[str, bytes]:
    refs = [value for value in payload.__dict__.values() if isinstance(value, BlobRef)]
    return {ref.blob: blobs[ref.blob] for ref in refs}


def _evidence(cell: str, size: Size, blobs: dict[str, bytes]) -> Iterator[Payload]:
    """Half of the events are model calls; stdout has a third of the bytes, patch, recording and grader the rest."""

    def put(data: bytes) -> BlobRef:
        ref = blob_ref(data)
        blobs[ref.blob] = data
        return ref

    expect = Expectations(expected=("src/**",))
    yield CellSetup(
        cell_id=cell, agent=AgentIdentity(name="agent-1", version="1.0"), model="lab/model-1", mode="live",
        task=TaskIdentity(expectations=expect, digest="1" * 64), started_at=START,
        observed=("model_calls", "workdir", "streams", "checks"),
    )  # fmt: skip
    yield CellLaunched(argv=("agent-1", "--go"), launched_at=START)
    for number in range(1, (size.events - _CLOSING) // 2):
        yield ModelCalled(
            number=number, protocol="openai-chat", model_asked="lab/model-1", model_answered="lab/model-1",
            status=200, prompt_tokens=100, completion_tokens=10, latency_ms=5.0, started_at=START + number * 10_000,
            request=put(b'{"messages": [{"role": "user", "content": "go on, %d"}]}' % (number % 50)),
            response=put(b'{"choices": [{"message": {"content": "done"}}]}'),
        )  # fmt: skip
    yield CellExited(
        exit_code=0, wall_ms=3_600_000.0, ended_at=START + 3_600_000_000,
        stdout=put(_lines(size.evidence // 3)), stderr=put(b"warning: slow\n"),
        recording=put(_cast(size.evidence // 4)),
    )  # fmt: skip
    paths = tuple(f"src/module_{number:04}.py" for number in range(max(2, size.evidence // 100_000)))
    changes = Changes(added=paths[1:], modified=paths[:1])
    patch = put(_patch(paths, size.evidence // 4))
    yield WorkdirCaptured(changes=changes, **changes.told_apart(expect), git_changes=False, patch=patch)
    graded = put(b"\x1b[32mok\x1b[0m\n" + _lines(size.evidence // 6))
    yield GraderRan(command=("pytest", "-q"), exit_code=0, stdout=graded, stderr=put(b"warning: slow\n"))


def _spans(count: int) -> Iterator[Payload]:
    root = f"{0:032x}"
    for number in range(count):
        start = START + number * 10_000
        yield SpanRecorded(
            span=f"{number:032x}",
            parent=root if number else None,
            kind="tool_call" if number else "adapter_run",
            name=f"edit {number}",
            started_at=start,
            ended_at=start + 9_000 if number else START + 3_600_000_000,
            attributes={"n": number},
        )


def _drawn(number: int) -> int:
    """Return a number that does not compress well."""
    return number * 2654435761 % 2**32


def _lines(size: int) -> bytes:
    made, length, number = [], 0, 0
    while length < size:
        words = f"{_WORDS[number % 20]} {_WORDS[number * 7 % 20]}"
        line = f"{number:08} {words} \x1b[3{number % 8}m{_drawn(number):x}\x1b[0m\n"
        made.append(line)
        length += len(line)
        number += 1
    return "".join(made).encode()[:size]


def _cast(size: int) -> bytes:
    made, length, number = ['{"version": 2, "width": 80, "height": 24}\n'], 0, 0
    while length < size:
        line = f'[{number / 100}, "o", "step {number} \\u001b[3{number % 8}m{_WORDS[number % 20]}\\u001b[0m\\r\\n"]\n'
        made.append(line)
        length += len(line)
        number += 1
    return "".join(made).encode()


def _patch(paths: tuple[str, ...], size: int) -> bytes:
    made, each = [], max(2, size // len(paths) // 40)
    for place, path in enumerate(paths):
        old = f"a/{path}" if place == 0 else "/dev/null"
        new = "" if place == 0 else "new file mode 100644\n"
        made.append(f"diff --git a/{path} b/{path}\n{new}--- {old}\n+++ b/{path}\n@@ -0,0 +1,{each} @@\n")
        made += [
            f"+value_{number:06} = {_drawn(number):010} # {_WORDS[number % 20]}\n" for number in range(each)
        ]
    return "".join(made).encode()
