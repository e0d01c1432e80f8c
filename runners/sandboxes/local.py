"""A plain process on this machine, kept apart as far as the kernel allows. No security boundary.

A program here has the rights of the user who started benchledger: it can read what the user can
read, write what the user can write, and look for the ledger and for keys in files. What it gets is
order: a clean environment, HOME and TMPDIR of its own, limits, a complete kill, and, where the
kernel gives them, namespaces: of the network (only the proxy answers) and of processes (it cannot
signal or see others). Root may make it another user, and then the rights on files hold against it
as well. `isolation` says which it was.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from benchledger.runners.launch import ExitReport, Launch
from benchledger.runners.sandboxes.folders import fresh_folder
from benchledger.runners.sandboxes.local_run import Attempt
from benchledger.runners.sandboxes.port import Address, Caps, Places, User
from benchledger.runners.sandboxes.process import processes_of
from benchledger.runners.sandboxes.trees import let_in, remove_tree
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
        user: User | None = None,
        variables: Mapping[str, str] = {},
    ) -> None:
        """Take caps, and the PATH of programs where it is not to be our own.

        `bare` does without namespaces and control groups, as on a machine that has none to give.
        `place` is a folder for HOME and TMPDIR, which must not exist: a replay wants the paths of old.
        `user` is whom a program becomes, which only root can let it; workdir, HOME and TMPDIR are
        that user's from the start, and the rights on files keep the rest. It has to be a user of
        the sandbox's own: at the end every process of that user is killed. `variables` are for every
        program, where its launch does not say otherwise.
        """
        self._place, self._user, self._variables = place, user, dict(variables)
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
        if self._user and os.geteuid() != 0:
            raise EnvironmentLacks("only root can run a program as another user", "start it as root")
        self.folder = fresh_folder(self._place)
        if self._user:
            let_in(self.folder / "home")
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
        if self._user:
            _refuse_inhabited(self._user)
            let_in(workdir)
        places = self.places(workdir)
        launch = replace(launch, env={**self._variables, **launch.env})
        with Attempt(self.caps, self.attempt, places, self.path, bare=self.bare, user=self._user) as attempt:
            report = attempt.run(launch, limits, proxy)
            self.isolation = attempt.isolation
        return report


def _refuse_inhabited(user: User) -> None:
    """Raise EnvironmentLacks where the user has processes already: they would be killed with the program's."""
    if others := processes_of(user[0]):
        raise EnvironmentLacks(
            f"user {user[0]} has processes here already, such as {others[0]}",
            "run it in a container of its own, in which nobody is that user",
        )
