"""The front-end packages that this installation has, and why one is not there.

build.py beside this file puts them into `vendor/` when benchledger is built. Pages ask `has` first and do without
what is missing: nothing is ever fetched at run time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Package", "files", "has", "package", "why_not"]

HERE = Path(__file__).resolve().parent
INPUTS = ("package.json", "package-lock.json")
AGAIN = "install benchledger again where node and npm are, with a package registry that answers"


@dataclass(frozen=True, slots=True)
class Package:
    """One package as it was fetched; `files` has its licence texts, too, and what they were bundled with."""

    name: str
    version: str
    licence: str
    files: dict[str, Path]


def has(name: str) -> bool:
    """Tell whether the package can be used."""
    return name in _found(HERE)[0]


def package(name: str) -> Package:
    """Return the package; KeyError where `has` is false."""
    return _found(HERE)[0][name]


def why_not(name: str) -> str | None:
    """Return one sentence on why `has` is false and what to do, or None where it is true."""
    packages, reason = _found(HERE)
    return None if name in packages else f"{name} is not there: {reason}; {AGAIN}"


def files() -> dict[str, Path]:
    """Return the files of all packages by name, to serve them or to copy them into a site."""
    return {part: path for found in _found(HERE)[0].values() for part, path in found.files.items()}


@cache
def _found(folder: Path) -> tuple[dict[str, Package], str]:
    """Return the packages below `folder`/vendor, and the reason why there are none."""
    vendor = folder / "vendor"
    try:
        record = json.loads((vendor / "vendor.json").read_bytes())
        inputs = b"\0".join((folder / name).read_bytes() for name in INPUTS)
    except FileNotFoundError:
        return {}, "benchledger runs from files that were never built"
    if record["reason"]:
        return {}, record["reason"]
    if record["inputs"] != hashlib.sha256(inputs).hexdigest():
        return {}, "what was fetched belongs to another lock file"
    packages = {
        name: Package(name, it["version"], it["licence"], {part: vendor / part for part in it["files"]})
        for name, it in record["packages"].items()
    }
    lost = [part for it in packages.values() for part, path in it.files.items() if not path.is_file()]
    return (
        ({}, f"files are missing: {', '.join(lost)}") if lost else (packages, "package.json does not list it")
    )
