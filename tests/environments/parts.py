"""A package index on loopback that wants a password, and tasks whose checks need what it serves."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchledger.runners.task import Task, load_task
from tests.agents.registry import wheel_in
from tests.cells.parts import Ran
from tests.runners.tasks import TOML, write_task

PASSWORD = "wd-7c1e5fa0b3"
SCRIPT = '{"steps": [{"write": {"path": "sum.txt", "text": "4\\n"}}, {"say": "Done."}]}'
PIP = ("python3 -m venv $TASK_ENV", "pip install --quiet --no-cache-dir tiny")

# Passes with the sum written, if the package is where the setup put it and the index is out of reach.
CHECK = """\
import os, pathlib, socket, subprocess, sys
import tiny
assert tiny.__file__.startswith(os.environ["TASK_ENV"] + "/"), tiny.__file__
said = subprocess.run(["tiny"], capture_output=True, text=True, check=True).stdout
assert said == "tiny 1.2.3\\n", said
assert not [name for name in os.environ if "INDEX" in name or "PROXY" in name.upper()]
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=3)
    reached = True
except OSError:
    reached = False
good = pathlib.Path("sum.txt").read_text() == "4\\n"
print("ok sum" if good else "not ok sum")
print("ok kept" if SEALED is None or not reached else "not ok kept")
sys.exit(not good or (SEALED is not None and reached))
"""


class Index:
    """Where it is, and how often a package was fetched."""

    def __init__(self, port: int) -> None:
        self.port, self.fetched = port, 0

    @property
    def url(self) -> str:
        return f"http://user:{PASSWORD}@127.0.0.1:{self.port}/simple"


@contextmanager
def package_index(folder: Path) -> Iterator[Index]:
    """Serve the package tiny 1.2.3 to whoever has the password."""
    wheel_in(folder)
    (wheel,) = folder.glob("*.whl")
    wanted = "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    page = f'<html><body><a href="/{wheel.name}">{wheel.name}</a></body></html>'.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"/simple/tiny/": page, f"/{wheel.name}": wheel.read_bytes()}.get(self.path)
            known = self.headers.get("authorization") == wanted
            self.send_response(401 if not known else 404 if body is None else 200)
            if not known:
                self.send_header("www-authenticate", 'Basic realm="tests"')
            elif body is not None and self.path.endswith(".whl"):
                index.fetched += 1
            self.send_header("content-type", "text/html" if body is page else "application/octet-stream")
            self.send_header("content-length", str(len(body or b"") if known else 0))
            self.end_headers()
            self.wfile.write((body or b"") if known else b"")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index = Index(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def passes(ran: Ran) -> bool:
    return ran.outcome == ("finished", None) and ran.judged.axes["pass_rate"].value == 1.0


def toml_with(setup: tuple[str, ...] = (), more: str = "") -> str:
    commands = "".join(f"    '''{command}''',\n" for command in setup)
    text = TOML.replace('["sh", "check.sh"]', '["python3", "check.py"]')
    return f"{text}\n[environment]\n{more}" + (f"setup = [\n{commands}]\n" if setup else "")


def task_with(root: Path, setup: tuple[str, ...], check: str, more: str = "", **files: str) -> Task:
    """Write a task with that setup and check, and load it."""
    named = {
        "checks/check.py": check,
        "script.json": SCRIPT,
        **{name.replace("__", "/"): text for name, text in files.items()},
    }
    return load_task(write_task(root, named, task_toml=toml_with(setup, more)))


def index_check(index: Index, *, sealed: bool = True) -> str:
    """Return a check that needs tiny; `sealed` where it must not reach the index."""
    return CHECK.replace("PORT", str(index.port)).replace("SEALED", "True" if sealed else "None")


# Passes with the sum written, and a word that the setup left.
PLAIN = """\
import os, pathlib, sys
word = pathlib.Path(os.environ["TASK_ENV"], "word").read_text().strip()
good = pathlib.Path("sum.txt").read_text() == "4\\n" and word == "made"
print("ok sum" if good else "not ok sum")
print("ok kept")
sys.exit(not good)
"""
