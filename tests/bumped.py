"""Scorers as a later version or a package would bring them, for tests that bump one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchledger.scorers import axes, registry
from benchledger.scorers.evidence import AxisScore, Evidence

PLUG = """\
from dataclasses import replace
from benchledger.scorers.axes import latency
from benchledger.scorers.evidence import AxisScore

def slow(evidence):
    found = latency(evidence)
    return replace(found, value=None if found.value is None else found.value + 60_000.0)

def width(evidence):
    changed = None if evidence.workdir is None else float(len(evidence.workdir.changes.all))
    return AxisScore("width", "width@1+test", changed, "missing" if changed is None else "recorded",
                     "no workdir" if changed is None else None)

def broken(evidence):
    raise KeyError("what")
"""


def slower(evidence: Evidence) -> AxisScore:
    """Return latency@2 of these tests: a minute more."""
    found = axes.latency(evidence)
    value = None if found.value is None else found.value + 60_000.0
    return replace(found, scorer="latency@2", value=value)


def same_tokens(evidence: Evidence) -> AxisScore:
    """Return tokens@2 of these tests: what tokens@1 says."""
    return replace(axes.tokens(evidence), scorer="tokens@2")


def reading_tokens(evidence: Evidence) -> AxisScore:
    """Return tokens@3 of these tests: what the checks printed counts."""
    printed = (
        None if evidence.grader is None or evidence.grader.stderr is None else evidence.grader.stderr.blob
    )
    text = None if printed is None else evidence.blob(printed)
    return replace(axes.tokens(evidence), scorer="tokens@3", value=float(len(text or b"")))


@contextmanager
def bumped(*names: str) -> Iterator[None]:
    """Be a version that has these scorers: latency@2, tokens@2, tokens@3."""
    made: dict[str, Callable[[Evidence], AxisScore]] = {
        "latency@2": slower, "tokens@2": same_tokens, "tokens@3": reading_tokens,
    }  # fmt: skip
    scorers, current = dict(registry.SCORERS), dict(registry.CURRENT)
    for name in names:
        registry.SCORERS[name] = f"{__name__}:{made[name].__name__}"
        registry.CURRENT[name.partition("@")[0]] = name
    try:
        yield
    finally:
        for table, kept in ((registry.SCORERS, scorers), (registry.CURRENT, current)):
            table.clear()
            table.update(kept)
        registry._load.cache_clear()


def plug(folder: Path, **points: str) -> None:
    """Install a package in `folder` that brings scorers: its modules' names and entry points."""
    info = folder / "slow_scorers-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-scorers\nVersion: 1\n")
    lines = "".join(f"{name} = {target}\n" for name, target in points.items())
    (info / "entry_points.txt").write_text(f"[benchledger.scorers]\n{lines}")
    (folder / "slow_scorers.py").write_text(PLUG)
