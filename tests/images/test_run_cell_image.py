"""`run-cell` for real: an image that runs a cell by itself, and an agent in it that looks for the key."""

from __future__ import annotations

import gzip
import os
import time

import pytest

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.store import Ledger
from benchledger.runners.sandboxes.run_cell import AGENT, CHECKS
from benchledger.runners.sandboxes.volume import OWNER
from tests.cells.parts import PYTHON, agent_file, blob_text
from tests.cli.calls import answer
from tests.cli.test_shapes import IMAGE, holds
from tests.images.containers import run_in
from tests.ledgers import checked

KEY = "canary-7f3a9c51d2e84b60"
NAMESPACES = {"cap_add": ["SYS_ADMIN", "NET_ADMIN"]}

# Says only where it found something: what it prints is masked before it is kept.
SPY = r"""
id -u; stat -c 'root is %u' /proc/1
cat /proc/1/environ /proc/1/mem /proc/1/fd/0 >/dev/null
env | grep -q 'can[a]ry' && echo FOUND own environment
for each in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do
    grep -qsa 'can[a]ry' "$each" && echo FOUND "$each"
done
find / -path /proc -prune -o -path /sys -prune -o -type f -readable -print0 2>/dev/null |
    xargs -0 grep -lsa 'can[a]ry' | sed 's/^/FOUND /'
find / -path /proc -prune -o \
    \( -name hidden_tests.py -o -name 'cell.db*' -o -name key -o -path '*/checks/*' \) -print |
    while read -r each; do [ -r "$each" ] && echo FOUND "$each"; done
ls /opt/benchledger >/dev/null 2>&1 && echo FOUND the package
kill -9 1 2>/dev/null; sleep 0.2; echo done
"""

SPY_FILE = """\
name = "spy"
version = "1.0"
protocols = ["openai-chat"]
[install]
kind = "none"
bin = "sh"
[launch]
argv = ["{bin}", "{home}/spy.sh", "{instruction}"]
[launch.files]
"spy.sh" = '''
SCRIPT'''
"""


@pytest.fixture(scope="session")
def tag(client, image, tmp_path_factory):
    """The image with the tiny agent, a spy and one that sleeps as files; of a name of this process's own."""
    folder = tmp_path_factory.mktemp("inside")
    name = f"tiny-{os.getpid()}"
    file = agent_file(folder, name=name)
    (folder / "spy.toml").write_text(SPY_FILE.replace("SCRIPT", SPY))
    agent_file(folder, "sleep", name="sleeper")
    (made,) = answer("images", "build", name, "--agent-file", folder, "--run-cell")
    holds(made, IMAGE)
    assert made["image"] == f"benchledger-{name}:1.0-run-cell"
    assert made["base"] == image
    assert file.exists()
    yield made["image"]
    client.api.remove_image(made["image"], force=True)


@pytest.fixture
def db(tmp_path, monkeypatch):
    path = tmp_path / "host.db"
    monkeypatch.setenv("BENCHLEDGER_LEDGER", str(path))
    Ledger.create(path).close()
    yield path
    checked(path, use_last_seen=False)


def inside(tag, agent, *words):
    return ("run-cell", "--agent", agent, "--task", PYTHON, *words)


def appended(done, tmp_path):
    """Append a bundle on the host; return the row of its cell and its ref there."""
    bundle = tmp_path / "cell.jsonl.gz"
    bundle.write_bytes(done.out)
    said = answer("append", bundle)
    assert said["cells"] == 1
    assert answer("append", bundle)["already"] == 1
    assert answer("verify")["ok"]
    (row,) = answer("cells")
    return row, f"{row['origin']}:{row['cell_id']}@{row['attempt']}"


def of_type(ledger, ref, name):
    events = ledger.stream(stream_of(ref))
    return [event.payload for event in events if event.meta.type == name]


def test_a_cell_runs_in_its_image_and_its_bundle_is_appended_on_the_host(client, tag, db, tmp_path):
    name = tag.removeprefix("benchledger-").partition(":")[0]
    digest = "sha256:" + "ab" * 32
    done = run_in(client, tag, inside(tag, name, "--scripted", "--price", "1.5,6", "--image-digest", digest))
    assert done.code == 0, done.err
    assert "Passed: 6 of 6 checks" in done.err
    row, ref = appended(done, tmp_path)
    assert f"composite {row['composite']:.3f} under gated-1" in done.err
    assert row["composite"] > 0.9
    assert row["mode"] == "scripted"
    assert row["standing_reasons"] == ["mode scripted: no model was asked", "network not isolated"]
    with Ledger.open(db) as ledger:
        (setup,), (launched,) = (of_type(ledger, ref, name) for name in ("cell.setup", "cell.launched"))
        prices = [event.payload["prompt"] for event in ledger.events() if event.meta.type == "price.declared"]
    assert prices == [1.5]
    assert setup["sandbox"] == "run-cell"
    assert setup["agent"]["image"] == tag
    assert setup["agent"]["image_digest"] == digest
    assert setup["host"]["not_isolated"] == ["network"]
    assert launched["network"] == "not isolated"


def test_with_namespaces_the_network_is_isolated_and_the_image_is_known_from_its_build(
    client, tag, db, tmp_path
):
    name = tag.removeprefix("benchledger-").partition(":")[0]
    done = run_in(client, tag, inside(tag, name, "--scripted"), **NAMESPACES)
    assert done.code == 0, done.err
    row, ref = appended(done, tmp_path)
    # verified and planned, with an image: nothing speaks against it but that no model was asked
    assert row["standing_reasons"] == ["mode scripted: no model was asked"]
    with Ledger.open(db) as ledger:
        (setup,) = of_type(ledger, ref, "cell.setup")
        spans = of_type(ledger, ref, "span.recorded")
    assert setup["agent"]["image_id"].startswith("sha256:")
    assert "not_isolated" not in setup["host"]
    (isolation,) = (span["attributes"]["isolation"] for span in spans if span["kind"] == "container")
    assert set(isolation) == {"environment", "home", "network", "processes", "user"}


def test_half_of_the_capabilities_give_half_of_the_namespaces(client, tag, db, tmp_path):
    name = tag.removeprefix("benchledger-").partition(":")[0]
    done = run_in(client, tag, inside(tag, name, "--scripted"), cap_add=["SYS_ADMIN"])
    assert done.code == 0, done.err
    row, ref = appended(done, tmp_path)
    assert "network not isolated" in row["standing_reasons"]
    with Ledger.open(db) as ledger:
        spans = of_type(ledger, ref, "span.recorded")
    (isolation,) = (span["attributes"]["isolation"] for span in spans if span["kind"] == "container")
    assert set(isolation) == {"environment", "home", "processes", "user"}


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (["--key-file", "/run/key"], {"files": {"run/key": (KEY.encode(), 0o600)}}),
        (["--key-stdin"], {"stdin": KEY.encode() + b"\n"}),
        (["--key-env", "UPSTREAM"], {"environment": {"UPSTREAM": KEY}}),
        (["--key-env", "UPSTREAM"], {"environment": {"UPSTREAM": KEY}, **NAMESPACES}),
    ],
    ids=["file", "stdin", "environment", "environment-namespaces"],
)
def test_an_agent_finds_neither_key_nor_checks_nor_ledger(client, tag, db, tmp_path, words, settings):
    live = ("--model", "m", "--endpoint", "http://127.0.0.1:9", "--no-preflight", *words)
    done = run_in(client, tag, inside(tag, "spy", *live), **settings)
    assert done.code == 0, done.err
    assert ("warning: " in done.err) == ("--key-env" in words)
    _, ref = appended(done, tmp_path)
    with Ledger.open(db) as ledger:
        (exited,) = of_type(ledger, ref, "cell.exited")
        said, complained = (blob_text(ledger, exited[name]) for name in ("stdout", "stderr"))
    assert said.splitlines() == [str(AGENT[0]), "root is 0", "done"]
    assert complained.count("/proc/1/") >= 2
    assert KEY.encode() not in gzip.decompress(done.out)


def test_the_spy_does_find_what_is_left_open(client, tag):
    """Else the test before could not fail; here it is root."""
    script = f'echo {KEY} >/run/key; exec sh -c "$1"'
    spy = SPY.replace("kill -9 1", ": kill")
    done = run_in(client, tag, ["-c", script, "sh", spy], entrypoint=["sh"], environment={"UPSTREAM": KEY})
    found = done.out.decode().splitlines()
    assert {"FOUND own environment", "FOUND /proc/1/environ", "FOUND /run/key", "FOUND the package"} <= set(
        found
    )
    assert any(line.endswith("python-lru-cache/checks/hidden_tests.py") for line in found)


def test_a_key_or_checks_that_the_agent_could_read_are_refused(client, tag):
    words = ("--model", "m", "--endpoint", "http://127.0.0.1:9", "--no-preflight", "--key-file", "/run/key")
    done = run_in(client, tag, inside(tag, "spy", *words), {"run/key": (KEY.encode(), 0o644)})
    assert (done.code, done.out) == (3, b"")
    assert "the agent could read /run/key; give it to root alone" in done.err
    assert KEY not in done.err


def test_the_users_are_those_that_images_have(client, tag):
    assert AGENT == (OWNER, OWNER)
    assert CHECKS[0] not in {0, OWNER}
    done = run_in(client, tag, ["--version"])
    assert done.out.startswith(b"benchledger ")


def test_a_container_that_is_stopped_hands_out_an_aborted_cell(client, tag, db, tmp_path):
    def stop(container):
        # not before the agent runs; the command line of run-cell itself names no tiny.py
        while not any("tiny.py" in " ".join(line) for line in container.top()["Processes"] or []):
            time.sleep(0.1)
        container.stop(timeout=20)

    done = run_in(client, tag, inside(tag, "sleeper", "--scripted"), during=stop)
    assert done.code == 130, done.err
    row, _ = appended(done, tmp_path)
    assert row["outcome"] == "aborted"
    assert row["composite"] is None
