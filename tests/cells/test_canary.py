"""A key that goes through a whole cell by every way there is, and is found in nothing that is kept."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from benchledger.runners.plain import OUTPUT
from benchledger.runners.proxy.config import Upstream
from benchledger.runners.secrets import Secrets, without_half
from benchledger.runners.source import live
from tests.cells.parts import PYTHON, agent_file, blob_text, everything, payloads, prepared, run_into
from tests.cells.upstream import asking

KEY = "sk-upstream-Zx81canary93hTq5Lm77"
# The key itself never reaches the agent, whatever the endpoint repeats; the others do.
HEADER = "hdr-4Kp0canary72vYw9Rs31Jd"
QUERY = "qry/8Ju5+canary=16xEo2Nb64Ht"
OWN = "env-6Gd3canary40qXs7Vc58Lf"
CANARIES = {"key": KEY, "header": HEADER, "query": QUERY, "own": OWN}


def forms(text):
    """Return every spelling in which a canary is looked for, and sent."""
    data = text.encode()
    return {
        "plain": data,
        "base64": base64.b64encode(data),
        "gzip": base64.b64encode(gzip.compress(data, mtime=0)),
        "hex": data.hex().encode(),
        "url": urllib.parse.quote(text, safe="").encode(),
        "json": "".join(f"\\u{ord(letter):04x}" for letter in text).encode(),
    }


def commands(text):
    """Return shell commands that put a canary wherever a command can."""
    half = len(text) // 2
    spelled = [f"printf '%s\\n' '{form.decode()}'" for form in forms(text).values()]
    return [
        f"echo out {text}; echo err {text} >&2",
        "; ".join(spelled),
        f"printf '%s\\n%s\\n' '{text[:half]}' '{text[half:]}' | tr -d '\\n'; echo",
        f"(printf '%s' '{text[:half]}'; sleep 0.1; printf '%s\\n' '{text[half:]}') >/dev/tty 2>&1",
        f"echo '# {text}' >>cache.py; touch 'name-{text.replace('/', '_')}'; mkdir -p dir && echo {text} >dir/file",
        f"printf '%s' '{text}' | gzip >packed.gz; printf '%s' '{text}' | base64 >coded; env",
        f'echo \'import sys; print("{text}", file=sys.stderr); print("ok {text}")\' >>cache.py',
    ]


def leaks(kept):
    """Return which canary is found in which form."""
    texts = {name: [*forms(text).items()] for name, text in CANARIES.items()}
    return [f"{name} as {form}" for name, each in texts.items() for form, data in each if data in kept]


def screen(ledger, ran):
    """Return what a recording of a terminal shows when it is played."""
    recording = payloads(ledger, ran.ref, "cell.exited")[0].get("recording")
    lines = blob_text(ledger, recording).splitlines()[1:] if recording else []
    return "".join(json.loads(line)[2] for line in lines).encode()


def upstream(url):
    return Upstream(base_url=url, key=KEY, headers={"X-Extra": HEADER}, query={"sig": QUERY})


def test_the_search_for_canaries_finds_each_form():
    for name, text in CANARIES.items():
        for form, data in forms(text).items():
            assert f"{name} as {form}" in leaks(b"before " + data + b" after")


@pytest.mark.parametrize("pty", [False, True])
def test_no_canary_is_kept_of_a_live_cell_whatever_way_it_goes(ledger, tmp_path, pty):
    said = [command for text in (KEY, OWN, HEADER, QUERY) for command in commands(text)]
    parts = prepared(tmp_path)
    if pty:
        from benchledger.runners.prepare import Request, prepare

        parts = prepare(
            Request(agent="tiny", task=PYTHON, model="m", agent_files=[agent_file(tmp_path, pty=True)])
        )
    with asking(said) as server:
        ran = run_into(ledger, parts, live(upstream(server.url)), secrets={"OWN_KEY": OWN})
        assert all(KEY in headers["authorization"] for _, headers in server.seen)
        assert all(headers["x-extra"] == HEADER for _, headers in server.seen)
        assert len(server.seen) > len(said)
    kept = everything(tmp_path / "cells.db")
    assert leaks(kept) == []
    assert leaks(screen(ledger, ran)) == []
    assert b"[masked:upstream-key]" in kept
    assert b"[masked:OWN_KEY]" in kept
    assert ran.outcome == ("finished", None)


def test_no_canary_is_kept_of_an_error_that_repeats_the_key(ledger, tmp_path):
    parts = prepared(tmp_path)
    with asking([], fails=401) as server:
        ran = run_into(ledger, parts, live(upstream(server.url)), secrets={"OWN_KEY": OWN})
        assert server.seen
    assert ran.outcome == ("infra_error", "auth")
    assert leaks(everything(tmp_path / "cells.db")) == []
    assert leaks(ran.notes.encode()) == []


def test_no_canary_is_shown_or_exported_by_the_commands(tmp_path):
    binary = shutil.which("benchledger", path=Path(sys.executable).parent)
    path = tmp_path / "cells.db"
    env = os.environ | {
        "BENCHLEDGER_LEDGER": str(path),
        "CANARY_KEY": KEY,
        "OWN_TOKEN": OWN,
        "EXTRA": HEADER,
        "SIG": QUERY,
    }

    def call(*argv):
        return subprocess.run([binary, *argv], env=env, capture_output=True, check=False)

    call("init")
    with asking(commands(KEY) + commands(OWN)) as server:
        done = call(
            *("run", "--agent", "tiny", "--agent-file", str(agent_file(tmp_path)), "--task", PYTHON),
            *("--model", "m", "--endpoint", server.url, "--key-env", "CANARY_KEY", "--no-preflight"),
            *("--header", "X-Extra=env:EXTRA", "--query", "sig=env:SIG"),
        )
        assert done.returncode == 0, done.stderr
        assert server.seen
    exported = call("export")
    assert exported.returncode == 0, exported.stderr
    shown = call("show", "--json", json.loads(call("cells", "--json").stdout)[0]["cell_id"])
    assert shown.returncode == 0, shown.stderr
    for data in (done.stdout, done.stderr, exported.stdout, shown.stdout, everything(path)):
        assert leaks(data) == []
    left = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert [each.name for each in left if leaks(each.read_bytes())] == []


def test_a_canary_that_a_cap_cuts_in_two_leaves_no_half(ledger, tmp_path):
    parts = prepared(tmp_path)
    half = 20
    start = OUTPUT // 2 - half
    code = f"import sys; sys.stderr.write('x' * {start} + {OWN!r} + 'y' * {OUTPUT})"
    with asking([f"printf '%s' {shlex.quote(code)} >cache.py"]) as server:
        run_into(ledger, parts, live(upstream(server.url)), secrets={"OWN_KEY": OWN})
    assert OWN[:half].encode() not in everything(tmp_path / "cells.db")


@pytest.mark.parametrize("size", [4, 12, len(KEY) - 1])
def test_the_beginning_of_a_secret_at_a_cut_is_blanked(size):
    known = Secrets.named({"key": KEY})
    assert without_half(b"text " + KEY[:size].encode(), known) == b"text [masked:key]"
    assert without_half(b"text " + KEY[:3].encode(), known) == b"text " + KEY[:3].encode()
