"""Parts of a task made for a test."""

from __future__ import annotations

from typing import Any

from benchledger.runners.maker import Content, Parts
from benchledger.runners.solving import solving_script
from benchledger.schema.task import Expectations, Limits


def contents(files: dict[str, str | bytes]) -> dict[str, Content]:
    """Return files whose names end in `*` as executable ones."""
    return {
        name.removesuffix("*"): Content(text.encode() if isinstance(text, str) else text, name.endswith("*"))
        for name, text in files.items()
    }


def made_parts(**changed: Any) -> Parts:
    """Return a task of which the sum is wrong, an old file has to go and a new one to come."""
    workdir = contents(
        {"sum.txt": "1\n5\n9\n", "old/gone.txt": "old\n", "run.sh": "true\n", "t/old.sh": "exit 1\n"}
    )
    solution = contents({"sum.txt": "1\n4\n9\n", "run.sh*": "true\n", "new/deep.txt": "new\n"})
    check = "test -e t/old.sh && exit 3; test -x run.sh && test ! -e old && grep -qx 4 sum.txt && cat new/deep.txt\n"
    given: dict[str, Any] = {
        "category": "made",
        "name": "sum",
        "title": 'The "sum" is\twrong',
        "language": "shell",
        "toolchain": ("sh",),
        "instruction": "Put the sum right.\n",
        "workdir": workdir,
        "checks": contents({"t/check.sh": check}),
        "solution": solution,
        "removes": ("old/gone.txt",),
        "checks_remove": ("t/old.sh",),
        "command": ("sh", "t/check.sh"),
        "expectations": Expectations(
            expected=("sum.txt", "run.sh", "new/deep.txt", "old/gone.txt"), protected=("t/*",)
        ),
        "limits": Limits(seconds=60),
        "script": solving_script(workdir, solution, ("old/gone.txt",)),
    }
    return Parts(**(given | changed))
