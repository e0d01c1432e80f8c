"""The places that a sweep depends on, endpoints, engine and disk, and whether each is well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchledger.runners.sweep.guards import free_bytes
from benchledger.schema.errors import BenchledgerError

__all__ = ["Places"]

_ENGINE_SECONDS = 5.0
_DISK_WAIT = 2.0


class Places:
    """Answers whether a place is well: `engine`, `disk`, or `model NAME` for the endpoint that serves it."""

    def __init__(
        self, options: Mapping[str, Any], protocols: Sequence[str], folders: Sequence[Path], least_free: int
    ) -> None:
        """Take the options of a cell, the protocols that the agents speak, and the folders where files grow."""
        self._options, self._protocols = dict(options), list(protocols)
        self._folders, self._least = list(folders), least_free
        self._pool = ThreadPoolExecutor(1, "probe")
        self._asked: dict[str, Future[str]] = {}

    def can_probe(self, place: str) -> bool:
        """Whether somebody can be asked: a script has no endpoint, a process no engine."""
        if place == "engine":
            return str(self._options["sandbox"]) == "docker"
        return place == "disk" or self._options["endpoint"] is not None

    def first_wait(self, place: str) -> float:
        """Return the seconds before the first probe."""
        return 5.0 if place.startswith("model ") else _DISK_WAIT

    def ill(self, place: str) -> str | None:
        """Return at once why a place is ill, None where it is well or nobody can be asked."""
        return (self._ask(place) or None) if self.can_probe(place) else None

    def probed(self, place: str) -> str | None:
        """Ask in the background; return None while the answer is open, "" for well, else why not."""
        if place not in self._asked:
            self._asked[place] = self._pool.submit(self._ask, place)
        if not self._asked[place].done():
            return None
        return self._asked.pop(place).result()

    def close(self) -> None:
        """Wait for no answer any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, place: str) -> str:
        try:
            if place == "disk":
                return self._disk()
            if place == "engine":
                return self._engine()
            return self._endpoint(place.removeprefix("model "))
        except BenchledgerError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the place is not well
            return f"{type(error).__name__}: {error}"

    def _disk(self) -> str:
        free = free_bytes(self._folders)
        if free >= self._least:
            return ""
        return f"{free / 1e6:,.0f} MB are free, and {self._least / 1e6:,.0f} MB are wanted: free some space"

    @staticmethod
    def _engine() -> str:
        from benchledger.runners.sandboxes.engine import connect

        connect(timeout=_ENGINE_SECONDS).close()
        return ""

    def _endpoint(self, model: str) -> str:
        from benchledger.ledger.cli.upstreams import upstream_of
        from benchledger.runners.endpoint import probe

        report = probe(upstream_of(self._options), model, protocols=self._protocols, details=False)
        lacking = report.lack()
        return "" if lacking is None else str(lacking)
