"""Endpoints on loopback that serve little, or badly: what each answers is one function."""

import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchledger.runners.endpoint import probe
from benchledger.runners.proxy.config import Upstream
from tests.proxy.upstream import anthropic, chat, google, responses

ENDS = {
    "openai-chat": "/chat/completions",
    "openai-responses": "/responses",
    "anthropic": "/messages",
    "google": "enerateContent",
}
SPEAKERS = {
    "openai-chat": chat,
    "openai-responses": responses,
    "anthropic": anthropic,
    "google": google,
}
JSON, STREAM = "application/json", "text/event-stream"


class Asked:
    """One request."""

    def __init__(self, handler):
        self.method, self.headers = handler.command, {k.lower(): v for k, v in handler.headers.items()}
        self.path, _, self.query = handler.path.partition("?")
        data = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.body = json.loads(data) if data else {}
        named = [name for name, end in ENDS.items() if self.path.endswith(end)]
        self.protocol = named[0] if named else None
        self.stream = bool(self.body.get("stream")) or ":stream" in self.path
        self.tools = bool(self.body.get("tools"))


def spoken(asked, *, usage=True, stream=True):
    """Answer as the protocol does; `usage` and `stream` say what the server can."""
    plain, events, last = SPEAKERS[asked.protocol]("m", ["o", "k"])
    if not (asked.stream and stream):
        return 200, JSON, json.dumps(plain if usage else without_usage(plain))
    if last and usage and (asked.body.get("stream_options") or {}).get("include_usage"):
        events = [*events, last]
    told = [value if usage else without_usage(value) for _, value in events]
    return 200, STREAM, "".join(f"data: {json.dumps(value)}\n\n" for value in told)


def without_usage(value):
    if isinstance(value, dict):
        return {k: without_usage(v) for k, v in value.items() if k not in {"usage", "usageMetadata"}}
    return [without_usage(item) for item in value] if isinstance(value, list) else value


def missing(asked):
    return 404, JSON, json.dumps({"detail": "Not Found"})


def saying(*said):
    """Return what answers everything alike."""
    return lambda _: said


def failing(status, message="no", **more):
    """Return what answers everything with one error."""
    return saying(status, JSON, json.dumps({"error": {"message": message, **more}}))


def only(*protocols):
    """Return what serves these protocols and nothing else."""
    return lambda asked: spoken(asked) if asked.protocol in protocols else missing(asked)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        asked = Asked(self)
        self.server.seen.append(asked)
        said = self.server.answer(asked)
        if said == "hang":
            self.server.released.wait(20)
            self.close_connection = True
            return
        if said == "flood":
            self.flood()
            return
        status, kind, text = said
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(data)

    def flood(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.end_headers()
        with suppress(OSError):
            while not self.server.released.is_set():
                self.wfile.write(b" " * 65536)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


@contextmanager
def answering(answer):
    """Serve until the block ends: `answer(asked)` gives (status, type, text), or "hang", or "flood"."""
    server = Server(("127.0.0.1", 0), Handler)
    server.answer, server.seen, server.released = answer, [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def asked(answer, model="m", *, timeout_s=5.0, **upstream):
    """Probe an endpoint that answers so; returns (report by protocol, whole report)."""
    with answering(answer) as server:
        report = probe(Upstream(base_url=server.url, **upstream), model, timeout_s=timeout_s)
    return {item.protocol: item for item in report.protocols}, report
