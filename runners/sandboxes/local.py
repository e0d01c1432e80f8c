"""A plain process on this machine, kept apart as far as the kernel allows. No security boundary.

A program here has the rights of the user who started benchledger: it can read what the user can
read, write what the user can write, and look for the ledger and for keys in files. What it gets is
order: a clean environment, HOME and TMPDIR of its own, limits, a complete kill, and, where the
kernel gives them, namespaces: of the network (only the proxy answers) and of processes (it cannot
signal or see others). `isolation` says which it was.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from benchledger.runners.launch import ExitReport, Launch
from benchledger.runners.sandboxes.local_run import Attempt
from benchledger.runners.sandboxes.port import Address, Caps, Places
from benchledger.runners.sandboxes.trees import fresh_folder, remove_tree
from benchledger.schema.errors import EnvironmentLacks, UsageError
from benchledger.schema.task import Limits

__all__ = ["Local"]


class Local:
    """The sandbox `local`; see the module and `port.Sandbox`."""

    name = "local"

    def __init__(
        self,
        caps: Caps | None = None,
        path: str | None = None,
        *,
        bare: bool = False,
        place: Path | None = None,
    ) -> None:
        """Take caps, and the PATH of programs where it is not to be our own.

        `bare` does without namespaces and control groups, as on a machine that has none to give.
        `place` is a folder for HOME and TMPDIR, which must not exist: a replay wants the paths of old.
        """
        self._place = place
        self.bare = bare
        self.caps = caps or Caps()
        self.path = path or os.environ.get("PATH", os.defpath)
        self.attempt = uuid.uuid4().hex
        self.isolation: tuple[str, ...] = ()
        self.folder: Path | None = None

    def __enter__(self) -> Self:
        """Make HOME and TMPDIR."""
        if os.name != "posix":
            raise EnvironmentLacks("the local sandbox needs a POSIX system", "use `--sandbox docker`")
        self.folder = fresh_folder(self._place)
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(mode=0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove HOME and TMPDIR, whatever modes the program gave to its folders."""
        if self.folder is not None:
            remove_tree(self.folder)
            self.folder = None

    def places(self, workdir: Path) -> Places:
        """Return the paths; the workdir is where it is."""
        if self.folder is None:
            raise UsageError("the sandbox was not entered", "use it in a `with` statement")
        return Places(str(self.folder / "home"), str(self.folder / "tmp"), str(workdir.resolve()))

    def run(self, launch: Launch, workdir: Path, limits: Limits, proxy: Address | None) -> ExitReport:
        """Run one program; see the port."""
        with Attempt(self.caps, self.attempt, self.places(workdir), self.path, bare=self.bare) as attempt:
            report = attempt.run(launch, limits, proxy)
            self.isolation = attempt.isolation
        return report
