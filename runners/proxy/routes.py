"""Which paths are model calls, and how each protocol spells keys and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PROTOCOLS = ("openai-chat", "openai-responses", "anthropic", "google")
Kind = Literal["call", "models", "count"]

_VERSION = r"(?:/(?:openai/)?v\d+(?:beta|alpha)?\d*)?"
_GOOGLE = r"/(?:models|tunedModels)/(?P<model>[A-Za-z0-9._@:-]+(?:/[A-Za-z0-9._@-]+)*)"
_ROUTES: tuple[tuple[str, re.Pattern[str], str, Kind], ...] = tuple(
    (method, re.compile(_VERSION + path), protocol, kind)  # type: ignore[misc]
    for method, path, protocol, kind in (
        ("POST", "/chat/completions", "openai-chat", "call"),
        ("POST", "/responses", "openai-responses", "call"),
        ("POST", "/messages", "anthropic", "call"),
        ("POST", "/messages/count_tokens", "anthropic", "count"),
        ("POST", "/responses/input_tokens", "openai-responses", "count"),
        ("POST", _GOOGLE + ":(?P<action>generateContent|streamGenerateContent)", "google", "call"),
        ("POST", _GOOGLE + ":countTokens", "google", "count"),
        ("GET", "/models(?:/(?P<model>[A-Za-z0-9._@:/-]+))?", "openai-chat", "models"),
    )
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. `tail` is the path without version, for the upstream."""

    protocol: str
    kind: Kind
    tail: str
    model: str | None = None
    stream: bool | None = None  # Google says it in the path, the others in the body


def find_route(method: str, path: str, headers: Mapping[str, str]) -> Route | None:
    """Return the route of a request, None for a path that is no part of the four protocols."""
    if ".." in path or "//" in path:
        return None
    for wanted, pattern, protocol, kind in _ROUTES:
        found = pattern.fullmatch(path)
        if found is None or method != wanted:
            continue
        groups = found.groupdict()
        tail = re.sub("^" + _VERSION, "", path)
        action = groups.get("action")
        stream = None if action is None else action == "streamGenerateContent"
        spoken = _asker(path, headers) if kind == "models" else protocol
        return Route(spoken, kind, tail, groups.get("model"), stream)
    return None


def _asker(path: str, headers: Mapping[str, str]) -> str:
    if "anthropic-version" in headers:
        return "anthropic"
    return "google" if path.startswith("/v1beta") or "x-goog-api-key" in headers else "openai-chat"


KEY_HEADERS = {
    "openai-chat": "Authorization",
    "openai-responses": "Authorization",
    "anthropic": "x-api-key",
    "google": "x-goog-api-key",
}

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_GOOGLE_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error_body(protocol: str | None, status: int, message: str, code: str | None = None) -> dict[str, Any]:
    """Return the body of an error as the protocol spells it; `code` says what the proxy means by it."""
    kind = _TYPES.get(status, "api_error")
    if protocol == "anthropic":
        return {"type": "error", "error": {"type": kind, "message": message}}
    if protocol == "google":
        spelled = _GOOGLE_STATUS.get(status, "UNKNOWN")
        return {"error": {"code": status, "message": message, "status": spelled}}
    return {"error": {"message": message, "type": kind, "param": None, "code": code or kind}}
