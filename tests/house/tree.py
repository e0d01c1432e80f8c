"""The checkout as the house tests see it: its sources, their modules and their imports."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("schema", "scorers", "runners", "ledger")

# runners/suite/<category>/<name>/… is given to agents; its Python is material, not our code.
_TASK_FILE = re.compile(r"^runners/suite/[^/]+/[^/]+/")

# Plug points are tables, name -> dotted path, loaded late. Such a string is an import in other clothes.
_DOTTED_PATH = re.compile(r"^benchledger\.(schema|scorers|runners|ledger)(\.\w+)+(:\w+)?$")


@dataclass(frozen=True)
class Source:
    """One Python file, parsed."""

    path: str
    text: str
    module: ast.Module


@dataclass(frozen=True)
class Import:
    """One name that a file imports, wherever in the file it does so."""

    target: str
    line: int


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def sources(*tops: str) -> tuple[Source, ...]:
    """Return every Python file below the given top-level folders, without the files of tasks."""
    paths = sorted(path for top in tops for path in (ROOT / top).rglob("*.py"))
    named = [(path.relative_to(ROOT).as_posix(), path) for path in paths]
    return tuple(_parse(name, path) for name, path in named if not _TASK_FILE.match(name))


def _parse(name: str, path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(name, text, ast.parse(text, filename=name))


def layer_of(path: str) -> str:
    """Return the layer of a file; ledger/cli counts as one of its own, for it alone may import runners."""
    return "ledger/cli" if path.startswith("ledger/cli/") else path.split("/", 1)[0]


def imports(tree: ast.AST) -> Iterator[Import]:
    """Yield all imports below a node: late ones, `import_module("…")` and dotted paths in tables included.

    `from a import b` yields `a.b`, for b may be a module. A relative import yields a name with its dots.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                yield Import(f"{base}.{alias.name}" if node.module else base + alias.name, node.lineno)
        elif isinstance(node, ast.Call):
            yield from _called_import(node)
        elif isinstance(node, ast.Constant) and _DOTTED_PATH.match(str(node.value)):
            yield Import(str(node.value).replace(":", "."), node.lineno)


def _called_import(call: ast.Call) -> Iterator[Import]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in {"import_module", "__import__"} and call.args:
        first = call.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield Import(first.value, call.lineno)


def kept_files() -> list[str]:
    """Return what git tracks or would track: a forbidden word should fail before it is committed."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())
