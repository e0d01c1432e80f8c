"""HOME, TMPDIR and the files that a launch puts there."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.port import MARKER, Places
from benchledger.schema.errors import UsageError

__all__ = ["checked_files", "environment", "write_files"]


def environment(launch: Launch, places: Places, path: str, attempt: str) -> dict[str, str]:
    """Return all that the program has in its environment."""
    fixed = {"PATH": path, "HOME": places.home, "TMPDIR": places.tmp, "LANG": "C.UTF-8"}
    terminal = {"TERM": "xterm-256color"} if launch.pty else {}
    return {**fixed, **terminal, **launch.env, MARKER: attempt}


def checked_files(launch: Launch) -> dict[str, bytes]:
    """Return the files of a launch by their path. UsageError where one would lie outside HOME."""
    for name in launch.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise UsageError(
                f"file {name!r} of the launch is not below HOME", "use a relative path without .."
            )
    return {str(PurePosixPath(name)): text.encode() for name, text in launch.files.items()}


def write_files(home: Path, files: dict[str, bytes]) -> None:
    """Write below `home`; a link in the way is refused, for an earlier program may have left it."""
    for name, data in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.resolve() != home.resolve() / Path(name).parent:
            raise UsageError(f"a link leads {name!r} out of HOME", "use a fresh sandbox")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(data)
