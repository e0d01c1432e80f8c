"""The two ways an agent is installed: an environment of Python, a prefix of npm."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.agents.tools import find_node, find_npm, find_python, managed_node, run_tool
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["Built", "build"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """What a recipe made. `lock` has one line a package, the same on every machine."""

    bin: Path
    runtime: str
    lock: str


def build(spec: AgentSpec, prefix: Path, progress: Progress) -> Built:
    """Install the packages of `spec` below `prefix`; raises EnvironmentLacks."""
    make = {"pip": _pip, "npm": _npm}[spec.install.kind]
    built = make(spec, prefix, progress)
    if not built.bin.is_file():
        raise EnvironmentLacks(
            f"{' '.join(spec.install.packages)} has no executable {spec.install.bin!r}",
            "correct bin in its file",
        )
    return built


def _pip(spec: AgentSpec, prefix: Path, progress: Progress) -> Built:
    interpreter = find_python(spec.install.python)
    venv = prefix / "venv"
    run_tool(
        [str(interpreter), "-I", "-m", "venv", str(venv)], prefix, {}, f"an environment with {interpreter}"
    )
    python = str(venv / "bin" / "python")
    said = f"pip install {' '.join(spec.install.packages)}"
    progress(said)
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    run_tool([python, "-I", "-m", "pip", "install", *quiet, *spec.install.packages], prefix, {}, said)
    lock = run_tool([python, "-I", "-m", "pip", "freeze", "--all"], prefix, {}, "pip freeze")
    version = run_tool([python, "-I", "--version"], prefix, {}, "python --version")
    return Built(
        venv / "bin" / spec.install.bin, version.strip().lower(), "\n".join(sorted(lock.split("\n")))
    )


def _npm(spec: AgentSpec, prefix: Path, progress: Progress) -> Built:
    npm = find_npm(spec.name)
    packages = list(spec.install.packages)
    node = find_node(spec.install.node)
    if node is None:
        package, version = managed_node(spec.install.node)
        packages.append(f"{package}@{version}")
        node = prefix / "node_modules" / package / "bin" / "node", version
    (prefix / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    said = f"npm install {' '.join(packages)}"
    progress(said)
    env = _npm_environment(prefix, node[0])
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    run_tool([npm, "install", *quiet, "--save-exact", "--ignore-scripts", *packages], prefix, env, said)
    if spec.install.scripts:
        # only those that the recipe names: any package in the tree could bring one
        run_tool([npm, "rebuild", *quiet, *spec.install.scripts], prefix, env, f"npm rebuild for {spec.name}")
    lock = _npm_lock((prefix / "package-lock.json").read_text(encoding="utf-8"))
    return Built(_wrapped(spec, prefix, node[0]), f"node {node[1]}", lock)


def _npm_environment(prefix: Path, node: Path) -> dict[str, str]:
    """Return a HOME of the installation's own: packages' scripts write there. npm's settings stay the caller's."""
    home = prefix / "home"
    home.mkdir()
    # behind the caller's PATH: npm itself may not run on the node that is only being installed
    made = {"HOME": str(home), "PATH": f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{node.parent}"}
    given = {name.lower() for name in os.environ}
    for setting, name in (("npm_config_userconfig", ".npmrc"), ("npm_config_cache", ".npm")):
        if setting not in given:
            made[setting] = str(Path.home() / name)
    return made


def _npm_lock(text: str) -> str:
    """Return path, version and integrity of each package, without the registry that it came from."""
    packages = json.loads(text)["packages"]
    lines = [
        f"{path.removeprefix('node_modules/')} {entry.get('version', '-')} {entry.get('integrity', '-')}"
        for path, entry in sorted(packages.items())
        if path
    ]
    return "\n".join(lines) + "\n"


def _wrapped(spec: AgentSpec, prefix: Path, node: Path) -> Path:
    """Return a script that starts the agent on its own Node.js, whatever PATH a sandbox has."""
    target = prefix / "node_modules" / ".bin" / spec.install.bin
    if not target.is_file():
        return target
    # a folder with nothing but node, so that no other program of that folder shadows a task's tools
    (prefix / "node").mkdir()
    (prefix / "node" / "node").symlink_to(node)
    (prefix / "bin").mkdir()
    script = prefix / "bin" / spec.install.bin
    first = shlex.quote(str(prefix / "node"))
    script.write_text(
        f'#!/bin/sh\nPATH={first}:"$PATH"\nexport PATH\nexec {shlex.quote(str(target))} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return script
