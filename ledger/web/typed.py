"""Commands as a reader types them."""

from __future__ import annotations

import shlex

from benchledger.ledger.web.view import View

__all__ = ["typed"]


def typed(view: View, *words: str) -> str:
    """Return `benchledger --ledger FILE WORDS`, quoted for a POSIX shell."""
    return shlex.join(["benchledger", "--ledger", view.settings.name, *words])
