"""Identities: cells, attempts, streams, events.

A cell is sweep/agent/model/category/task#runN. The model id itself may hold `/`, `@` and
`:`, so a cell id is split from both ends, and `@attempt` and `#runN` from the right.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass

from blake3 import blake3

from benchledger.schema.errors import BadInput

__all__ = [
    "ID_NAME",
    "MODEL_NAME",
    "CellId",
    "import_id",
    "is_ledger_id",
    "live_id",
    "new_ledger_id",
    "split_ref",
]

ID_NAME = r"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$"
# A model id: segments between "/", none empty, "." or "..", no white space, control or "#".
_SEGMENT = r"(?!\.{1,2}(?:/|$))[^\s#/\x00-\x1f\x7f]+"
MODEL_NAME = rf"^(?=.{{1,200}}$){_SEGMENT}(?:/{_SEGMENT})*$"
_name = re.compile(ID_NAME)
_model = re.compile(MODEL_NAME)
_ledger = re.compile("[0-9a-f]{32}")
_run = re.compile(r"[1-9][0-9]{0,8}\Z")
_FREE = ~(0xF << 76) & ~(0x3 << 62)  # the bits of a UUID that are neither version nor variant
_import = blake3(derive_key_context="benchledger 2026-11 import v1")


@dataclass(frozen=True, slots=True, order=True)
class CellId:
    """One cell: sweep x agent x model x category/task x run number (from 1)."""

    sweep: str
    agent: str
    model: str
    category: str
    task: str
    run: int = 1

    def __str__(self) -> str:
        """Return the id, always with #runN."""
        return f"{self.sweep}/{self.agent}/{self.model}/{self.category}/{self.task}#run{self.run}"

    @property
    def task_id(self) -> str:
        """Return category/task."""
        return f"{self.category}/{self.task}"

    @classmethod
    def parse(cls, text: str) -> CellId:
        """Parse `sweep/agent/model/category/task[#runN]`; raises BadInput with the part that is wrong."""
        body, mark, run = text.rpartition("#run")
        if not mark:
            body, run = text, "1"
        if not _run.match(run):
            raise BadInput(f"cell id {text!r}: run number {run!r} is not 1, 2, 3, …")
        parts = body.split("/")
        if len(parts) < 5:
            raise BadInput(
                f"cell id {text!r} has {len(parts)} parts; it is sweep/agent/model/category/task#runN"
            )
        made = cls(parts[0], parts[1], "/".join(parts[2:-2]), parts[-2], parts[-1], int(run))
        made.check()
        return made

    def check(self) -> None:
        """Raise BadInput where a part breaks the rules of design section 1."""
        for field in ("sweep", "agent", "category", "task"):
            value = getattr(self, field)
            if not _name.match(value) or value.endswith("\n"):
                raise BadInput(
                    f"{field} {value!r} is no name", "write it with letters, digits, '.', '_' and '-' alone"
                )
        if not _model.match(self.model) or self.model.endswith("\n"):
            raise BadInput(
                f"model {self.model!r} is no model id",
                "write it without a space, a '#' and an empty, '.' or '..' segment",
            )


def split_ref(ref: str) -> tuple[str, int | None]:
    """Split `cell_id[@attempt]` from the right; the attempt is None where it is not named.

    A model id may hold `@`, so what follows the last `@` counts only if it is a number that
    comes after the run mark or the last `/`.
    """
    head, mark, tail = ref.rpartition("@")
    if mark and _run.match(tail) and "/" in head:
        return head, int(tail)
    return ref, None


def new_ledger_id() -> str:
    """Return 16 random bytes as 32 hex digits."""
    return os.urandom(16).hex()


def is_ledger_id(text: object) -> bool:
    """Return whether `text` is the id of a ledger: 32 hex digits in lower case."""
    return isinstance(text, str) and _ledger.fullmatch(text) is not None


def live_id() -> str:
    """Return a UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, the rest random."""
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    return _uuid(value, 7)


def import_id(source_format: str, canonical_record: bytes, ordinal: int) -> str:
    """Return the UUIDv8 of the `ordinal`-th event made from one source record.

    The digest is BLAKE3 derive_key over format NUL ordinal NUL record, so the same record
    always gives the same events, whichever file carries it.
    """
    hasher = _import.copy()
    hasher.update(f"{source_format}\x00{ordinal}\x00".encode())
    hasher.update(canonical_record)
    return _uuid(int.from_bytes(hasher.digest(length=16), "big"), 8)


def _uuid(value: int, version: int) -> str:
    digits = f"{value & _FREE | version << 76 | 0x2 << 62:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
