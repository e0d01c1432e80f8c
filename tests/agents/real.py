"""One real agent on one file: a private HOME, a scripted model, and what the agent left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchledger.runners.agents.install import Installed
from benchledger.runners.agents.plan import plan_launch
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.launch import Endpoint
from tests.agents.fake import Script, serving

BEFORE = "def total(items):\n    return sum(items[1:])\n"
AFTER = "def total(items):\n    return sum(items)\n"
# not `sed -i`: qwen-code sees an edit in it, and refuses one of a file that it has not read
COMMAND = "printf 'def total(items):\\n    return sum(items)\\n' > adder.py"
BLOCK = (
    "adder.py\n```python\n<<<<<<< SEARCH\n    return sum(items[1:])\n=======\n    return sum(items)\n"
    ">>>>>>> REPLACE\n```\n"
)
INSTRUCTION = "Correct total() in adder.py: it leaves out the first item."
RULE = "The word of this folder is heliotrope."
TOKEN = "attempt-token-7f3a"


@dataclass(frozen=True)
class Run:
    """How it went. `changed` are paths that git sees as new or changed, ignored ones included."""

    code: int | None
    seconds: float
    output: str
    text: str
    changed: list[str]
    seen: list[dict[str, Any]]
    home: Path


def git(folder: Path, *args: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-C", str(folder), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def workdir_in(folder: Path) -> Path:
    workdir = folder / "workdir"
    workdir.mkdir()
    (workdir / "adder.py").write_text(BEFORE)
    (workdir / "AGENTS.md").write_text(RULE + "\n")
    git(workdir, "init", "--quiet", "--initial-branch=main")
    git(workdir, "add", ".")
    git(workdir, "commit", "--quiet", "--message=start")
    return workdir


def run_agent(
    spec: AgentSpec, ready: Installed, folder: Path, protocol: str = "", seconds: float = 120
) -> Run:
    """Run `spec` on a fresh workdir in `folder`."""
    workdir, home, scratch = workdir_in(folder), folder / "home", folder / "scratch"
    home.mkdir()
    scratch.mkdir()
    with serving(Script(COMMAND, BLOCK)) as script:
        endpoint = Endpoint(script.url, TOKEN, protocol or spec.protocols[0], "test/model-1")
        launch = plan_launch(spec, endpoint, INSTRUCTION, str(workdir), str(home), installed=ready)
        for name, text in launch.files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        env = {"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(scratch), "LANG": "C.UTF-8", **launch.env}
        started = time.monotonic()
        process = subprocess.Popen(
            launch.argv, cwd=workdir, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
    status = git(workdir, "status", "--porcelain", "--ignored", "--untracked-files=all")
    return Run(
        process.returncode,
        time.monotonic() - started,
        output.decode(errors="replace"),
        (workdir / "adder.py").read_text(),
        sorted(line[3:] for line in status.splitlines()),
        script.seen,
        home,
    )
