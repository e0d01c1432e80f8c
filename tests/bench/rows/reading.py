"""Rescore and leaderboard, against reading the axis rows that they stand on."""

from collections.abc import Iterator

from benchledger.ledger.leaderboard import collect, default_modes, leaderboard
from benchledger.ledger.rescore import rescore, table_digest
from benchledger.ledger.store import Ledger
from benchledger.schema.history import Selection
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.bench.measure import MILLION, Bench, Result, scan_axes, turns

__all__ = ["rows"]


def rows(bench: Bench) -> Iterator[Result]:
    """Below a million cells the fixed cost of intervals outweighs the cells, so there the bound is not judged."""
    path, everything = bench.large, Selection()
    size = path.stat().st_size
    shown = default_modes(everything)
    with Ledger.open(path) as ledger:
        connection = ledger.connection
        axes, rescored, table, board, gathered = turns(
            lambda: scan_axes(path),
            lambda: rescore(connection, CAB_01, GATED_1, everything),
            lambda: table_digest(connection, CAB_01, everything),
            lambda: leaderboard(connection, GATED_1, everything),
            lambda: collect(connection, GATED_1, shown),
            repetitions=bench.repetitions,
        )
    assert path.stat().st_size == size, "a rescore that is not recorded writes nothing"
    whole = bench.cells >= MILLION
    for name, times, bound, judged in (
        ("rescore / reading axis rows", rescored, 3.0, whole),
        ("rescore, the table alone / reading axis rows", table, 3.0, True),
        ("leaderboard, default policy / reading axis rows", board, 1.0, whole),
        ("leaderboard, gathering cells / reading axis rows", gathered, 1.0, True),
    ):
        ratios = [a / b for a, b in zip(times, axes, strict=True)]
        detail = f"{min(times):.2f} against {min(axes):.2f} s"
        yield Result(name, bound, ratios, detail, judged=judged)
