"""The README is run: every console block, in order, in one empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchledger.ledger.store import Ledger
from tests.ledgers import CELLS, DATA, checked

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _console_steps() -> Iterator[tuple[str, str]]:
    """Yield (command, expected output) of every console block; `…` stands for any text."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            yield command, output.strip()


def _pattern(expected: str) -> re.Pattern[str]:
    parts = (".*" if part == "…" else re.escape(part) for part in re.split("(…)", expected))
    return re.compile("".join(parts), re.DOTALL)


def test_every_console_block_prints_what_the_readme_says(tmp_path: Path) -> None:
    shutil.copy(CELLS, tmp_path)
    example = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert example is not None
    (tmp_path / "run.json").write_text(example.group(1), encoding="utf-8")
    folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
    steps = list(_console_steps())
    assert len(steps) >= 10
    for command, expected in steps:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        shown = (done.stdout + done.stderr).strip()
        assert done.returncode == 0, f"$ {command}\n{shown}"
        assert _pattern(expected).fullmatch(shown), f"$ {command}\nREADME:\n{expected}\nprinted:\n{shown}"
    for name in ("benchledger.db", "copy.db"):
        checked(tmp_path / name)
    with Ledger.open(tmp_path / "benchledger.db") as first, Ledger.open(tmp_path / "copy.db") as copy:
        assert first.head() == copy.head()


def test_the_worked_example_scores_what_the_readme_works_out(tmp_path: Path) -> None:
    found = re.search(r"= (0\.\d+)\.\n", README.partition("## What the numbers mean")[0])
    assert found is not None
    assert round((0.5 + 0.15 * 0.5 + 0.15 * 0.5 + 0.1) / 0.9, 3) == float(found.group(1))
    assert (DATA / "run-records" / "pass.json").exists()
    assert tmp_path.exists()


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
