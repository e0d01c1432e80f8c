"""What of an attempt cannot be read though nothing is wrong with it: it was redacted, or a later version wrote it."""

from __future__ import annotations

from benchledger.schema.upcast import is_known

__all__ = ["FOREIGN", "REDACTED", "gone"]

# (kind, what happened). Scores are never redacted, so a composite can always be computed from them; of a later
# version they may be.
REDACTED = ("redacted", "was redacted")
FOREIGN = ("format_unsupported", "is of a schema number that this version does not know")


def gone(name: str, schema: int, text: str | None) -> tuple[str, str] | None:
    """Return (kind, what happened) where an event cannot be read though nothing is wrong with it."""
    return FOREIGN if not is_known(name, schema) else REDACTED if text is None else None
