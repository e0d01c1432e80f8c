"""Fetches the front-end packages while benchledger is built. Only setuptools imports this; see README.md here.

`npm ci` runs in a temporary copy, and `vendor/` beside this file gets the few files that package.json lists under
"vendor". Without npm, or without a registry that answers, the build goes on: `vendor/` then holds the reason, and
the pages do without. Nothing of benchledger can be imported here, for it is not built yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
INPUTS = ("package.json", "package-lock.json")
SWITCH = "BENCHLEDGER_BUILD_ASSETS"
# Without a network npm's own retries would hold up the build for two minutes.
QUICK = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", *QUICK)


class Lacking(Exception):
    """Why the front-end packages cannot be had here; the text is one line."""


class BuildPy(build_py):
    """Every wheel and every editable install passes through here."""

    def run(self) -> None:
        self.announce(vendored(HERE), level=30)
        # an earlier build may have left files of another version
        shutil.rmtree(Path(self.build_lib, "benchledger/ledger/web/vendor"), ignore_errors=True)
        super().run()


class Sdist(sdist):
    """An sdist carries the files, so that who builds a wheel from it needs no npm."""

    def run(self) -> None:
        self.announce(vendored(HERE), level=30)
        super().run()


def vendored(folder: Path) -> str:
    """Bring `folder`/vendor up to date with the lock file; return one line that says what it holds now."""
    digest, target = _digest(folder), folder / "vendor"
    held = _record(target)
    if held.get("inputs") != digest or held.get("reason"):
        with tempfile.TemporaryDirectory(prefix=".vendor-", dir=folder) as scratch:
            made = Path(scratch, "vendor")
            try:
                held = _fetched(folder, Path(scratch), made)
            except Lacking as lacking:
                shutil.rmtree(made, ignore_errors=True)
                held = {"packages": {}, "reason": str(lacking)}
            made.mkdir(exist_ok=True)
            text = json.dumps({"inputs": digest, **held}, indent=1, sort_keys=True)
            (made / "vendor.json").write_text(text + "\n", encoding="utf-8")
            _replace(target, made, Path(scratch))
    if reason := held.get("reason"):
        return f"front-end packages left out, the pages do without: {reason}"
    return "front-end packages: " + ", ".join(
        f"{name} {it['version']}" for name, it in held["packages"].items()
    )


def _digest(folder: Path) -> str:
    # as vendored.py computes it
    return hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in INPUTS)).hexdigest()


def _record(target: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((target / "vendor.json").read_bytes()))
    except (OSError, ValueError):
        return {}


def _fetched(folder: Path, scratch: Path, made: Path) -> dict[str, Any]:
    """Fill `made` with the files of package.json's "vendor"; return the record of their packages."""
    project = scratch / "npm"
    project.mkdir()
    for name in INPUTS:
        shutil.copy(folder / name, project)
    _npm_ci(project)
    made.mkdir()
    packages: dict[str, Any] = {}
    for name, parts in json.loads((folder / "package.json").read_bytes())["vendor"].items():
        for part, source in parts.items():
            shutil.copyfile(project / "node_modules" / source, made / part)
        about = json.loads((project / "node_modules" / name / "package.json").read_bytes())
        packages[name] = {"version": about["version"], "licence": about["license"], "files": sorted(parts)}
    return {"packages": packages, "reason": None}


def _npm_ci(project: Path) -> None:
    if os.environ.get(SWITCH) == "0":
        raise Lacking(f"{SWITCH} was 0 when benchledger was built")
    npm = shutil.which("npm")
    if npm is None:
        raise Lacking("npm was not found when benchledger was built")
    try:
        ended = subprocess.run(
            [npm, *NPM_CI], cwd=project, capture_output=True, text=True, check=False, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Lacking(f"npm ci did not end: {error}") from error
    if ended.returncode:
        said = [line.partition("error ")[2] for line in ended.stderr.splitlines() if "npm error" in line]
        raise Lacking(f"npm ci failed when benchledger was built: {', '.join(said[:2]) or ended.returncode}")


def _replace(target: Path, made: Path, scratch: Path) -> None:
    """Put `made` in the place of `target`, whole: files of an older version do not linger."""
    if target.exists():
        target.rename(scratch / "old")
    try:
        made.rename(target)
    except OSError:
        if not target.exists():  # another build was faster, and made the same
            raise
