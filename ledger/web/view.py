"""What a page may ask: one ledger, open for reading, at one head."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from blake3 import blake3

from benchledger.ledger import heads
from benchledger.ledger.cells import CellReader
from benchledger.ledger.database import translated
from benchledger.ledger.projected import require_current
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.shipped import Shipped
from benchledger.schema.history import Head
from benchledger.scorers.composite import GATED_1

__all__ = ["NotFound", "Settings", "View", "code_key", "tag"]

T = TypeVar("T")


class NotFound(Exception):
    """There is no such page; the text says what was looked for."""


class Settings(NamedTuple):
    """How pages are made: `live` by a server, else as files; `url` is where the files will be, if it is known.

    `name` is how commands on the pages call the ledger file, `shipped` what they can count on.
    """

    live: bool = False
    url: str | None = None
    name: str = "benchledger.db"
    shipped: Shipped = Shipped()


class View:
    """One ledger at one head: whatever others append meanwhile, all pages of a view agree.

    Not to be shared by threads. Use it in a `with`.
    """

    def __init__(self, path: Path | str, settings: Settings) -> None:
        """Open the file; raises NoLedger and the other errors of `Ledger.open`."""
        self.settings = settings
        self.ledger = Ledger.open(path)
        self.connection = self.ledger.connection
        self._kept: dict[str, Any] = {}
        try:
            with translated(self.ledger.path):
                require_current(self.connection, self.ledger.path)
                # A snapshot: begun by the first read, held until the view closes.
                self.connection.execute("BEGIN")
            self.head: Head | None = self.ledger.head()
            self.verified = heads.verified_up_to(self.ledger.ledger_id)
        except BaseException:
            self.close()
            raise

    def cells(self) -> CellReader:
        """Return what reads attempts in the shape of `cells --json` under the default policy."""
        return self.kept("cells", lambda: CellReader(self.ledger, self.connection, GATED_1))

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` returned the first time that this view was asked for `name`."""
        if name not in self._kept:
            self._kept[name] = make()
        found: T = self._kept[name]
        return found

    def close(self) -> None:
        """Close the file."""
        self.ledger.close()

    def __enter__(self) -> Self:
        """Return the view itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()


def tag(view: View) -> str:
    """Return what changes whenever a page may: the head, how far it was verified here, and this code."""
    head = view.head
    place = "none" if head is None else f"{head.seq}-{head.hash[:16]}"
    return f"{place}-{view.verified}-{code_key()[:8]}"


@lru_cache(maxsize=1)
def code_key() -> str:
    """Return a digest of all that makes pages out of a ledger: this package, its templates and assets."""
    hasher = blake3(version("benchledger").encode())
    for path, item in sorted(_files(files("benchledger.ledger.web"), "")):
        hasher.update(f"\0{path}\0".encode())
        hasher.update(item.read_bytes())
    return hasher.hexdigest()


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            if item.name not in ("__pycache__", "node_modules"):
                yield from _files(item, f"{path}{item.name}/")
        elif not item.name.endswith(".pyc"):
            yield f"{path}{item.name}", item
