"""The last head that was seen of each ledger, kept outside the ledger: it shows a rollback with no service.

One small JSON file a ledger in `$XDG_STATE_HOME/benchledger/heads/`. It is never lowered
unless a person says so (`verify --accept-head`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from benchledger.schema.history import Head
from benchledger.schema.ids import is_ledger_id

__all__ = ["LastSeen", "accept", "last_seen", "note", "verified_up_to"]


class LastSeen(NamedTuple):
    """The highest head that this machine saw of a ledger, and the highest that was verified in full."""

    head: Head
    verified: int | None


def _file(ledger_id: str) -> Path:
    if not is_ledger_id(ledger_id):
        # The id comes out of a foreign file and becomes a path.
        raise ValueError(f"{ledger_id!r} is no ledger id")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "benchledger" / "heads" / f"{ledger_id}.json"


def last_seen(ledger_id: str) -> LastSeen | None:
    """Return what was noted of a ledger; None where nothing was, or where the note cannot be read."""
    try:
        value = json.loads(_file(ledger_id).read_text(encoding="utf-8"))
        return LastSeen(Head(seq=value["seq"], hash=value["hash"]), value.get("verified"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def verified_up_to(ledger_id: str) -> int:
    """Return the last seq that a clean full verify on this machine covered, -1 for none."""
    known = last_seen(ledger_id)
    return -1 if known is None or known.verified is None else known.verified


def note(ledger_id: str, head: Head, *, verified: bool = False) -> bool:
    """Raise the last-seen head to `head`; a lower one changes nothing. Returns whether it could be kept."""
    known = last_seen(ledger_id)
    if known is not None and known.head.seq > head.seq:
        return True
    checked = head.seq if verified else (known.verified if known else None)
    return _write(ledger_id, head, checked)


def accept(ledger_id: str, head: Head) -> bool:
    """Take `head` as the last seen, even if it is lower: after a restore that a person vouches for."""
    return _write(ledger_id, head, None)


def _write(ledger_id: str, head: Head, verified: int | None) -> bool:
    target = _file(ledger_id)
    value = {"seq": head.seq, "hash": head.hash, "verified": verified}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(value) + "\n", encoding="utf-8")
        temporary.replace(target)
    except OSError:
        return False  # a read-only home: nothing is lost but the rollback check, which verify then says
    return True
