"""Which version made the projections of a file: those of another one are neither read nor judged."""

from __future__ import annotations

import sqlite3

from benchledger.ledger.ddl import PROJECTION_VERSION
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["other_version", "require_current"]


def other_version(connection: sqlite3.Connection) -> str | None:
    """Return in words which other version made the projections; None where it is ours, or where nothing says so."""
    try:
        row = connection.execute("SELECT version FROM projection_state WHERE name = 'projections'").fetchone()
    except sqlite3.DatabaseError:
        return None  # no such table, or a damaged one: that is a defect and no version
    if row is None or type(row[0]) is not int or row[0] == PROJECTION_VERSION:
        return None
    age = "an older" if row[0] < PROJECTION_VERSION else "a newer"
    return f"made by {age} version of benchledger (layout {row[0]}, this one has {PROJECTION_VERSION})"


def require_current(connection: sqlite3.Connection, name: object) -> None:
    """Refuse to show numbers out of projections that this version neither made nor can check."""
    other = other_version(connection)
    if other is not None:
        raise EnvironmentLacks(f"the tables of {name} were {other}", "run `benchledger rebuild`")
