"""What a cell's container is created with."""

from __future__ import annotations

from typing import Any

from docker.types import LogConfig, Ulimit

from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.port import MARKER, Caps
from benchledger.runners.sandboxes.volume import CELL, OWNER, PLACES
from benchledger.schema.task import Limits

__all__ = ["held", "settings"]

# Waits for a line, so that the proxy listens before the program starts, and ends where the runner is gone.
# Runs the program as a child, so that what it leaves behind can be counted. What shells print of signals
# goes nowhere.
_WRAPPER = """\
{quiet}printf '\\001'
IFS= read -r mark || exit 125
{loud}unset PWD OLDPWD SHLVL
trap : TERM
exec 3>&2 2>/dev/null
"$@" 2>&3 3>&-
code=$?
left=-2
for each in /proc/[0-9]*; do left=$((left + 1)); done
printf '\\036%s %s\\n' "$mark" "$left"
exit $code
"""
# the init and the shell around the program
_OWN_PIDS = 2


def held(limits: Limits) -> list[str]:
    """Return the controllers that hold a limit."""
    pairs = [("cpu", limits.cpus), ("memory", limits.memory_mb), ("pids", limits.pids)]
    return [name for name, value in pairs if value]


def settings(launch: Launch, limits: Limits, environment: dict[str, str], caps: Caps) -> dict[str, Any]:
    """Return everything that the container is created with."""
    quiet = f"stty rows {caps.rows} cols {caps.columns} -echo\n" if launch.pty else ""
    script = _WRAPPER.format(quiet=quiet, loud="stty echo\n" if launch.pty else "")
    memory = limits.memory_mb << 20 if limits.memory_mb else None
    bounds = {
        # without the second one the engine grants as much swap again
        "mem_limit": memory,
        "memswap_limit": memory,
        "pids_limit": limits.pids + _OWN_PIDS if limits.pids else None,
        "nano_cpus": int(limits.cpus * 1e9) if limits.cpus else None,
    }
    return {
        "command": ["sh", "-c", script, "sh", *launch.argv],
        "entrypoint": [],
        "environment": environment,
        "working_dir": PLACES.work,
        "user": f"{OWNER}:{OWNER}",
        "stdin_open": True,
        "tty": launch.pty,
        "init": True,
        "read_only": True,
        "volumes": [CELL],
        "tmpfs": {"/tmp": "size=64m,mode=1777,exec,nosuid,nodev"},  # noqa: S108  inside the container
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ipc_mode": "private",
        # where the machine itself has no memory left, the kernel ends programs of cells first
        "oom_score_adj": 1000,
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=4096, hard=4096),
            Ulimit(name="fsize", soft=caps.disk_bytes, hard=caps.disk_bytes),
        ],
        # streams are read from the connection; a copy in a log file would be kept by nobody
        "log_config": LogConfig(type="none"),
        "labels": {engine.OWNER_LABEL: engine.owner(), "benchledger.attempt": environment[MARKER]},
        **{name: value for name, value in bounds.items() if value is not None},
    }
