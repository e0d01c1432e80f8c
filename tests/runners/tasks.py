"""Small tasks made for a test."""

from __future__ import annotations

from pathlib import Path

from benchledger.runners.task import Task, load_task

TOML = """\
title = "Two and two"
language = "python"
toolchain = ["python3"]

[limits]
seconds = 60

[checks]
command = ["sh", "check.sh"]
seconds = 20
report = "names"

[expectations]
expected = ["sum.txt"]
protected = ["tests/**"]
partial_credit = true
"""

FILES = {
    "task.toml": TOML,
    "instruction.md": "Write the sum of 2 and 2 into sum.txt.\n",
    "workdir/sum.txt": "5\n",
    "workdir/src/kept.txt": "kept\n",
    "workdir/tests/visible.sh": "grep -qx 4 sum.txt\n",
    "checks/check.sh": (
        'if grep -qx 4 sum.txt; then echo "ok sum"; else echo "not ok sum"; bad=1; fi\n'
        'if [ -s src/kept.txt ]; then echo "ok kept"; else echo "not ok kept"; bad=1; fi\n'
        "exit ${bad:-0}\n"
    ),
    "solution/sum.txt": "4\n",
}


def write_task(root: Path, files: dict[str, str] | None = None, **changed: str | None) -> Path:
    """Write a task below `root`; `changed` replaces files (`task_toml="…"`), None leaves one out."""
    folder = root / "made" / "sum"
    names = {name.replace("/", "_").replace(".", "_"): name for name in FILES}
    wanted = {**FILES, **(files or {}), **{names[key]: text for key, text in changed.items()}}
    for name, text in wanted.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def made_task(root: Path, files: dict[str, str] | None = None, **changed: str | None) -> Task:
    """Write a task and load it."""
    return load_task(write_task(root, files, **changed))
