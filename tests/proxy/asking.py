"""Requests as agents send them, in each protocol, with a client of another make."""

import json

import httpx

PROTOCOLS = ["openai-chat", "openai-responses", "anthropic", "google"]
PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic": "/v1/messages?beta=true",
}
ASKED = "Fix the comparator."


def path_of(protocol, *, stream):
    if protocol == "google":
        return "/v1beta/models/m-1:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
    return PATHS[protocol]


def body_of(protocol, *, stream=False, **more):
    if protocol == "google":
        return {"contents": [{"role": "user", "parts": [{"text": ASKED}]}], **more}
    if protocol == "openai-responses":
        return {"model": "m-1", "input": [{"role": "user", "content": ASKED}], "stream": stream, **more}
    options = {"stream_options": {"include_usage": True}} if stream and protocol == "openai-chat" else {}
    messages = [{"role": "user", "content": ASKED}]
    return {"model": "m-1", "messages": messages, "stream": stream, **options, **more}


def key_headers(protocol, token):
    if protocol == "anthropic":
        return {"x-api-key": token, "anthropic-version": "2023-06-01"}
    return {"x-goog-api-key": token} if protocol == "google" else {"Authorization": f"Bearer {token}"}


def ask(proxy, protocol, *, stream=False, body=None, timeout=10, token=None):
    """Send one call and return the whole answer."""
    url = proxy.base_url + path_of(protocol, stream=stream)
    headers = key_headers(protocol, token or proxy.token)
    sent = body_of(protocol, stream=stream) if body is None else body
    return httpx.post(url, json=sent, headers=headers, timeout=timeout, trust_env=False)


def events_of(answer):
    lines = answer.text.splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ") and line != "data: [DONE]"]


def text_of(protocol, answer):
    """Return the text of an answer, plain or streamed."""
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    if not streamed:
        value = answer.json()
        if protocol == "openai-chat":
            return value["choices"][0]["message"]["content"]
        if protocol == "openai-responses":
            return value["output"][0]["content"][0]["text"]
        if protocol == "anthropic":
            return value["content"][0]["text"]
        return value["candidates"][0]["content"]["parts"][0]["text"]
    return "".join(_piece(protocol, event) for event in events_of(answer))


def _piece(protocol, event):
    if protocol == "openai-chat":
        choices = event.get("choices") or [{}]
        return choices[0].get("delta", {}).get("content") or ""
    if protocol == "openai-responses":
        return event["delta"] if event["type"] == "response.output_text.delta" else ""
    if protocol == "anthropic":
        return event.get("delta", {}).get("text", "")
    return event["candidates"][0]["content"]["parts"][0]["text"]


def schema(*names, required=(), **special):
    """Return the JSON Schema of a tool; properties are texts unless said otherwise."""
    return {
        "type": "object",
        "properties": {name: special.get(name, {"type": "string"}) for name in names},
        "required": list(required),
    }
