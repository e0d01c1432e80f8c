"""The interpreters and package managers of the machine, and what they say when they fail."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchledger.runners.agents.versions import in_range, parse_version
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["find_node", "find_npm", "find_python", "managed_node", "run_tool"]

# Installed beside an agent where the machine's own Node.js is too old for it.
MANAGED_NODE = "24.21.0"

_MINUTES = 30
_PROBE = "import ensurepip, sys, venv; print(*sys.version_info[:3], sep='.')"
# Settings of the caller that would make an environment see, or land in, another one.
_LEAKS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER", "PIP_PREFIX",
          "PIP_REQUIRE_VIRTUALENV", "NODE_OPTIONS", "NODE_PATH", "npm_config_prefix")  # fmt: skip

_NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|Temporary failure in name resolution|"
    r"Failed to establish a new connection|Cannot connect to proxy|"
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET"
)
_NO_VERSION = re.compile(r"No matching distribution found for (\S+)|ETARGET|\bE404\b|notarget")
_NO_SPACE = re.compile(r"ENOSPC|No space left on device")


def find_python(wanted: str | None) -> Path:
    """Return a Python in the range `wanted` that can make environments.

    Asked are python3.N on PATH, our own, and those that uv and pyenv have. Raises EnvironmentLacks.
    """
    for candidate in dict.fromkeys(_pythons(wanted)):
        try:
            done = subprocess.run(
                [candidate, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and in_range(parse_version(done.stdout), wanted):
            return Path(candidate)
    raise EnvironmentLacks(
        f"no Python {wanted or '3'} with the modules venv and ensurepip was found",
        "install one (Debian: python3.N and python3.N-venv; else `uv python install`) and run this again",
    )


def _pythons(wanted: str | None) -> Iterator[str]:
    minors = [minor for minor in range(14, 8, -1) if _minor_fits(minor, wanted)]
    for minor in minors:
        if found := shutil.which(f"python3.{minor}"):
            yield found
    yield sys.executable
    for minor in minors:
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        yield from (str(path) for path in sorted(root.glob(f"versions/3.{minor}.*/bin/python3.{minor}")))
        if uv := shutil.which("uv"):
            asked = subprocess.run(
                [uv, "python", "find", f"3.{minor}"], capture_output=True, text=True, check=False
            )
            if asked.returncode == 0:
                yield asked.stdout.strip()


def _minor_fits(minor: int, wanted: str | None) -> bool:
    # 3.11.7 may fit where 3.11.0 does not, and the other way round
    return wanted is None or any(in_range((3, minor, patch), wanted) for patch in (0, 5, 30))


def find_node(wanted: str | None) -> tuple[Path, str] | None:
    """Return the Node.js on PATH and its version, None where there is none in the range."""
    found = shutil.which("node")
    if found is None:
        return None
    try:
        done = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode or not in_range(parse_version(done.stdout or "0"), wanted):
        return None
    return Path(found), done.stdout.strip().lstrip("v")


def find_npm(agent: str) -> str:
    """Return npm; raises EnvironmentLacks."""
    if found := shutil.which("npm"):
        return found
    raise EnvironmentLacks(
        f"{agent} comes from npm, and there is no npm on PATH",
        "install Node.js 20 or later with npm and run this again",
    )


def managed_node(wanted: str | None) -> tuple[str, str]:
    """Return (package name, version) of a Node.js as an npm package; raises EnvironmentLacks."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform)
    if machine is None or system is None or not in_range(parse_version(MANAGED_NODE), wanted):
        raise EnvironmentLacks(
            f"Node.js {wanted} is needed", "install it, put it first in PATH and run this again"
        )
    return f"node-{system}-{machine}", MANAGED_NODE


def run_tool(argv: Sequence[str], folder: Path, extra: Mapping[str, str], doing: str) -> str:
    """Run one step of an installation and return its standard output.

    Raises EnvironmentLacks that says what is missing, as far as its output tells.
    """
    env = {key: value for key, value in os.environ.items() if key not in _LEAKS} | dict(extra)
    try:
        done = subprocess.run(
            argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=_MINUTES * 60, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise EnvironmentLacks(f"{doing} took more than {_MINUTES} minutes", "check the network") from error
    except OSError as error:
        raise EnvironmentLacks(f"{doing}: {argv[0]} cannot be started: {error.strerror}") from error
    if done.returncode:
        raise _translated(doing, done.returncode, done.stderr + done.stdout)
    return done.stdout


def _translated(doing: str, code: int, output: str) -> EnvironmentLacks:
    if _NO_SPACE.search(output):
        return EnvironmentLacks(f"{doing}: the disk is full", "free some space and run this again")
    if _NO_NETWORK.search(output):
        return EnvironmentLacks(
            f"{doing}: the package registry cannot be reached",
            "check the network, or the proxy and registry settings of pip and npm, and run this again",
        )
    if _NO_VERSION.search(output):
        return EnvironmentLacks(
            f"{doing}: the registry does not have this version, or not for this machine",
            "another registry or Python may have it; an agent file of your own can pin another version",
        )
    last = [line for line in output.strip().splitlines() if line.strip()][-3:]
    return EnvironmentLacks(
        f"{doing} ended with exit code {code}: {' | '.join(last)[:500]}", "run this again"
    )
