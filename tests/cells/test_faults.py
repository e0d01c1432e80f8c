"""What goes wrong with the endpoint or the agent, and what the attempt is worth then."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchledger.runners.prepare import Request, prepare
from benchledger.runners.proxy.config import Upstream
from benchledger.runners.source import live
from tests.cells.parts import PYTHON, payloads, prepared, run_into, source_of, steps

FIX = "sed -i 's/^        self._entries.key. = value/&\\n        self._entries.move_to_end(key)/' cache.py"
LIMIT = 6.0


def fault(ledger, tmp_path, name, then="nothing", limits=(), **more):
    """Run the tiny agent on the task's script, with a fault of the endpoint."""
    parts = prepared(tmp_path, then, limits=dict(limits))
    return run_into(ledger, parts, source_of(parts, fault=name, **more))


def solved(ran):
    assert ran.judged.axes["pass_rate"].value == 1
    assert ran.composite > 0.5
    return ran


@pytest.mark.parametrize(
    ("name", "kind", "calls"),
    [
        ("401", "auth", 1),
        ("403", "auth", 1),
        ("429", "rate_limit", 3),
        ("500", "upstream", 3),
        ("refuse", "unreachable", 3),
        ("drop", "unreachable", 3),
    ],
)
def test_an_endpoint_that_fails_to_the_end_leaves_no_score(ledger, tmp_path, name, kind, calls):
    ran = fault(ledger, tmp_path, name)
    assert ran.outcome == ("infra_error", kind)
    assert ran.composite is None
    assert len(payloads(ledger, ran.ref, "model.called")) == calls


def test_an_endpoint_that_fails_after_some_work_leaves_no_score_either(ledger, tmp_path):
    ran = fault(ledger, tmp_path, "500", after=1)
    assert ran.outcome == ("infra_error", "upstream")
    assert ran.composite is None


def test_an_endpoint_that_recovers_costs_nothing_but_time(ledger, tmp_path):
    ran = solved(fault(ledger, tmp_path, "429", after=1, times=2))
    assert ran.outcome == ("finished", None)


def test_a_rate_limit_after_work_that_passes_is_a_note(ledger, tmp_path):
    ran = solved(fault(ledger, tmp_path, "429", after=3))
    assert ran.outcome == ("finished", None)
    assert "rate_limit" in ran.notes


def test_a_live_endpoint_at_which_nobody_listens_is_unreachable(ledger, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ran = run_into(
        ledger, prepared(tmp_path), live(Upstream(base_url=f"http://127.0.0.1:{port}/v1", key="k" * 9))
    )
    assert ran.outcome == ("infra_error", "unreachable")
    assert ran.composite is None
    assert payloads(ledger, ran.ref, "cell.setup")[0]["endpoint_origin"] == f"http://127.0.0.1:{port}"


def test_an_endpoint_that_never_answers_hangs_until_the_limit(ledger, tmp_path):
    ran = fault(ledger, tmp_path, "hang", after=1, limits={"seconds": LIMIT})
    assert ran.outcome == ("infra_error", "hang")
    assert ran.composite is None


def test_an_agent_that_is_at_work_when_its_time_is_up_escapes_nothing_by_an_open_call(ledger, tmp_path):
    parts = prepared(tmp_path, limits={"seconds": LIMIT})
    ran = run_into(ledger, parts, steps(parts, f"sleep {LIMIT * 0.85}", fault="hang", after=1))
    last = payloads(ledger, ran.ref, "model.called")[-1]
    assert last.get("status") is None
    assert ran.outcome == ("timeout", None)
    assert ran.composite == 0


@pytest.mark.parametrize("after", [0, 1])
def test_a_request_that_the_endpoint_refuses_is_the_agents_fault(ledger, tmp_path, after):
    ran = fault(ledger, tmp_path, "400", after=after)
    assert ran.outcome == ("agent_error", "bad_request")
    assert ran.composite == 0


class _Picky(BaseHTTPRequestHandler):
    """A chat endpoint that serves one model, and answers anything else as endpoints do."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        status = 200 if asked["model"] == "test/model-1" else int(asked["model"])
        said = {"choices": [{"message": {"role": "assistant", "content": "I see."}, "finish_reason": "stop"}]}
        answer = json.dumps(said if status == 200 else {"error": {"message": "no"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextmanager
def picky():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Picky) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield live(Upstream(base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", key="k" * 9))
        server.shutdown()


PROVOKE = """
import json, os, urllib.request
def ask(model, key=os.environ["KEY"]):
    body = json.dumps(dict(model=model, messages=[])).encode()
    request = urllib.request.Request(os.environ["URL"] + "/chat/completions", body)
    request.add_header("Authorization", "Bearer " + key)
    try:
        urllib.request.urlopen(request).read()
    except OSError as error:
        print(error)
ask("test/model-1")
{then}
"""


def other_agent(folder, text, *, uses_model=True):
    """Write an agent that is one Python program."""
    path = folder / "other.toml"
    model = 'protocols = ["openai-chat"]' if uses_model else "uses_model = false"
    env = '[launch.env]\nURL = "{base_url}/v1"\nKEY = "{token}"\n' if uses_model else ""
    path.write_text(
        f'name = "other"\nversion = "1"\n{model}\n[install]\nkind = "none"\nbin = "python3"\n'
        f'[launch]\nargv = ["{{bin}}", "{{home}}/it.py", "{{instruction}}"]\n{env}'
        f"[launch.files]\n\"it.py\" = '''\n{text}'''\n"
    )
    model_id = "test/model-1" if uses_model else None
    return prepare(Request(agent="other", task=PYTHON, model=model_id, agent_files=[path]))


@pytest.mark.parametrize(
    "then",
    [
        'ask("400")',
        'ask("404")',
        'ask("401")',
        'ask("429")',
        'ask("500")',
        'ask("test/model-1", "wrong")',
    ],
)
def test_an_agent_that_provokes_an_error_at_its_end_keeps_its_zero(ledger, tmp_path, then):
    with picky() as source:
        ran = run_into(ledger, other_agent(tmp_path, PROVOKE.replace("{then}", then)), source)
    assert ran.outcome == ("finished", None)
    assert ran.composite == 0


LEAVE = """
import socket
host, port = os.environ["URL"].split("/")[2].split(":")
data = json.dumps(dict(model="test/model-1", messages=[])).encode()
lines = "POST /v1/chat/completions HTTP/1.1", "Host: x", "Authorization: Bearer " + os.environ["KEY"]
end = bytes([13, 10])
it = socket.create_connection((host, int(port)))
it.sendall(end.join(line.encode() for line in lines) + end + b"Content-Length: %d" % len(data) + end + end + data)
it.close()
"""


def test_an_agent_that_hangs_up_within_a_call_keeps_its_zero(ledger, tmp_path):
    with picky() as source:
        ran = run_into(ledger, other_agent(tmp_path, PROVOKE.replace("{then}", LEAVE)), source)
    assert ran.outcome == ("finished", None)
    assert ran.composite == 0


def test_an_agent_that_uses_no_model_need_not_call_one(ledger, tmp_path):
    ran = run_into(ledger, other_agent(tmp_path, 'open("x", "w").close()\n', uses_model=False), None)
    assert ran.outcome == ("finished", None)
    assert ran.composite == 0


def test_an_agent_that_should_ask_a_model_and_does_not_leaves_no_score(ledger, tmp_path):
    with picky() as source:
        ran = run_into(ledger, other_agent(tmp_path, "print(1)\n"), source)
    assert ran.outcome == ("infra_error", "no_call")
    assert ran.composite is None
