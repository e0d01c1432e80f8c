"""What came of the mutants of tasks mutate, as tables and as JSON."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.render import clean, count, echo_json, table

if TYPE_CHECKING:
    from benchledger.runners.mutate.campaign import Maker, Tried

__all__ = ["tell_json", "tell_operators", "tell_table"]

_WORDS = {
    "kept": "kept",
    "already": "there already",
    "survived": "survived",
    "unbuilt": "do not build",
    "unproven": "not proved",
}


def tell_operators(*, as_json: bool) -> None:
    from benchledger.runners.mutate.operators import OPERATORS

    if as_json:
        echo_json(
            [
                {"operator": name, "about": each.about, "languages": sorted(each.paths)}
                for name, each in OPERATORS.items()
            ]
        )
        return
    rows = [(name, each.about, ", ".join(sorted(each.paths))) for name, each in OPERATORS.items()]
    table(("operator", "what it does", "languages"), rows)


def _row(each: Tried) -> dict[str, Any]:
    mutant = each.mutant
    return {
        "task": each.task,
        "result": each.result,
        "file": each.path,
        "line": mutant.line,
        "operator": mutant.operator,
        "before": mutant.before,
        "after": mutant.after,
        "hangs": each.hangs,
        "why": list(each.why),
    }


def _counts(tried: list[Tried]) -> dict[str, int]:
    results: Counter[str] = Counter(each.result for each in tried)
    return {name: results[name] for name in _WORDS}


def tell_json(maker: Maker, tried: list[Tried], wanted: int, candidates: int, took: float) -> None:
    setting = maker.setting
    echo_json(
        {
            "folder": str(maker.root),
            "project": setting.project.digest,
            "seed": setting.seed,
            "wanted": wanted,
            "candidates": candidates,
            "tried": len(tried),
            "counts": _counts(tried),
            "hang": sum(each.hangs for each in tried),
            "seconds": {"tests": round(took, 3), "limit": setting.limit},
            "left_out": list(setting.project.left_out),
            "mutants": [_row(each) for each in tried],
        }
    )


def tell_table(maker: Maker, tried: list[Tried], wanted: int, candidates: int, took: float) -> None:
    made = [each for each in tried if each.task is not None]
    if made:
        table(
            ("task", "file", "operator", "hangs"),
            [
                (str(each.task), each.path, each.mutant.operator, "yes" if each.hangs else "no")
                for each in made
            ],
        )
    for each in tried:
        for problem in each.why:
            click.echo(clean(f"not proved: {each.path}:{each.mutant.line} {each.mutant.operator}: {problem}"))
    said = ", ".join(f"{number} {_WORDS[name]}" for name, number in _counts(tried).items() if number)
    click.echo(
        f"{count(len(tried), 'mutant')} of {candidates:,} tried in {took:.1f} s of tests each: {said or 'none'}"
    )
    if left := maker.setting.project.left_out:
        click.echo(clean(f"left out of the tasks, as no regular files: {', '.join(left[:5])}"))
    if len(made) < wanted:
        click.echo(f"{len(made)} of {wanted} tasks: no more mutants that the tests kill")
    if made:
        click.echo(clean(f"next: benchledger tasks check --tasks {quote(str(maker.root))}"))
