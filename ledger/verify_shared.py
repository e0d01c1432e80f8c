"""Sharing work with a second process: it begins at the first piece, this one at the last."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, NamedTuple, TypeVar

__all__ = ["Piece", "shared"]

T = TypeVar("T")


class Piece(NamedTuple):
    """A function of a module and its arguments; both go to another process, the result comes back."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __call__(self) -> Any:
        """Do it here."""
        return self.work(*self.arguments)


def shared(
    pieces: Sequence[Piece],
    here: Callable[[], T],
    *,
    parallel: bool,
    done: Callable[[int], None] | None = None,
) -> tuple[list[Any], T]:
    """Return the results of all pieces, and that of `here`, which this process does first.

    Whoever is free takes a piece, so that both end together however fast the machine lets each
    of them run. `done` gets the number of pieces that are finished, each time that it grows here.
    """
    if not parallel:
        own, results = here(), []
        for piece in pieces:
            results.append(piece())
            if done is not None:
                done(len(results))
        return results, own
    with _pool() as pool:
        try:
            futures = [pool.submit(piece.work, *piece.arguments) for piece in pieces]
            own = here()
            taken = _take_back(pieces, futures, done)
            return [taken[place] if place in taken else f.result() for place, f in enumerate(futures)], own
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _take_back(
    pieces: Sequence[Piece], futures: Sequence[Future[Any]], done: Callable[[int], None] | None
) -> dict[int, Any]:
    """Do the pieces that the other process has not begun, from the last on."""
    taken: dict[int, Any] = {}
    for place in reversed(range(len(pieces))):
        if futures[place].cancel():
            taken[place] = pieces[place]()
            if done is not None:
                done(len(taken) + sum(future.done() and not future.cancelled() for future in futures))
    return taken


def _pool() -> ProcessPoolExecutor:
    methods = multiprocessing.get_all_start_methods()
    # fork: the modules are there already, a start takes milliseconds
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    return ProcessPoolExecutor(1, mp_context=context)
