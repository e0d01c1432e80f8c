"""Running cells: what a sandbox, the proxy and the record of a conversation cost beyond the bare work."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchledger.ledger import runs
from benchledger.ledger.append import declare
from benchledger.ledger.store import Ledger
from benchledger.runners.cell import run_cell
from benchledger.runners.images.base import ensure_base
from benchledger.runners.launch import Launch
from benchledger.runners.prepare import Request, plan_cell, prepare
from benchledger.runners.proxy.config import ProxyConfig, Upstream
from benchledger.runners.proxy.record import to_event
from benchledger.runners.proxy.server import Proxy
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.docker import Docker
from benchledger.runners.sandboxes.local import Local
from benchledger.schema.errors import EnvironmentLacks
from benchledger.schema.ports import Draft
from benchledger.schema.task import Limits
from benchledger.scorers.composite import GATED_1
from tests.bench.calls import measure
from tests.bench.measure import Bench, Result, turns
from tests.proxy.asking import ask, body_of
from tests.proxy.upstream import KEY, serving

__all__ = ["rows"]

LIMITS = Limits(seconds=60, memory_mb=256, pids=100)
NOTHING = Launch(("true",), {}, {})
CALLS = 50


def rows(bench: Bench) -> Iterator[Result]:
    workdir = bench.folder / "workdir"
    workdir.mkdir()
    for number in range(20):
        (workdir / f"{number}.txt").write_text("x" * 2000)
    yield from _docker(bench, workdir)
    yield _local(bench, workdir)
    yield _whole(bench)
    yield _proxy(bench)
    yield _conversation(bench)


def _sandboxed(make, workdir: Path) -> None:
    with make() as sandbox:
        assert sandbox.run(NOTHING, workdir, LIMITS, ("127.0.0.1", 9)).exit_code == 0


def _docker(bench: Bench, workdir: Path) -> Iterator[Result]:
    """A hardened container with workdir, proxy and capture, against create, start, wait and remove of a bare one."""
    try:
        client = engine.connect()
    except EnvironmentLacks as error:
        print(f"no docker row: {error}", file=sys.stderr)
        return
    image = ensure_base(client)

    def bare() -> None:
        made = client.containers.create(image, ["true"], network_mode="none")
        made.start()
        made.wait()
        made.remove()

    ours = partial(_sandboxed, lambda: Docker(image, client=client), workdir)
    times = turns(ours, bare, repetitions=2 * bench.repetitions + 4)
    client.close()
    yield _against("docker cell of a no-op program / bare container", 1.3, times)


def _local(bench: Bench, workdir: Path) -> Result:
    """The sandbox `local`, against the start of the Python that its stage needs."""
    ours = partial(_sandboxed, Local, workdir)
    start = partial(subprocess.run, [sys.executable, "-I", "-S", "-c", ""], check=True)
    return _against(
        "local cell of a no-op program / start of a Python", None, turns(ours, start, repetitions=21)
    )


def _whole(bench: Bench) -> Result:
    """A whole cell of nop: workdir, capture, checks, scores and every event durable, against its checks alone."""
    parts = prepare(Request(agent="nop", task="mutations/shell-csv-sum"))
    with Ledger.create(bench.folder / "cells.db") as ledger:
        declare(ledger, GATED_1)

        def ours() -> None:
            plan = plan_cell(parts, None, "bench", 1, 1)
            run, attempt = runs.next_place(ledger, plan.cell, plan.mode, plan.sandbox_name)
            runs.judge(run_cell(plan_cell(parts, None, "bench", run, attempt), ledger), GATED_1)

        from benchledger.runners.grade import grade
        from benchledger.runners.grading import sandboxed

        checks = partial(grade, parts.task, parts.task.workdir, sandboxed(parts.sandbox, parts.limits))
        return _against(
            "whole local cell of nop / its checks alone", None, turns(ours, checks, repetitions=9)
        )


def _proxy(bench: Bench) -> Result:
    """A streamed call through the proxy against a direct one, 30 kB asked and 100 events answered."""
    ratios, added = [], []
    for _ in range(bench.repetitions):
        (_, direct), (_, proxied) = measure(60)
        ratios.append(proxied / direct)
        added.append(proxied - direct)
    return Result(
        "streamed call through the proxy / direct", None, ratios, f"{min(added):.1f} ms a call more"
    )


def _conversation(bench: Bench) -> Result:
    """What a ledger file grows by for 50 calls of one conversation, against the bytes of their requests."""
    calls, sent = [], 0
    with (
        serving() as served,
        Proxy(
            ProxyConfig(mode="live", upstream=Upstream(base_url=served.url, key=KEY)), calls.append
        ) as proxy,
    ):
        messages = [{"role": "system", "content": "rules " * 2000}]
        tools = [
            {"type": "function", "function": {"name": f"t{n}", "description": "d " * 400}} for n in range(15)
        ]
        for number in range(CALLS):
            messages += [
                {"role": "assistant", "content": f"thought {number} " * 50},
                {"role": "user", "content": f"output {number} " * 200},
            ]
            body = body_of("openai-chat") | {"messages": messages, "tools": tools}
            ask(proxy, "openai-chat", body=body)
            sent += len(json.dumps(body))
    path, seen = bench.folder / "talk.db", set[str]()
    with Ledger.create(path) as ledger:
        before = _pages(ledger)
        for call in calls:
            event, blobs = to_event(call, seen)
            ledger.emit(Draft("cell/s/a/m/c/t#run1@1", event, blobs=blobs))
        grown = _pages(ledger) - before
    detail = f"{grown / 1024:,.0f} KiB for requests of {sent / 1024:,.0f} KiB"
    return Result(f"bytes stored for {CALLS} calls / their requests", None, [grown / sent], detail)


def _pages(ledger: Ledger) -> int:
    count, size = (
        ledger.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    return int(count) * int(size)


def _against(name: str, bound: float | None, times: list[list[float]]) -> Result:
    ratios = [ours / theirs for ours, theirs in zip(*times, strict=True)]
    ours, theirs = (sorted(column)[len(column) // 2] * 1000 for column in times)
    return Result(name, bound, ratios, f"{ours:.0f} against {theirs:.0f} ms")
