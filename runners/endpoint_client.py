"""Asking an endpoint one question, and judging what came."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import aiohttp

from benchledger.runners.proxy.config import Upstream
from benchledger.runners.proxy.live import upstream_headers, upstream_url
from benchledger.runners.proxy.questions import Question
from benchledger.runners.proxy.reading import Answer, read_answer
from benchledger.runners.secrets import Secrets, mask_text

__all__ = ["Asker", "Came", "State", "judged"]

State = Literal["served", "absent", "refused", "silent"]
_MOST = 16 << 20  # bytes read of an answer; a list of models can have one or two million
_MASKED, _SHOWN = 10_000, 200  # characters of an error: cut first where no secret can be cut into view
_SPENT = "output limit was reached"  # a 400 to models that thought until their sixteen tokens were gone
_REASONS = {401: "auth", 402: "auth", 403: "auth", 408: "upstream", 429: "rate_limit"}
_OTHER_FORM = {400, 422}
_NO_PATH = {404, 405, 501}


@dataclass(frozen=True, slots=True)
class Came:
    """What came back: `status` is None where nothing did, and `failure` says why (hang, unreachable)."""

    status: int | None
    kind: str
    data: bytes
    ms: float | None
    failure: str | None = None
    text: str = ""

    @property
    def undecided(self) -> bool:
        """Return whether this says nothing of what is served: no answer, a limit, a fault of the moment."""
        status = self.status
        return status is None or self.spent or status in {401, 402, 403, 408, 429} or status >= 500

    @property
    def spent(self) -> bool:
        """Return whether the model was at work and the few tokens did not suffice for words."""
        return self.status == 400 and _SPENT in self.text

    def value(self) -> Any:
        """Return the decoded body, None where it is no JSON."""
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            return None


class Asker:
    """Asks one endpoint, as the proxy would: same URLs, same key, same headers."""

    def __init__(self, session: aiohttp.ClientSession, upstream: Upstream) -> None:
        """Take a session that is open; its timeout is that of each question."""
        self._session, self._upstream = session, upstream
        self._secrets = Secrets.named(upstream.secrets)

    async def ask(self, asked: Question) -> Came:
        """Return what came of the first body that is not refused for its form, else of the first."""
        first = await self._send(asked, asked.bodies[0])
        if first.status not in _OTHER_FORM or first.spent:
            return first
        for body in asked.bodies[1:]:
            came = await self._send(asked, body)
            if came.status not in _OTHER_FORM or came.spent:
                return came
        return first

    async def _send(self, asked: Question, body: dict[str, Any] | None) -> Came:
        start = time.perf_counter()
        try:
            async with self._session.request(
                "GET" if body is None else "POST",
                upstream_url(self._upstream, asked.route),
                params={**asked.query, **self._upstream.query},
                headers={**asked.headers, **upstream_headers(self._upstream, asked.route.protocol)},
                json=body,
                allow_redirects=False,
            ) as came:
                data = await _bounded(came)
        except TimeoutError:
            waited = f"no answer within {self._session.timeout.total:g} s"
            return Came(None, "", b"", None, "hang", waited)
        except aiohttp.ClientError as error:
            return Came(None, "", b"", None, "unreachable", self._masked(_words(error)))
        ms = (time.perf_counter() - start) * 1000
        answer = Came(came.status, came.content_type, data, ms)
        text = read_safely(asked.route.protocol, data).error or _said(answer.value())
        return replace(answer, text=self._masked(text))

    def _masked(self, text: str) -> str:
        masked = mask_text(text[:_MASKED], self._secrets)
        key = self._upstream.key  # one that is too short for the general mask is no less a key
        return (masked.replace(key, "[masked]") if key else masked)[:_SHOWN]


async def _bounded(came: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in came.content.iter_any():
        data += chunk
        if len(data) >= _MOST:
            break
    return bytes(data)


def _said(value: Any) -> str:
    """Return the message of an error that is spelled as no protocol does."""
    told = [value.get(name) for name in ("message", "detail")] if isinstance(value, dict) else []
    return next((text for text in told if isinstance(text, str)), "")


def _words(error: aiohttp.ClientError) -> str:
    system = getattr(error, "os_error", None)
    return (getattr(system, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]


def read_safely(protocol: str, data: bytes) -> Answer:
    """Read a plain answer; one that nests without end says nothing."""
    try:
        return read_answer(protocol, data, stream=False)
    except RecursionError:
        return Answer()


def judged(protocol: str, model: str, came: Came) -> tuple[State, str | None, str]:
    """Return (state, reason, what it said) of the answer to a plain question."""
    status = came.status
    if status is None:
        return "silent", came.failure, came.text
    said = f"{status}{f': {came.text}' if came.text else ''}"
    answer = read_safely(protocol, came.data)
    if 200 <= status < 300:
        if answer.error is not None:
            return "refused", "upstream", said
        if answer.finished or answer.started:
            return "served", None, ""
        return "absent", "dialect", f"{status}, but not in the form of this protocol"
    return ("served", None, said) if came.spent else _error(model, came, status, said)


def _error(model: str, came: Came, status: int, said: str) -> tuple[State, str | None, str]:
    if 300 <= status < 400:
        return "absent", "redirect", f"{status}: a redirect, which is not followed"
    if _names_model(came, model):
        return "refused", "model", said
    if status in _NO_PATH:
        return "absent", "no_path", said
    return "refused", _REASONS.get(status, "upstream" if status >= 500 else "bad_request"), said


def _names_model(came: Came, model: str) -> bool:
    """Return whether a 4xx is about the model: its own code, or its name in a text that is not a path's."""
    if came.status not in {400, 404, 422} or not model:
        return False
    error = came.value()
    error = error.get("error") if isinstance(error, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    named = re.search(rf"(?<![\w-]){re.escape(model)}(?![\w-])", came.text) is not None
    return code == "model_not_found" or (named and "/models/" not in came.text)
