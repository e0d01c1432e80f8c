"""A real upstream on loopback: all four protocols, plain and streamed, with faults; no code of ours.

It is written against the standard library alone, so that the proxy's own notion of a protocol is
not what it is tested against. Each request is kept in `seen` as (method, path, headers, body).
"""

import json
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-upstream-Zx81canary93hTq5Lm77"
WORDS = ["The ", "comparator ", "is ", "swapped."]
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
FINGERPRINT = "fp_44709d6fcb"


def chat(model, text):
    usage = {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
        "prompt_tokens_details": {"cached_tokens": 3},
    }
    base = {"id": "chatcmpl-1", "created": 1, "model": f"{model}-2026", "system_fingerprint": FINGERPRINT}
    message = {"role": "assistant", "content": "".join(text)}
    plain = {**base, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    chunks = [{**base, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}]
    chunks += [{**base, "choices": [{"index": 0, "delta": {"content": word}}]} for word in text]
    chunks += [{**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
    return plain, [(None, chunk) for chunk in chunks], (None, {**base, "choices": [], "usage": usage})


def responses(model, text):
    plain = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": f"{model}-2026",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "".join(text)}]}],
        "usage": {
            "input_tokens": 11,
            "output_tokens": 7,
            "input_tokens_details": {"cached_tokens": 3},
        },
    }
    start = {**plain, "status": "in_progress", "output": [], "usage": None}
    events = [("response.created", {"type": "response.created", "response": start})]
    kind = "response.output_text.delta"
    events += [(kind, {"type": kind, "output_index": 0, "delta": word}) for word in text]
    events += [("response.completed", {"type": "response.completed", "response": plain})]
    return plain, events, None


def anthropic(model, text):
    usage = {
        "input_tokens": 5,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 3,
        "output_tokens": 7,
    }
    plain = {
        "type": "message",
        "model": f"{model}-2026",
        "content": [{"type": "text", "text": "".join(text)}],
        "stop_reason": "end_turn",
        "usage": usage,
    }
    start = {**plain, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events = [("message_start", {"type": "message_start", "message": start})]
    events += [
        (
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}},
        )
        for word in text
    ]
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
    events += [("message_delta", ended), ("message_stop", {"type": "message_stop"})]
    return plain, events, None


def google(model, text):
    def part(words, **more):
        content = {"role": "model", "parts": [{"text": words}]}
        return {"candidates": [{"content": content, **more}], "modelVersion": f"{model}-2026"}

    usage = {
        "promptTokenCount": 11,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 2,
        "cachedContentTokenCount": 3,
    }
    plain = {**part("".join(text), finishReason="STOP"), "usageMetadata": usage}
    events = [(None, part(word)) for word in text[:-1]]
    events += [(None, {**part(text[-1], finishReason="STOP"), "usageMetadata": usage})]
    return plain, events, None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # real servers send each event at once

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.seen.append((self.command, self.path, dict(self.headers), None))
        self.answer_json(200, {"object": "list", "data": [{"id": "m-1"}]})

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(data)
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        faults = self.server.faults
        fault = faults.pop(0) if faults else None
        if isinstance(fault, int):
            key = self.headers.get("Authorization") or self.headers.get("x-api-key") or ""
            error = {"message": f"fault {fault} for {key}", "type": "scripted"}
            self.answer_json(fault, {"error": error}, **{"Retry-After": "1"})
        elif fault == "redirect":
            self.answer_json(307, {}, Location="http://127.0.0.1:9/elsewhere")
        elif fault == "hang":
            self.server.released.wait(20)
            self.close_connection = True
        elif fault == "drop":
            self.close_connection = True
        elif "count" in self.path:
            self.answer_json(200, {"input_tokens": 42, "totalTokens": 42})
        else:
            self.answer(body, fault)

    def answer(self, body, fault):
        path = self.path.split("?")[0]
        model = body.get("model") or path.rpartition("/")[2].partition(":")[0]
        stream = bool(body.get("stream")) or "stream" in path
        speak = (
            chat
            if path.endswith("/chat/completions")
            else responses
            if path.endswith("/responses")
            else anthropic
            if path.endswith("/messages")
            else google
        )
        plain, events, usage = speak(model, self.server.words)
        if not stream:
            self.answer_json(200, plain)
            return
        if usage and (body.get("stream_options") or {}).get("include_usage"):
            events = [*events, usage]
        self.answer_stream(events, fault, done=speak is chat)

    def answer_json(self, status, value, **headers):
        data = json.dumps(value).encode()
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
        for name, content in headers.items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(data)

    def answer_stream(self, events, fault, *, done):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Set-Cookie", "session=1")
        self.end_headers()
        for number, (name, value) in enumerate(events):
            if fault == "cut" and number == 2:
                self.close_connection = True
                return
            if fault == "stall" and number == 2:
                self.server.released.wait(20)
                self.close_connection = True
                return
            if fault == "overloaded" and number == 2:
                self.chunk(b"event: error\ndata: " + json.dumps(OVERLOADED).encode() + b"\n\n")
                continue
            data = (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"
            self.chunk(data.encode())
            if self.server.pace:
                time.sleep(self.server.pace)
        if done:
            self.chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


class Upstream(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        self.faults = []
        self.words = WORDS
        self.pace = 0.0
        self.released = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass


@contextmanager
def serving():
    """Serve until the block ends; whatever hangs is let go then."""
    upstream = Upstream()
    thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.released.set()
        upstream.shutdown()
        upstream.server_close()
        thread.join()


if __name__ == "__main__":
    with serving() as server:
        server.words = [f"word {number} " for number in range(int(sys.argv[1]))]
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()
