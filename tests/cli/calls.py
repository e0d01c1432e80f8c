"""Call the command line, in this process or in one of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from benchledger.ledger.cli.main import cli

DATA = Path(__file__).parents[1] / "data"
PUBLISHED = str(DATA / "cab-cells.jsonl")
RUNS = sorted(str(path) for path in (DATA / "run-records").glob("*.json"))
COMPLETE = "expansion-20260616/copilot/meta/llama-4-maverick-17b-128e-instruct/mutations/rust-error-negated"

# The command without its script, which not every way of running the tests installs.
COMMAND = [sys.executable, "-c", "from benchledger.ledger.cli.main import main; main()"]


def call(*args, code=0, **extra):
    """Run one command in this process; returns its result after the exit code was checked."""
    result = CliRunner().invoke(cli, [str(arg) for arg in args], **extra)
    assert "Traceback" not in result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def answer(*args, code=0):
    """Run one command with --json and return what it says."""
    return json.loads(call(*args, "--json", code=code).stdout)


def refused(*args, code):
    """Run one command that fails; returns the one line that it says on standard error."""
    result = call(*args, code=code)
    return one_error(result.stderr)


def one_error(stderr):
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("Error: ")
    assert "; " in lines[0], f"the next step is missing: {lines[0]}"
    return lines[0]


def spawn(*args, **extra):
    """Run one command in a process of its own."""
    options = {"capture_output": True, "timeout": 120} | extra
    return subprocess.run([*COMMAND, *map(str, args)], check=False, **options)


def environment(**changes):
    return {name: value for name, value in (os.environ | changes).items() if value is not None}


def head(path):
    """Return the head of a ledger without asking the command line."""
    from benchledger.ledger.store import Ledger

    with Ledger.open(path) as ledger:
        return ledger.head()
