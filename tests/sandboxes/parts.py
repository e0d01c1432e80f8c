"""What the tests of sandboxes share: programs, a small proxy, and a look at the host's processes."""

from __future__ import annotations

import http.server
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.port import Caps
from benchledger.schema.task import Limits

MIB = 1 << 20
CAPS = Caps(output_bytes=MIB, disk_bytes=48 * MIB, grace_seconds=1.0)
LIMITS = Limits(seconds=60, memory_mb=192, pids=64)


def shell(script: str, **more) -> Launch:
    return Launch(("sh", "-c", script), **{"env": {}, "files": {}, **more})


def python(script: str, **more) -> Launch:
    return Launch(("python3", "-c", script), **{"env": {}, "files": {}, **more})


def on_host(needle: bytes) -> list[int]:
    """Return the living processes of this machine whose command line or environment holds `needle`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if alive and needle in said:
                found.append(int(folder.name))
    return found


def left(needle: bytes, seconds: float = 30) -> list[str]:
    """Wait until no such process lives; return what those are that stay, for somebody to read."""
    end = time.monotonic() + seconds
    while (found := on_host(needle)) and time.monotonic() < end:
        time.sleep(0.05)
    return [_said(pid) for pid in found]


def gone(needle: bytes, seconds: float = 30) -> bool:
    return left(needle, seconds) == []


def _said(pid: int) -> str:
    with suppress(OSError):
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        return f"{pid} {state} below {parent}: {words}"
    return f"{pid}"


class _Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def echo_server(host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """Serve on a free port: what is posted comes back."""
    with http.server.ThreadingHTTPServer((host, 0), _Echo) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()


POST = """
import sys, urllib.request
data = b"x" * {size}
answer = urllib.request.urlopen("http://{host}:{port}/", data, timeout=20).read()
print(len(answer), answer == data)
"""

# Prints what answered, and how long the slowest refusal took.
PROBE = """
import socket, time
slowest = 0
for host, port in {targets!r}:
    began = time.monotonic()
    try:
        socket.create_connection((host, port), timeout=5).close()
        print("answered", host, port)
    except OSError:
        pass
    slowest = max(slowest, time.monotonic() - began)
try:
    socket.getaddrinfo("example.com", 80)
    print("resolved")
except OSError:
    pass
print("fast" if slowest < 2 else slowest)
"""
