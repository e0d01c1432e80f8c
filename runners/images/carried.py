"""What an installed agent uses of this machine beside its own folder: an interpreter and its libraries.

An environment of Python and the starter of an npm agent name an interpreter by its path here, which
the image must have at the same path. One that the system's packages brought (below /usr) is expected
of the base image; any other one is carried into the agent's layer. So are shared libraries that the
base does not have. Whether all of it fits is not concluded but tried: `agent.build_agent` starts it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchledger.runners.agents.install import Installed
from benchledger.runners.agents.tools import run_tool

__all__ = ["carried"]

_ASK = """
import json, os, sys, sysconfig
print(json.dumps([sys._base_executable, sys.base_prefix, os.path.dirname(os.__file__)]))
"""
# Of the standard library: what no program uses that runs without a screen, and what belongs to others.
_LEFT_OUT = {
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
}
_LEFT_OUT_NAMES = re.compile(r"config-\d.*|_tkinter\..*|_test.*|.*\.opt-[12]\.pyc")
# The C library is the base's own: a program finds it before any other one.
_LIBC = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|util|pthread|resolv|nsl|anl))\.so.*")
_LIBRARY = re.compile(r"=> (/\S+) \(0x")


def carried(ready: Installed, has: Callable[[str], bool]) -> dict[str, Path]:
    """Return the files to carry, path in the image -> path here. `has` says whether the base has a path."""
    prefix = Path(ready.prefix)
    if (prefix / "venv").is_dir():
        files = dict(_python(prefix / "venv" / "bin" / "python", prefix))
    else:
        files = dict(_node(prefix / "node" / "node", prefix))
    loaded = [path for path in files.values() if path.suffix in {".so", ""} and not path.is_symlink()]
    for library in _libraries(loaded):
        if str(library) not in files and not has(str(library)):
            files[str(library)] = library.resolve()
    return files


def _python(python: Path, prefix: Path) -> Iterator[tuple[str, Path]]:
    said = run_tool([str(python), "-I", "-c", _ASK], prefix, {}, "asking the agent's Python")
    executable, base, library = map(Path, json.loads(said))
    if base == Path("/usr"):
        return
    yield from _links(executable)
    for shared in sorted((base.resolve() / "lib").glob("libpython*.so*")):
        yield str(shared), shared
    for name, folders, files in os.walk(library.resolve()):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        for each in sorted(files):
            path = Path(name, each)
            if not _LEFT_OUT_NAMES.fullmatch(each) and "config-" not in Path(name).name:
                yield str(path), path


def _node(node: Path, prefix: Path) -> Iterator[tuple[str, Path]]:
    if node.is_symlink() and not node.resolve().is_relative_to(prefix):
        yield from _links(node.readlink())


def _links(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield a program by every name that leads to it, folders that are links included."""
    for above in reversed(path.parents):
        if above.is_symlink():
            # /bin and the like are as the base has them
            if above.parent != Path("/"):
                yield str(above), above
            target = above.parent / above.readlink() / path.relative_to(above)
            yield from _links(Path(os.path.normpath(target)))
            return
    yield str(path), path
    if path.is_symlink():
        yield from _links(Path(os.path.normpath(path.parent / path.readlink())))


def _libraries(programs: Iterable[Path]) -> list[Path]:
    """Return the shared libraries that these load, each by its name in its real folder."""
    listed = [str(path) for path in programs if _is_elf(path)]
    if not listed:
        return []
    # ends with 1 where one of many is not dynamic
    said = subprocess.run(["ldd", *listed], capture_output=True, text=True, check=False).stdout
    found = {Path(name).parent.resolve() / Path(name).name for name in _LIBRARY.findall(said)}
    return sorted(path for path in found if not _LIBC.fullmatch(path.name))


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
