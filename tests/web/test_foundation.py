"""Serving and writing: the same pages, read-only, followed live, made anew only where inputs changed."""

import json
import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from benchledger.ledger.store import Ledger
from benchledger.ledger.web import pages
from benchledger.ledger.web.render import clean
from benchledger.ledger.web.site import MANIFEST, write_site
from benchledger.ledger.web.view import Settings, View
from benchledger.schema.errors import UsageError
from tests.ledgers import attempt, checked, published
from tests.web.serving import PROGRAM, serving

CELL = "s1/aider/some/model/polyglot/two-sum#run1"


@pytest.fixture
def path(tmp_path: Path):
    made = published(tmp_path / "runs.db")
    made.close()
    yield tmp_path / "runs.db"
    checked(tmp_path / "runs.db")


def first_cell(path: Path) -> str:
    with View(path, Settings()) as view:
        return next(made.path for made in pages.places(view) if made.path.startswith("cells/"))


def test_a_served_page_has_a_json_twin_a_tag_and_a_strict_policy(path):
    place = first_cell(path)
    with serving(path) as server:
        page = server.get(place)
        twin = server.get(place.replace(".html", ".json"))
        again = server.get(place, If_None_Match=page.headers["ETag"])
        gone = server.get("cells/no/such/cell/at/all/run1.html")
    assert page.status == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(twin.body)["verdict"]["text"] in page.text.replace("&#39;", "'")
    assert (again.status, again.body) == (304, b"")
    assert gone.status == 404
    assert "no cell" in gone.text


def test_only_small_pages_may_be_framed_and_raw_text_is_run_by_no_browser(path):
    with View(path, Settings()) as view:
        made = [page.path for page in pages.places(view)]
    framed = next(place for place in made if place.startswith("embed/"))
    raw = next(place for place in made if place.startswith("evidence/") and place.endswith(".txt"))
    with serving(path) as server:
        policies = [server.get(place).headers["Content-Security-Policy"] for place in (made[0], framed)]
        text = server.get(raw)
    assert ["frame-ancestors 'none'" in policy for policy in policies] == [True, False]
    assert text.headers["Content-Type"].startswith("text/plain")
    assert text.headers["X-Content-Type-Options"] == "nosniff"
    assert text.headers["Content-Security-Policy"].endswith("sandbox")


def test_readers_that_leave_at_once_are_no_error(path):
    with View(path, Settings()) as view:
        made = [page.path for page in pages.places(view)]
    raw = next(place for place in made if place.startswith("evidence/") and place.endswith(".txt"))
    with serving(path) as server:  # which ends without a word on standard error
        address = urlsplit(server.url)
        for place in (raw, "live", made[0], "static/base.css") * 10:
            with socket.create_connection((address.hostname, address.port)) as reader:
                reader.sendall(f"GET /{place} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert server.get(made[0]).status == 200


def test_a_foreign_host_name_is_turned_away(path):
    with serving(path) as server:
        assert server.get("static/base.css", Host="evil.example:80").status == 421
        assert server.get("static/base.css", Host="[::1]x:80").status == 421
        for name in ("localhost", "localhost:8765", "127.0.0.1:1", "[::1]:8765", "[::1]"):
            assert server.get("static/base.css", Host=name).status == 200


def test_a_damaged_table_is_said_and_the_server_goes_on(tmp_path):
    published(tmp_path / "runs.db").close()
    place = first_cell(tmp_path / "runs.db")
    with serving(tmp_path / "runs.db") as server:
        connection = sqlite3.connect(tmp_path / "runs.db")
        connection.execute("DROP TABLE spans")
        connection.execute("DROP TABLE axes")
        connection.close()
        answer = server.get(place)
        assert answer.status == 500
        assert "benchledger verify" in answer.text
        assert server.get("static/base.css").status == 200


def test_an_appended_event_is_told_to_whoever_listens(path):
    with serving(path) as server, urlopen(f"{server.url}live", timeout=20) as stream:
        lines = iter(stream.readline, b"")
        assert next(line for line in lines if line.startswith(b"event:")) == b"event: head\n"
        time.sleep(0.7)  # the watcher has looked once
        with Ledger.open(path, write=True) as ledger:
            ledger.emit_all(attempt(CELL))
            head = ledger.head()
        told = next(
            json.loads(line.removeprefix(b"data: "))
            for line in lines
            if line.startswith(b"data: ") and str(head.hash).encode() in line
        )
    assert told == {"seq": head.seq, "hash": head.hash}


def test_a_second_build_writes_nothing_and_a_new_cell_writes_what_it_touches(path, tmp_path):
    out = tmp_path / "site"
    first = write_site(out, path, Settings())
    assert first.written == len(json.loads((out / MANIFEST).read_text())["files"])
    again = write_site(out, path, Settings())
    assert (again.written, again.removed, again.kept) == (0, 0, first.written)
    with Ledger.open(path, write=True) as ledger:
        ledger.emit_all(attempt(CELL))
    third = write_site(out, path, Settings())
    cells = [name for name in third.paths if name.startswith("cells/") and name.endswith(".html")]
    assert cells == [
        "cells/s1/aider/some/model/polyglot/two-sum/run1.html",
        "cells/s1/aider/some/model/polyglot/two-sum/run1/attempt-1.html",
    ]


def test_a_folder_of_something_else_is_left_alone(path, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="not empty"):
        write_site(tmp_path / "home", path, Settings())
    assert [item.name for item in (tmp_path / "home").iterdir()] == ["letter.txt"]


def test_a_killed_build_is_taken_up_by_the_next(path, tmp_path):
    out = tmp_path / "site"
    command = [*PROGRAM, "--ledger", str(path), "site", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not (out / "cells").exists() and time.monotonic() < until:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    write_site(out, path, Settings())
    whole = write_site(tmp_path / "whole", path, Settings())
    files = {str(item.relative_to(out)) for item in out.rglob("*") if item.is_file()}
    assert len([name for name in files if not name.endswith(".part")]) == whole.written + 2


def test_every_link_of_a_written_page_is_relative(path, tmp_path):
    write_site(tmp_path / "site", path, Settings())
    for file in (tmp_path / "site").rglob("*.html"):
        links = re.findall(r'(?:href|src)="([^"]*)"', file.read_text())
        outside = [link for link in links if link.startswith("/") or "://" in link]
        assert [link for link in outside if not link.startswith("https://codingagentbench.com/")] == []


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x00b", "a\u2400b"),
        ("a\u202eb", "a\u27e8U+202E\u27e9b"),
        ("a\x1b[31mb", "a\u241b[31mb"),
        ("a\ud800b", "a\u27e8U+D800\u27e9b"),
        ("naïve 漢字", "naïve 漢字"),
    ],
)
def test_what_would_turn_the_readers_eye_is_shown(hostile, shown):
    assert clean(hostile) == shown


def test_a_port_in_use_is_said_with_what_to_do(path):
    with serving(path) as server:
        port = server.url.rstrip("/").rpartition(":")[2]
        command = [*PROGRAM, "--ledger", str(path), "serve", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "name another --port" in done.stderr
