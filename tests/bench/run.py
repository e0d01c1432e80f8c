"""How fast: ratios against other work, measured in one run. `just bench --help` says how to choose a size."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # `python tests/bench/run.py` works too

from tests.bench.measure import ENOUGH, Bench, Result, machine
from tests.bench.rows import append, cells, page, reading, site, size, sweeps, verify

FAMILIES = {
    "append": append.rows,
    "verify": verify.rows,
    "reading": reading.rows,
    "size": size.rows,
    "cells": cells.rows,
    "sweeps": sweeps.rows,
    "page": page.rows,
    "site": site.rows,
}


def measured(bench: Bench, chosen: list[str]) -> Iterator[Result]:
    for name in chosen:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        yield from FAMILIES[name](bench)


def line(result: Result) -> str:
    sign = ">=" if result.floor else "<="
    verdict = {True: "ok", False: "MISSED", None: "-"}[result.ok]
    spread = f"{min(result.ratios):.3g}..{max(result.ratios):.3g}"
    bound = "-" if result.bound is None else f"{sign} {result.bound}"
    numbers = f"{bound:<8} {result.measured:>6.3f}  {spread:<15}"
    return f"{result.name:<55} {numbers} {verdict:<7} {result.detail}"


def table(results: list[Result], cells: int) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in machine().items())
    head = f"{'row':<55} {'bound':<8} {'median':>6}  {'min..max':<15} {'':<7} detail"
    return "\n".join([f"{cells:,} cells; {facts}", "", head, *map(line, results)])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="just bench", description="Measure how fast, as ratios.")
    parser.add_argument("--cells", type=int, default=20_000, help="20000; 1000000 takes an hour and 12 GB")
    parser.add_argument(
        "--quick", action="store_true", help="2,000 cells: shows that it runs; too small to judge"
    )
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--only", choices=sorted(FAMILIES), action="append", help="one family of rows")
    parser.add_argument("--ledger", type=Path, help="a synthetic ledger of --cells cells that exists already")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a bound is missed")
    options = parser.parse_args(argv)
    amount, repetitions = (2_000, 2) if options.quick else (options.cells, options.repetitions)
    with tempfile.TemporaryDirectory(prefix="benchledger-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        bench = Bench(Path(folder), amount, repetitions, options.ledger)
        results = list(measured(bench, options.only or list(FAMILIES)))
    if amount < ENOUGH:
        # what a cell costs does not depend on how many there are
        results = [replace(result, judged="container" in result.name) for result in results]
    if options.as_json:
        document = {"cells": amount, "machine": machine(), "rows": [result.to_json() for result in results]}
        print(json.dumps(document, indent=1))
    else:
        print(table(results, amount))
    sys.exit(options.strict and any(result.ok is False for result in results))


if __name__ == "__main__":
    main()
