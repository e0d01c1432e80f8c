"""What a task's checks say of its untouched workdir, asked once a process and not once a cell.

A passing cell of named checks needs that answer (a check that is named before and not after was kept
from running), and it is the same for all cells of a task in one place. The key holds all that it can
depend on: the bytes of workdir and checks as they lie on the disk now, the command and its time, and
the place, which is sandbox, image and limits. An answer under load that ran into its time is kept for
nobody, nor is one of a task that was altered meanwhile.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cache, partial
from threading import Lock

from blake3 import blake3

from benchledger.runners.cell_plan import CellPlan
from benchledger.runners.files import folder_digest
from benchledger.runners.grade import Run, untouched
from benchledger.runners.plain import toolchain_environment
from benchledger.runners.sandboxes.port import Sandbox
from benchledger.runners.task import Task

__all__ = ["Baselines", "asked_once", "maker_key", "shared"]

_GATES = 64


class Baselines:
    """The last `most` answers. Of several threads that ask the same at once, one runs the checks."""

    def __init__(self, most: int = 1024) -> None:
        """Know nothing yet."""
        self._most = most
        self._known: OrderedDict[Hashable, dict[str, bool]] = OrderedDict()
        self._lock = Lock()
        self._gates = [Lock() for _ in range(_GATES)]

    def of(self, task: Task, run: Run, place: Hashable) -> dict[str, bool]:
        """Return what the checks say by name, as `grade.baseline` does; raises what `run` raises.

        `place` has to tell apart all places by which the answer could differ.
        """
        key = _key(task, place)
        with self._gates[hash(key) % _GATES]:
            with self._lock:
                if key in self._known:
                    self._known.move_to_end(key)
                    return dict(self._known[key])
            graded = untouched(task, run)
            found = graded.checks_after or {}
            if not graded.timed_out and _key(task, place) == key:
                with self._lock:
                    self._known[key] = dict(found)
                    while len(self._known) > self._most:
                        self._known.popitem(last=False)
        return found


def _key(task: Task, place: Hashable) -> Hashable:
    folders = folder_digest(task.workdir), folder_digest(task.checks_folder)
    return (*folders, task.checks, place)


def maker_key(make: Callable[[], object]) -> Hashable:
    """Return what tells a maker of sandboxes apart: of a partial one its parts, for it is made anew each time.

    What a program finds on this machine belongs to it: another PATH may lead to other tools.
    """
    here = os.environ.get("PATH", ""), tuple(sorted(toolchain_environment().items()))
    if not isinstance(make, partial):
        return make, here
    parts = (make.func, make.args, tuple(sorted(make.keywords.items())), here)
    try:
        hash(parts)
    except TypeError:
        return make, here  # itself: equal to no other
    return parts


@cache
def shared() -> Baselines:
    """Return the one of this process."""
    return Baselines()


def asked_once(plan: CellPlan, make: Callable[[], Sandbox]) -> Callable[[Task, Run], dict[str, bool]]:
    """Return what asks for all cells of this process whose checks run where this plan's do, in `make`'s sandboxes."""
    limits, named = plan.limits, {} if plan.source is None else plan.source.known_secrets
    # a name of a check is masked like any other text; the attempt's own token is in none
    hidden = blake3(repr(sorted({**named, **plan.secrets}.items())).encode()).digest()
    image = (plan.sandbox_name, plan.identity.image_id, plan.identity.image_digest)
    bounds = (limits.memory_mb, limits.pids, limits.cpus)
    return partial(shared().of, place=(maker_key(make), image, bounds, hidden))
