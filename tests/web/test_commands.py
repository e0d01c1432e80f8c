"""What is printed for pasting: the right words, none where nothing can be run, and foreign names that stay words."""

import re
import shlex
import subprocess

import pytest

from benchledger.ledger.append import declare
from benchledger.ledger.cli.shipped import shipped
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.attempt_facts import facts_of
from benchledger.ledger.web.cell.commands import run_it_yourself
from benchledger.ledger.web.shell import Raw, benchledger, line, option, quoted
from benchledger.ledger.web.view import Settings, View
from benchledger.schema.events import AgentIdentity, CellExited, CellSetup, GraderRan
from benchledger.schema.history import PriceDeclared
from benchledger.schema.ids import split_ref
from benchledger.schema.ports import Draft
from benchledger.schema.task import Limits, TaskIdentity
from benchledger.scorers.composite import GATED_1
from tests.cells.parts import PYTHON, prepared, run_into, source_of
from tests.ledgers import checked, closed, published

HEX = "ab" * 32
HOSTILE = [
    "$(touch owned)", "`touch owned`", "a;touch owned", "a'b\"c", "!!", "-x", "--help", "\\", "*", "~", "",
    "a\x1b[31mred\x07", "\u202egnp.exe", "a\u2028b", "line\nbreak", "é漢", "$'\\x41'", "&&", "|x", ">y", "#z",
]  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / "cells.db") as made:
        declare(made, GATED_1)
        yield made
    checked(tmp_path / "cells.db")


def facts(ledger, ref):
    with View(ledger.path, Settings(name=ledger.path.name)) as view:
        return facts_of(Attempt(view, *split_ref(ref)))


def groups(ledger, ref):
    told = run_it_yourself(facts(ledger, ref), shipped())
    return {group["name"]: group for group in told["groups"]} | {"told": told}


def texts(group):
    return [each["command"] for each in group["commands"]]


def joined(told):
    """Return every command as one line, as a shell reads it."""
    every = [command for group in told["told"]["groups"] for command in texts(group)]
    return "\n".join(every).replace(" \\\n    ", " ")


def attempt(ledger, *, cell="s/aider/m/mutations/python-lru-cache#run1", mode="live", **setup):
    """Append an attempt that ran somewhere, as it was set up; returns its ref."""
    agent = {"name": cell.split("/")[1], "version": "0.86.2"} | setup.pop("agent", {})
    model = "/".join(cell.split("/")[2:-2])
    made = CellSetup(cell_id=cell, agent=AgentIdentity(**agent), model=model, mode=mode, **setup)
    payloads = closed(made, CellExited(exit_code=0), GraderRan(exit_code=0))
    ledger.emit_all([Draft(f"cell/{cell}@1", payload) for payload in payloads])
    return f"{cell}@1"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("shell", [["bash"], ["bash", "--norc", "-i"]], ids=["script", "interactive"])
def test_a_shell_reads_each_word_back_as_it_is(text, shell, tmp_path):
    command = line("printf", "<%s>", option("--ref", text), text)
    assert command.isprintable()
    done = subprocess.run(
        shell, input=f"{command}\n".encode(), capture_output=True, check=False, cwd=tmp_path, timeout=20
    )
    name = f"<--ref={text}>" if text.startswith("-") else f"<--ref><{text}>"
    assert done.stdout.decode().replace("exit\n", "") == f"{name}<{text}>"
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_seen_is_written_as_escapes():
    assert quoted("a\x1b[1m'b") == r"$'a\x1b[1m\'b'"
    assert quoted("\u202e") == r"$'\xe2\x80\xae'"
    assert quoted("plain/word-1.2") == "plain/word-1.2"


def test_a_long_command_is_broken_and_read_as_one():
    words = [option("--limit", f"name{number}=1") for number in range(20)]
    command = line("benchledger", *words)
    assert max(map(len, command.splitlines())) <= 100
    assert shlex.split(command.replace("\\\n", "")) == [
        "benchledger",
        *(part for word in words for part in word.split()),
    ]
    assert line("a", Raw('"$B"')) == 'a "$B"'


def test_a_ledger_or_a_cell_that_looks_like_an_option_is_none():
    assert benchledger("-x.db", "show", place=("-s/a/m/c/t#run1@1",)) == (
        "benchledger --ledger ./-x.db show -- '-s/a/m/c/t#run1@1'"
    )


def test_a_cell_of_our_own_has_every_group(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, source_of(parts, "fail", fault="429", after=1))
    told = groups(ledger, ran.ref)
    assert [name for name, group in told.items() if group.get("missing")] == []
    assert "--scripted --variant fail --fault 429:1" in joined(told)
    assert f"--replay '{ran.ref}'" in joined(told)
    assert "--agent-file ./tiny.toml" in joined(told)
    assert told["again"]["needs"] == ["./tiny.toml: the file of the agent tiny 1.0"]
    assert "your endpoint must serve that" in told["endpoint"]["says"]
    assert "TINY_URL" in told["endpoint"]["says"]
    assert told["try"]["says"].startswith("Provisional: not for citation")
    assert "OpenAI chat completions" in told["endpoint"]["says"]


def test_each_number_has_the_command_that_verifies_its_event(ledger, tmp_path):
    parts = prepared(tmp_path)
    told = groups(ledger, run_into(ledger, parts, source_of(parts)).ref)["told"]
    names = [number["name"] for number in told["numbers"]]
    assert names[-1] == "composite"
    assert {"pass_rate", "latency", "tokens"} <= set(names)
    for number in told["numbers"]:
        row = ledger.connection.execute("SELECT hash FROM events WHERE seq = ?", (number["seq"],)).fetchone()
        assert number["hash"] == row[0].hex()
        assert f"--head {number['seq']}:{number['hash']}" in number["command"]


def test_a_published_cell_can_only_be_checked_and_its_image_pulled(tmp_path):
    with published(tmp_path / "published.db") as ledger:
        query = "SELECT ref FROM attempts WHERE image_digest IS NOT NULL ORDER BY ref LIMIT 1"
        told = groups(ledger, ledger.connection.execute(query).fetchone()[0])
        (bare,) = ledger.connection.execute(
            "SELECT ref FROM attempts WHERE image_digest IS NULL LIMIT 1"
        ).fetchone()
        without = groups(ledger, bare)
    for name in ("again", "endpoint", "try", "recheck"):
        assert "read off a published page" in told[name]["missing"]
        assert told[name]["commands"] == []
    (pull,) = texts(told["docker"])
    assert pull.startswith("docker pull codingagentbench/")
    assert pull.count("sha256:") == 1
    assert "no image of it is named by a digest" in without["docker"]["missing"]
    assert not told["told"]["variables"]


@pytest.mark.parametrize(
    ("image", "digest", "pulled"),
    [
        ("127.0.0.1:5000/a/b:1.0", f"sha256:{HEX}", f"127.0.0.1:5000/a/b@sha256:{HEX}"),
        ("127.0.0.1:5000/a", f"sha256:sha256:{HEX}", f"127.0.0.1:5000/a@sha256:{HEX}"),
        (f"host/a@sha256:{HEX}", f"host/a@sha256:{HEX}", f"host/a@sha256:{HEX}"),
        ("python:3.12", f"sha256:{HEX}", f"python@sha256:{HEX}"),
        ("benchledger-aider:0.86.2", f"sha256:{HEX}", None),
        ("host/a:1", "sha256:short", None),
        ("host/a:1", None, None),
    ],
)
def test_an_image_is_pulled_by_a_digest_that_is_named_once(ledger, image, digest, pulled):
    agent = {"image": image, "image_digest": digest}
    told = groups(ledger, attempt(ledger, sandbox="docker", agent=agent))
    pulls = [command for command in joined(told).splitlines() if command.startswith("docker pull ")]
    assert pulls == ([] if pulled is None else [f"docker pull {pulled}"])
    runs = [command for command in texts(told["again"]) if "--image" in command]
    assert len(runs) == len(pulls)
    assert "sha256:sha256" not in joined(told)
    every = [*told["again"]["commands"], *told["docker"]["commands"]]
    assert any("built locally: comparable, not identical" in each["says"] for each in every)


def test_a_live_cell_names_variables_and_never_a_value(ledger):
    task = TaskIdentity(digest=HEX)
    ref = attempt(
        ledger,
        sandbox="local",
        endpoint_origin="https://models.example.com",
        protocol="openai-chat",
        task=task,
    )
    told = groups(ledger, ref)
    assert [each["name"] for each in told["told"]["variables"]] == ["MODEL_ENDPOINT", "MODEL_ID", "MODEL_KEY"]
    run = texts(told["again"])[-1]
    assert '--endpoint "$MODEL_ENDPOINT" --key-env MODEL_KEY' in run.replace("\\\n    ", "")
    (container,) = (each for each in texts(told["docker"]) if "docker run" in each)
    assert container.startswith('printf %s "$MODEL_KEY" | docker run --rm -i --network "${NETWORK:-bridge}"')
    assert "--key-env" not in container
    assert any("asked https://models.example.com" in each for each in told["again"]["needs"])
    assert any("has changed since" in each for each in told["again"]["needs"])


def test_limits_and_prices_are_repeated_where_they_are_not_the_tasks_own(ledger):
    known = shipped()
    own = known.tasks[PYTHON].limits
    price = PriceDeclared(model="m", currency="USD", prompt=1.25, completion=10.0)
    ledger.emit(Draft("sweep/s", price))
    limits = Limits(**{**own, "seconds": 12.5, "money": 3.0})
    ref = attempt(
        ledger, limits=limits, sandbox="local", task=TaskIdentity(digest=known.tasks[PYTHON].digest)
    )
    run = texts(groups(ledger, ref)["again"])[-1].replace("\\\n    ", "")
    assert run.count("--limit") == 2
    assert {"--limit money=3", "--limit seconds=12.5"} <= set(re.findall(r"--limit \S+", run))
    assert "--price 1.25,10" in run


def test_a_task_an_agent_and_an_overlay_that_do_not_ship_are_asked_for(ledger):
    overlay = {"fast": {"digest": HEX, "args": [], "env_names": [], "files": []}}
    ref = attempt(
        ledger, cell="s/own/m/mine/first#run1", sandbox="local", plugin_stack=("fast",), overlays=overlay,
        behavior_mode="fast", task=TaskIdentity(digest=HEX, private=True),
    )  # fmt: skip
    told = groups(ledger, ref)
    assert "--agent-file ./own.toml --overlay ./fast.toml --tasks tasks" in joined(told)
    assert told["again"]["needs"] == [
        "./own.toml: the file of the agent own 0.86.2",
        f"./fast.toml: an overlay (digest {HEX[:16]}…)",
        f"tasks/mine/first: the task, private, with whoever ran it (digest {HEX[:16]}…)",
    ]
    assert not any("run-cell" in command for command in texts(told["docker"]))
    assert (
        told["recheck"]["missing"]
        == "the files that the agent left were not recorded, or were removed or withheld"
    )


def test_another_version_of_the_agent_is_said(ledger):
    ref = attempt(ledger, sandbox="local", agent={"version": "0.1"}, harness="benchledger 0.0.1")
    needs = groups(ledger, ref)["again"]["needs"]
    assert any("the attempt had 0.1: benchledger 0.0.1 has it" in each for each in needs)


def test_a_hostile_model_is_one_word_everywhere(ledger):
    model = "x$(touch${IFS}owned)/`id`;\u202e'\"|m"
    ref = attempt(ledger, cell=f"s/aider/{model}/c/t#run1", sandbox="local")
    told = groups(ledger, ref)
    assert joined(told).replace("\n", "").isprintable()
    for command in joined(told).splitlines():
        read = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {command.partition(' | ')[2] or command.partition(' >')[0]}"],
            capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"},
        ).stdout.decode().split("\0")  # fmt: skip
        assert all(model in word for word in read if "IFS" in word)


def test_recorded_text_names_no_option_and_no_file_of_the_reader(ledger):
    agent = {"image": "-v/:/host", "image_digest": f"sha256:{HEX}"}
    ref = attempt(
        ledger, cell="s/-h/m/c/t#run1", sandbox="../x", protocol="--help", plugin_stack=("../../etc/passwd",),
        agent=agent, host={"agent_lock": HEX},
    )  # fmt: skip
    told = groups(ledger, ref)
    every = joined(told)
    assert "docker pull" not in every
    assert "passwd" not in every
    assert "--protocol" not in every
    assert "agents install --agent-file ./-h.toml -- -h" in every
    assert every.count("--sandbox") == every.count("--sandbox local") + every.count("--sandbox docker")
    assert "--agent=-h" in every
