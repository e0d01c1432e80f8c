"""Cells for tests: the tiny agent as a file of a user's, run into a real ledger, verified afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchledger.ledger import runs
from benchledger.ledger.store import Ledger
from benchledger.runners.cell import run_cell
from benchledger.runners.cell_plan import CellPlan, Ended
from benchledger.runners.prepare import Prepared, Request, plan_cell, prepare
from benchledger.runners.source import ModelSource, scripted
from benchledger.scorers.composite import GATED_1

PYTHON = "mutations/python-lru-cache"
TINY = (Path(__file__).parent / "tiny.py").read_text(encoding="utf-8")


def agent_file(folder: Path, then: str = "nothing", name: str = "tiny", *, pty: bool = False) -> Path:
    """Write the tiny agent as a user would: one TOML file, no code of ours."""
    path = folder / f"{name}.toml"
    path.write_text(
        f'name = "{name}"\nversion = "1.0"\nprotocols = ["openai-chat"]\n'
        '[install]\nkind = "none"\nbin = "python3"\n'
        f'[launch]\nargv = ["{{bin}}", "{{home}}/tiny.py", "{{instruction}}", "{then}"]\n'
        f"pty = {str(pty).lower()}\n"
        '[launch.env]\nTINY_URL = "{base_url}/v1"\nTINY_KEY = "{token}"\nTINY_MODEL = "{model}"\n'
        f"[launch.files]\n\"tiny.py\" = '''\n{TINY}'''\n"
    )
    return path


@dataclass(frozen=True)
class Ran:
    """One attempt as it was judged, beside the ledger that holds it."""

    ended: Ended
    judged: runs.Judged
    ref: str

    @property
    def outcome(self) -> tuple[str, str | None]:
        return self.judged.end.outcome, self.judged.end.outcome_kind

    @property
    def composite(self) -> float | None:
        return self.judged.composite.value

    @property
    def notes(self) -> str:
        return "; ".join(self.judged.end.notes)


def prepared(folder: Path, then: str = "nothing", **request: Any) -> Prepared:
    """Return the parts of a cell of the tiny agent."""
    named = {"agent": "tiny", "task": PYTHON, "model": "test/model-1"} | request
    if named["agent"] == "tiny":
        named["agent_files"] = [agent_file(folder, then)]
    return prepare(Request(**named))


def source_of(parts: Prepared, variant: str = "steps", **fault: Any) -> ModelSource:
    return scripted(parts.task, variant, fault or None)


def steps(parts: Prepared, *commands: str, **fault: Any) -> ModelSource:
    """Return a model that asks for these shell commands, one after the other."""
    script = {"steps": [{"shell": command} for command in commands] + [{"say": "Done."}], **fault}
    return replace(source_of(parts), script=script)


def run_into(
    ledger: Ledger,
    parts: Prepared,
    source: ModelSource | None,
    change: Callable[[CellPlan], CellPlan] = lambda plan: plan,
    secrets: Mapping[str, str] = {},
) -> Ran:
    """Run the next attempt of a cell and judge it, as the command does."""
    plan = plan_cell(parts, source, "test-20260131", 1, 1, secrets)
    number, attempt = runs.next_place(ledger, plan.cell, plan.mode, plan.sandbox_name)
    plan = change(replace(plan, cell=replace(plan.cell, run=number), attempt=attempt))
    ended = run_cell(plan, ledger)
    judged = runs.judge(ended, GATED_1)
    if ended.interrupted is not None:
        raise ended.interrupted
    return Ran(ended, judged, f"{plan.cell}@{plan.attempt}")


def blob_text(ledger: Ledger, value: Mapping[str, Any] | None) -> str:
    """Return the text that a blob reference of an event names."""
    assert value is not None
    data = ledger.blob(str(value["blob"]))
    assert data is not None
    return data.decode(errors="replace")


def payloads(ledger: Ledger, ref: str, event_type: str) -> list[dict[str, Any]]:
    return [
        event.payload
        for event in ledger.stream(f"cell/{ref}")
        if event.meta.type == event_type and event.payload is not None
    ]


def everything(path: Path) -> bytes:
    """Return every byte that a ledger file holds, its blobs unpacked: where a secret would be found."""
    parts = [path.read_bytes()]
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists():
        parts.append(wal.read_bytes())
    with Ledger.open(path) as ledger:
        for (digest,) in ledger.connection.execute("SELECT lower(hex(digest)) FROM blobs").fetchall():
            parts.append(ledger.blob(digest) or b"")
        parts += [json.dumps(event.payload, ensure_ascii=False).encode() for event in ledger.events()]
    return b"\n".join(parts)
