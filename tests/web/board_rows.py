"""The rows of a leaderboard as a browser shows them, to be laid beside those of the commands."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

__all__ = ["as_row", "key_of", "named", "said", "settled", "shown", "weigh"]


def weigh(page: Page, weights: dict[str, float]) -> None:
    """Set every weight by its number input; returns when ranks and intervals are there."""
    page.evaluate(
        """(weights) => {
          const inputs = Object.keys(weights).map((term) => document.querySelector(`[data-number="${term}"]`));
          // all above 0 first, for at no step may every weight be 0
          for (const value of [() => 1, (input) => weights[input.dataset.number]]) {
            for (const input of inputs) {
              input.value = value(input);
              input.dispatchEvent(new Event("input", {bubbles: true}));
            }
          }
        }""",
        weights,
    )
    settled(page)


def settled(page: Page) -> None:
    """Wait for the ranks and intervals of the last change."""
    expect(page.locator("#board-rows")).to_have_attribute("aria-busy", "false")


def shown(page: Page) -> list[dict[str, Any]]:
    """Return the rows of the table as they stand there: numbers from the texts and values of its cells."""
    lines: list[dict[str, list[str]]] = page.evaluate(
        """() => [...document.querySelectorAll("table.board tbody tr")].filter((line) => !line.hidden).map((line) =>
          Object.fromEntries([...line.cells].map((cell) => [cell.dataset.col, [cell.innerText.trim(),
            cell.querySelector("data") ? cell.querySelector("data").value : ""]])))"""
    )
    return [
        {
            name: (text.split("\n")[0], tuple(map(float, value.split())))
            for name, (text, value) in line.items()
        }
        for line in lines
    ]


def as_row(line: dict[str, Any]) -> tuple[Any, ...]:
    """Return (agent, version, model, rank, tied, composite, floor, ceiling, low, high) of a row in the table."""

    def floats(name: str, count: int) -> tuple[float | None, ...]:
        return line[name][1] or (None,) * count

    rank = line["rank"][0]
    agent, _, version = line["agent"][0].partition(" ")
    names = (agent, version or None, line["model"][0])
    numbers = (*floats("composite", 1), *floats("floor", 2), *floats("interval", 2))
    return (*names, int(rank.rstrip("=")), rank.endswith("="), *numbers)


def said(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("agent", "version", "model", "rank", "tied", "composite", "floor", "ceiling", "low", "high")
    return tuple(row[name] for name in names)


def named(row: dict[str, Any]) -> tuple[str | None, ...]:
    return (row["agent"], row["version"], row["model"])


def key_of(page: Page, row: int) -> dict[str, Any]:
    agent, version, model, _, _ = page.evaluate(f"benchledger.data('reweigh').shown[{row}]")
    return {"agent": agent, "version": version or None, "model": model}
