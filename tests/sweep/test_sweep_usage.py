"""What is asked wrongly of a sweep is one line, and launches nothing."""

import pytest

from tests.cli.calls import call, head, refused

ASK = ("sweep", "--agent", "nop", "--task", "mutations/python-lru-cache")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty ledger in the folder where the command is called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHLEDGER_LEDGER", str(tmp_path / "ledger.db"))
    call("init")
    return tmp_path / "ledger.db"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("sweep",), 2, "name a plan file"),
        (("sweep", "--agent", "nop"), 2, "--task"),
        ((*ASK[:3], "--task", "mutatoins/*"), 2, "choices"),
        (("sweep", "--agent", "nopp", *ASK[3:]), 2, "did you mean 'nop'"),
        (("sweep", "--agent", "codex", *ASK[3:]), 2, "--endpoint URL or --scripted"),
        (("sweep", "--agent", "codex", *ASK[3:], "--endpoint", "http://127.0.0.1:9"), 2, "--model"),
        ((*ASK, "--shard", "3/2"), 2, "write I/N"),
        ((*ASK, "--until", "sometime"), 2, "06:00"),
        ((*ASK, "--min-free-disk", "lots"), 2, "5GB"),
        ((*ASK, "--max-cost", "3"), 2, "needs prices"),
        ((*ASK, "--price", "1,2"), 2, "names no model"),
        ((*ASK, "--model", "m", "--price", "m=a,b"), 2, "is no price"),
        ((*ASK, "--policy", "gated-2"), 2, "did you mean 'gated-1'"),
        ((*ASK, "--sweep", "no good"), 2, "sweep: "),
        ((*ASK, "--limit", "hours=3"), 1, "limits are"),
        ((*ASK, "--scripted", "--endpoint", "http://127.0.0.1:9"), 2, "exclude each other"),
        ((*ASK, "--endpoint", "http://127.0.0.1:9", "--header", "x=secret"), 2, "no place for a value"),
        (("sweep", "status"), 1, "no sweep was planned"),
    ],
)
def test_what_is_asked_wrongly_is_one_line_and_appends_nothing(here, args, code, said):
    before = head(here)
    assert said in refused(*args, code=code)
    assert head(here) == before


def test_a_plan_and_options_of_a_plan_exclude_each_other(here, tmp_path):
    (tmp_path / "p.toml").write_text(
        'sweep = "s"\nagents = ["nop"]\ntasks = ["mutations/python-lru-cache"]\n'
    )
    assert "--repeat is the plan's to say" in refused("sweep", "p.toml", "--repeat", 3, code=2)


def test_a_plan_that_is_here_is_not_overwritten(here, tmp_path):
    (tmp_path / "mine.toml").write_text("# mine\n")
    assert "says something else" in refused(*ASK, "--sweep", "mine", code=2)
    assert (tmp_path / "mine.toml").read_text() == "# mine\n"


def test_all_that_a_machine_lacks_is_said_before_anything_is_launched(here, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(
            f'name = "{name}"\nversion = "1.0"\nprotocols = ["openai-chat"]\n'
            '[install]\nkind = "npm"\npackages = ["no@1.2.3"]\nbin = "no"\n'
            '[launch]\nargv = ["{bin}", "{instruction}"]\n'
        )
    files = ("--agent-file", "one.toml", "--agent-file", "two.toml")
    before = head(here)
    said = refused("sweep", "--agent", "one,two", *ASK[3:], "--scripted", *files, code=3)
    assert "one 1.0 is not installed" in said
    assert "two 1.0 is not installed" in said
    assert head(here) == before


def test_the_help_of_a_sweep_is_that_of_its_start():
    assert "--max-cost" in call("sweep", "--help").stdout
    assert "last one, or NAME" in call("sweep", "status", "--help").stdout
