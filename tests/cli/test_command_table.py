"""One lazy table of commands: quick to ask for help, and true to the commands."""

import subprocess
import sys
import time

import click
import pytest

from benchledger.ledger.cli.common import Command
from benchledger.ledger.cli.main import COMMANDS, cli
from benchledger.ledger.cli.reference import every_command, markdown
from tests.cli.calls import COMMAND, call, spawn

HEAVY = ("pydantic", "blake3", "docker", "sqlite_utils", "rich", "importlib.metadata")
EVERY = dict(every_command())

_LOADED = """
import sys
from benchledger.ledger.cli.main import cli
for command in {commands!r}:
    try:
        cli.main([*command, "--help"])
    except SystemExit as end:
        assert end.code == 0
print(sorted(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


def loaded_by(*commands):
    script = _LOADED.format(commands=commands, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stderr.strip()


def test_help_imports_nothing_but_click():
    assert loaded_by([]) == "[]"


def test_the_help_of_every_command_imports_no_library_either():
    assert loaded_by(*([name] for name in COMMANDS)) == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_of_the_table_is_the_first_line_of_the_command(name):
    command = EVERY[f"benchledger {name}"]
    assert command.help.splitlines()[0] == COMMANDS[name][1]
    assert command.name == name


@pytest.mark.parametrize("path", EVERY)
def test_every_command_has_an_example_that_names_it(path):
    command = EVERY[path]
    assert isinstance(command, Command)
    assert any(path in example for example in command.examples)
    shown = call(*path.split()[1:], "--help").stdout
    assert "Examples:" in shown
    assert command.examples[0] in shown


@pytest.mark.parametrize("path", [path for path in EVERY if path != "benchledger completion"])
def test_every_command_that_prints_takes_json(path):
    command = EVERY[path]
    if not isinstance(command, click.Group):
        assert "--json" in [name for option in command.params for name in option.opts]


def test_the_reference_names_every_command_and_option():
    text = markdown()
    for path, command in EVERY.items():
        assert f"### `{path}`" in text
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[-1] in text
    assert text.isprintable() or "\n" in text


def test_help_takes_at_most_three_times_an_import_of_click():
    def fastest(command):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return min(times)

    assert fastest([*COMMAND, "--help"]) <= 3 * fastest([sys.executable, "-c", "import click"])


def test_an_unknown_command_names_the_nearest():
    result = call("verfy", code=2)
    assert "Did you mean 'verify'?" in result.stderr


def test_the_version_is_printed():
    done = spawn("--version", text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("benchledger 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell):
    assert "_BENCHLEDGER_COMPLETE" in call("completion", shell).stdout


def test_completion_offers_commands_and_options():
    found = cli.shell_complete(click.Context(cli, info_name="benchledger"), "re")
    assert [item.value for item in found] == ["rescore", "regrade", "recheck", "rebuild"]
