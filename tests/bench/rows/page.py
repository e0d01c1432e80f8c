"""The page of a cell of 340,000 events and 100 MB of evidence, served, against that of a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from urllib.request import urlopen

from benchledger.ledger.web.paths import cell_path
from tests.bench.measure import Bench, Result, turns
from tests.web.big import EVERYDAY, HUGE, SMALL, Size, cell_of, sized_ledger
from tests.web.serving import Served, peak_mib, serving

__all__ = ["rows"]

TWICE = 2.0


def rows(bench: Bench) -> Iterator[Result]:
    """Tell how long a reader waits for the verdict and for the whole page, and what the server takes for it."""
    large = HUGE if bench.repetitions > 2 else EVERYDAY
    path = sized_ledger(bench.folder / "large.db", SMALL, large)
    with serving(path) as server:
        server.get("no-such-page.html")  # what is imported once is imported now
        for name, mark in (("verdict", b'class="verdict'), ("whole page", b"</html>")):
            ways = [_reading(server, size, mark) for size in (SMALL, large)]
            small, big = turns(*ways, repetitions=3 * bench.repetitions)
            detail = f"{min(big) * 1000:.1f} against {min(small) * 1000:.1f} ms"
            # Whatever else runs only ever adds: the least is what the page itself takes.
            ratio = [min(big) / min(small)]
            bound = TWICE if name == "verdict" else None
            yield Result(f"{name} of a cell of {large.events:,} events / of 60", bound, ratio, detail)
        peak = peak_mib(server)
    yield Result("peak memory of that server / 300 MiB", 1.0, [peak / 300], f"{peak:.0f} MiB")


def _reading(server: Served, size: Size, mark: bytes) -> Callable[[], None]:
    again = count()

    def read() -> None:
        # another query is another page to the server, which keeps what it made
        with urlopen(f"{server.url}{cell_path(cell_of(size))}?again={next(again)}", timeout=60) as answer:
            seen = b""
            while mark not in seen:
                seen += answer.read1()

    return read
