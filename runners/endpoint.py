"""What an endpoint serves: asked, not believed, in a few requests of at most 16 tokens.

Every protocol is asked at the same time. One that answers is asked twice more, for a stream and for a
call of a tool. Nothing that it says is shown before known secrets were taken out of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from benchledger.runners.agents.plan import choose_protocol
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.endpoint_client import Asker, Came, State, judged
from benchledger.runners.proxy.config import Upstream
from benchledger.runners.proxy.exchange import EVENT_STREAM
from benchledger.runners.proxy.questions import called_tool, model_lists, models_of, question
from benchledger.runners.proxy.reading import read_answer
from benchledger.runners.proxy.routes import PROTOCOLS
from benchledger.schema.errors import EnvironmentLacks, UnknownName, UsageError

__all__ = ["AgentSupport", "EndpointReport", "ProtocolReport", "probe", "shown_url", "support"]

TIMEOUT_S = 20.0

# Why no protocol is served, the most telling reason first -> what to do next.
_NEXT = {
    "auth": "give the right key with --key-env NAME; --key-header NAME sends it in another header",
    "model": "name one that it has with --model",
    "rate_limit": "wait for its limit to end, or raise it",
    "upstream": "see its own log, then try again",
    "bad_request": "name another model with --model, or the headers that it wants with --header",
    "hang": "see that a model is loaded, or wait longer with --timeout",
    "redirect": "give the URL that it redirects to",
    "unreachable": "see that it runs and that the URL is right",
    "dialect": "see that the URL is that of the API; --path-version says what stands before /chat/completions",
    "no_path": "see that the URL is that of the API; --path-version says what stands before /chat/completions",
}


@dataclass(frozen=True, slots=True)
class ProtocolReport:
    """What an endpoint made of one protocol.

    `state`: `served`; `absent`, it has no such path or speaks another dialect there; `refused`, it
    answered with an error that leaves open whether it would serve; `silent`, no answer came.
    `reason` says why it is not served (auth, model, rate_limit, upstream, bad_request, hang,
    redirect, unreachable, dialect, no_path). `usage` and `stream_usage`: whether an answer, plain
    or streamed, said how many tokens it took. `tools`: whether a tool was called. None: not known,
    as where a model took the tool and answered in words.
    """

    protocol: str
    state: State
    reason: str | None
    status: int | None
    detail: str
    latency_ms: float | None
    streaming: bool | None = None
    usage: bool | None = None
    stream_usage: bool | None = None
    tools: bool | None = None


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """What an endpoint serves to `model`; `listed` is how many models it names, None if it was not asked.

    `model_source` says whether the model was `given`, or is the first `listed`.
    """

    url: str
    model: str
    model_source: Literal["given", "listed"]
    listed: int | None
    protocols: tuple[ProtocolReport, ...]

    @property
    def served(self) -> tuple[str, ...]:
        """Return the protocols that answered properly."""
        return tuple(report.protocol for report in self.protocols if report.state == "served")

    def lack(self) -> EnvironmentLacks | None:
        """Return the error to raise where no protocol is served, with what to do next; else None."""
        if self.served:
            return None
        reasons = {report.reason: report for report in reversed(self.protocols)}
        reason = next((name for name in _NEXT if name in reasons), "unreachable")
        found = reasons[reason]
        return EnvironmentLacks(
            f"{self.url} serves no protocol to {self.model}: {found.detail}", _NEXT[reason]
        )

    def to_json(self) -> dict[str, Any]:
        """Return {url, model, model_source, listed, served, protocols: [each ProtocolReport]}."""
        return {**asdict(self), "served": list(self.served)}


@dataclass(frozen=True, slots=True)
class AgentSupport:
    """Whether an agent can use an endpoint: `protocol` is what it would speak, None where it needs none."""

    agent: str
    version: str
    protocols: tuple[str, ...]
    protocol: str | None
    state: Literal["supported", "unsupported(protocol)"]


def support(agents: Iterable[AgentSpec], served: Collection[str]) -> list[AgentSupport]:
    """Return for each agent whether it shares a protocol with what is served; none is failed for lack of one."""
    found = []
    for spec in agents:
        state: Literal["supported", "unsupported(protocol)"] = "supported"
        try:
            protocol: str | None = choose_protocol(spec, served)
        except UsageError:
            protocol, state = None, "unsupported(protocol)"
        found.append(AgentSupport(spec.name, spec.version, spec.protocols, protocol, state))
    return found


def probe(
    upstream: Upstream,
    model: str | None = None,
    *,
    protocols: Sequence[str] = PROTOCOLS,
    details: bool = True,
    timeout_s: float = TIMEOUT_S,
    environment_proxy: bool = False,
) -> EndpointReport:
    """Ask an endpoint which of `protocols` it serves; without `model`, the first that it lists.

    `details` asks for streaming and tools as well. Each request may take `timeout_s`. Runs a loop
    of its own, so that it is called from a thread without one. Raises UsageError for what is no
    URL or where no model is known, EnvironmentLacks where nothing answers.
    """
    url = shown_url(upstream.base_url)
    for name in protocols or ("",):
        if name not in PROTOCOLS:
            raise UnknownName("protocol", name, PROTOCOLS)
    run = _Run(upstream, url, protocols, details=details)
    return asyncio.run(run.report(model, timeout_s, environment_proxy=environment_proxy))


def shown_url(url: str) -> str:
    """Return a URL as it may be kept and shown; raises UsageError where it is none, or holds what may not."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "the URL of the endpoint holds a name or a password", "give the key with --key-env NAME"
        )
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise UsageError(
            "the endpoint is no plain URL of http or https",
            "write https://host or http://host:port/path; parameters go into --query NAME=VALUE",
        )
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


class _Run:
    def __init__(self, upstream: Upstream, url: str, protocols: Collection[str], *, details: bool) -> None:
        self._upstream, self._url, self._details = upstream, url, details
        self._protocols = [name for name in PROTOCOLS if name in protocols]

    async def report(self, model: str | None, timeout_s: float, *, environment_proxy: bool) -> EndpointReport:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=environment_proxy,
        ) as session:
            asker = Asker(session, self._upstream)
            listed = await self._listed(asker) if model is None else None
            asked = model if model is not None else (listed or [""])[0]
            found = await asyncio.gather(*(self._protocol(asker, name, asked) for name in self._protocols))
        if all(item.state == "silent" for item in found):
            raise self._silence({item.reason: item.detail for item in found})
        source: Literal["given", "listed"] = "given" if listed is None else "listed"
        return EndpointReport(self._url, asked, source, None if listed is None else len(listed), tuple(found))

    async def _listed(self, asker: Asker) -> list[str]:
        answers = await asyncio.gather(*(asker.ask(asked) for asked in model_lists()))
        for came in answers:
            if came.status == 200 and (names := models_of(came.value())):
                return names
        judgements = [judged("openai-chat", "", came) for came in answers]
        told = {reason: detail for _, reason, detail in reversed(judgements)}
        if set(told) <= {"unreachable", "hang"}:
            raise self._silence(told)
        if "auth" in told:
            raise EnvironmentLacks(f"{self._url} names no models: {told['auth']}", _NEXT["auth"])
        raise UsageError(f"{self._url} names no models", "name one with --model")

    def _silence(self, told: Mapping[str | None, str]) -> EnvironmentLacks:
        reason = "hang" if "hang" in told else "unreachable"
        return EnvironmentLacks(f"{self._url} does not answer: {told[reason]}", _NEXT[reason])

    async def _protocol(self, asker: Asker, protocol: str, model: str) -> ProtocolReport:
        came = await asker.ask(question(protocol, model, "words"))
        state, reason, detail = judged(protocol, model, came)
        plain = ProtocolReport(protocol, state, reason, came.status, detail, came.ms)
        if state != "served":
            return plain
        plain = replace(plain, usage=None if came.spent else _has_usage(protocol, came))
        if not self._details:
            return plain
        streamed, tooled = await asyncio.gather(
            asker.ask(question(protocol, model, "stream")), asker.ask(question(protocol, model, "tool"))
        )
        streams = _streams(protocol, streamed)
        return replace(
            plain,
            streaming=streams,
            stream_usage=_has_usage(protocol, streamed) if streams else None,
            tools=_calls(protocol, tooled),
        )


def _has_usage(protocol: str, came: Came) -> bool:
    answer = read_answer(protocol, came.data, stream=came.kind == EVENT_STREAM)
    return answer.prompt is not None and answer.completion is not None


def _streams(protocol: str, came: Came) -> bool | None:
    """Return whether a stream came and came to its end; None where a limit or a fault hides it."""
    if came.undecided:
        return None
    return (
        came.status == 200
        and came.kind == EVENT_STREAM
        and read_answer(protocol, came.data, stream=True).finished
    )


def _calls(protocol: str, came: Came) -> bool | None:
    """Return True where the tool was called, False where tools are refused, None where words came."""
    if came.status == 200 and called_tool(protocol, came.value()):
        return True
    return None if came.undecided or came.status == 200 else False
