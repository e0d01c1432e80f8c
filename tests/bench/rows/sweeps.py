"""A sweep of cells that do nothing, in containers: what is left of the engine's own pace."""

import contextlib
import io
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from benchledger.ledger.cli.main import cli
from benchledger.ledger.store import Ledger
from benchledger.runners.images.base import ensure_base
from benchledger.runners.sandboxes import engine
from benchledger.schema.errors import EnvironmentLacks
from tests.bench.measure import Bench, Result

__all__ = ["rows"]

WORKERS, CELLS = 2, 40
PER_CELL = 2  # containers: the agent's, and that of the checks
IDLE = """
name = "idle"
version = "1"
uses_model = false
protocols = []
[install]
kind = "none"
bin = "true"
[launch]
argv = ["{bin}", "{instruction}"]
"""


def rows(bench: Bench) -> Iterator[Result]:
    try:
        client = engine.connect()
    except EnvironmentLacks as error:
        print(f"no row of sweeps: {error}", file=sys.stderr)
        return
    image = ensure_base(client)
    cells = CELLS if bench.repetitions > 2 else CELLS // 4
    (bench.folder / "idle.toml").write_text(IDLE)
    ratios, paces = [], []
    for number in range(max(2, bench.repetitions // 2)):
        bare = _bare(client, image, cells * PER_CELL)
        ours = _sweep(bench.folder, image, cells, number)
        ratios.append(ours / bare)
        paces.append(cells / ours * 60)
    client.close()
    detail = f"{max(paces):.0f} cells a minute with {WORKERS} workers, start of the command included"
    yield Result(f"sweep of {cells} no-op cells / their {PER_CELL} containers each", None, ratios, detail)


def _bare(client: docker.DockerClient, image: str, count: int) -> float:
    """Return the seconds that so many bare containers take, as many at a time as a sweep has workers."""

    def one(_: int) -> None:
        made = client.containers.create(image, ["true"], network_mode="none")
        made.start()
        made.wait()
        made.remove()

    began = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, range(count)))
    return time.perf_counter() - began


def _sweep(folder: Path, image: str, cells: int, number: int) -> float:
    path = folder / f"sweep-{number}.db"
    Ledger.create(path).close()
    words = [
        "--ledger", path, "sweep", "--agent", "idle", "--agent-file", folder / "idle.toml", "--sweep", f"s{number}",
        "--task", "mutations/shell-csv-sum", "--repeat", cells, "--sandbox", "docker", "--image", image,
        "--workers", WORKERS, "--json",
    ]  # fmt: skip
    began = time.perf_counter()
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        cli.main([str(word) for word in words], standalone_mode=False)
    took = time.perf_counter() - began
    with Ledger.open(path) as ledger:
        (done,) = ledger.connection.execute(
            "SELECT count(*) FROM attempts WHERE outcome = 'finished'"
        ).fetchone()
    assert done == cells
    return took
