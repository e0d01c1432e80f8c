"""Imports go one way, and each layer knows only the libraries it needs."""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.house.tree import LAYERS, Import, Source, imports, layer_of, project, sources

MAY_IMPORT = {
    "schema": {"schema"},
    "scorers": {"schema", "scorers"},
    "runners": {"schema", "runners"},  # runners collect, scorers judge
    "ledger": {"schema", "scorers", "ledger"},
    "ledger/cli": {"schema", "scorers", "ledger", "ledger/cli", "runners"},
}

# None: whatever the project depends on, less what REFUSED takes away.
LIBRARIES: dict[str, set[str] | None] = {
    "schema": {"blake3", "pydantic", "pydantic_core"},
    "scorers": set(),
    "runners": None,
    "ledger": None,
    "ledger/cli": None,
}

REFUSED = {
    "schema": {"sqlite3", "subprocess", "socket"},
    # pure functions: no I/O, no clock, no SQLite, no threads
    "scorers": {
        *("asyncio", "ctypes", "glob", "http", "io", "logging", "multiprocessing", "os", "secrets", "shutil"),
        *("socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib", "uuid"),
    },
    # runners know no ledger, and only the command line speaks
    "runners": {"sqlite3", "sqlite_utils", "click", "rich"},
    "ledger": {"click", "rich", "docker"},
    "ledger/cli": set(),
}

# Where the name that is imported is not the name that is installed.
DISTRIBUTIONS = {"pydantic_core": "pydantic", "yaml": "pyyaml"}

# Modules that setuptools runs while it builds; they, and no other, may use what pyproject.toml requires of a build.
HOOKS = {
    "/".join(name.split(".")[1:-1]) + ".py": {"setuptools"}
    for name in project()["tool"]["setuptools"]["cmdclass"].values()
}

# Built-ins and methods by which a pure function would see or change the world.
IMPURE_NAMES = {"open", "print", "input", "breakpoint"}
IMPURE_METHODS = {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes"}
PURE_RANDOM = {"random", "random.Random"}  # the module's own functions draw from a hidden, unseeded state
PURE_PATHS = {"pathlib.PurePath", "pathlib.PurePosixPath"}


def target_layer(target: str) -> str | None:
    parts = target.split(".")
    if parts[0] != "benchledger" or len(parts) == 1:
        return None
    return "ledger/cli" if parts[1:3] == ["ledger", "cli"] else parts[1]


def declared() -> set[str]:
    metadata = project()["project"]
    extras = metadata["optional-dependencies"].items()
    required = [
        *metadata["dependencies"],
        *(line for name, lines in extras if name != "dev" for line in lines),
    ]
    names = (line.split(";")[0].split("[")[0].strip() for line in required)
    return {name.split(">")[0].split("=")[0].split("~")[0].split("<")[0].strip().lower() for name in names}


def fault(layer: str, found: Import) -> str | None:
    top = found.target.split(".")[0]
    inner = target_layer(found.target)
    if top == "":
        return "a relative import; write benchledger.…"
    if top in LAYERS or top == "tests":
        return f"bare {top}; write benchledger.{top}"
    if inner is not None:
        return None if inner in MAY_IMPORT[layer] else f"{layer} must not know {inner}"
    if top in REFUSED[layer]:
        return f"{layer} must not use {top}"
    if top in sys.stdlib_module_names or top in {"__future__", "benchledger"}:
        return None
    allowed = LIBRARIES[layer]
    if allowed is not None:
        return None if top in allowed else f"{layer} may use {sorted(allowed) or 'the standard library only'}"
    name = DISTRIBUTIONS.get(top, top.replace("_", "-")).lower()
    return None if name in declared() else f"{name} is no dependency of the project"


def faults(source: Source) -> Iterator[str]:
    layer = layer_of(source.path)
    for found in imports(source.module):
        if found.target.split(".")[0] in HOOKS.get(source.path, set()):
            continue
        if said := fault(layer, found):
            yield f"{source.path}:{found.line}: {found.target}: {said}"


def impurities(source: Source) -> Iterator[str]:
    for node in ast.walk(source.module):
        if isinstance(node, ast.Name) and node.id in IMPURE_NAMES:
            yield f"{source.path}:{node.lineno}: {node.id}"
        elif isinstance(node, ast.Attribute):
            drawn = isinstance(node.value, ast.Name) and node.value.id == "random" and node.attr != "Random"
            if drawn or node.attr in IMPURE_METHODS:
                yield f"{source.path}:{node.lineno}: .{node.attr}"
    for found in imports(source.module):
        allowed = {"random": PURE_RANDOM, "pathlib": PURE_PATHS}.get(found.target.split(".")[0])
        if allowed is not None and found.target not in allowed:
            yield f"{source.path}:{found.line}: {found.target}; of this module only {sorted(allowed)}"


def parsed(path: str, text: str) -> Source:
    return Source(path, text, ast.parse(text))


def test_imports_go_one_way_and_libraries_stay_in_their_layer():
    assert [line for source in sources(*LAYERS) for line in faults(source)] == []


def test_scorers_have_no_clock_no_files_and_no_hidden_randomness():
    assert [line for source in sources("scorers") for line in impurities(source)] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("schema/a.py", "from benchledger.scorers import axes"),
        ("schema/a.py", "def late():\n    import benchledger.ledger.store"),
        ("schema/a.py", "from . import ids"),
        ("schema/a.py", "from schema import ids"),
        ("schema/a.py", "import click"),
        ("scorers/a.py", "from benchledger import runners"),
        ("scorers/a.py", "import pydantic"),
        ("scorers/a.py", "import sqlite3"),
        ("runners/a.py", "import importlib\nimportlib.import_module('benchledger.ledger.store')"),
        ("runners/a.py", "import sqlite_utils"),
        ("ledger/a.py", "TABLE = {'docker': 'benchledger.runners.sandboxes.docker:Docker'}"),
        ("ledger/a.py", "from benchledger.ledger.cli import main"),
        ("ledger/a.py", "import numpy"),
        ("ledger/web/a.py", "from setuptools.command.build_py import build_py"),
    ],
)
def test_an_import_against_the_grain_is_found(path, text):
    assert list(faults(parsed(path, text))) != []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("scorers/a.py", "from benchledger.schema import ids"),
        ("ledger/cli/a.py", "def run():\n    from benchledger.runners import cell"),
        ("ledger/a.py", "import sqlite_utils\nGROUP = 'benchledger.scorers'"),
        ("runners/a.py", "import docker.errors"),
        ("ledger/web/build.py", "from setuptools.command.build_py import build_py"),
    ],
)
def test_an_import_with_the_grain_passes(path, text):
    assert list(faults(parsed(path, text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(d):\n    return d.now()",
        "x = open('a')",
        "import random\nrandom.random()",
        "from random import random",
        "from pathlib import Path",
    ],
)
def test_an_impure_scorer_is_found(text):
    assert len(list(impurities(parsed("scorers/a.py", text)))) == 1
