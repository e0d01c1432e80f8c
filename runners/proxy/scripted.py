"""Plays a task's script as the model: neutral steps become calls of the tools that the agent offers.

Where a script stands is read off the request alone, from the results of tools in it, so that an
agent may ask again, run two conversations, or be started anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from benchledger.runners.proxy.exchange import DROP, EVENT_STREAM, Exchange, Unanswered
from benchledger.runners.proxy.fill import ToolCall, as_shell, finish_call, search_replace, tool_call
from benchledger.runners.proxy.offers import Offer, offers, results, turns, whole_text
from benchledger.runners.proxy.routes import Route, error_body
from benchledger.runners.proxy.speech import Said, helper_answer, speak
from benchledger.schema.errors import BadInput, UnknownName

FAULTS = {
    **{
        str(status): f"every call is answered with {status}" for status in (400, 401, 403, 429, 500, 503, 529)
    },
    "hang": "no answer, the connection stays open",
    "drop": "the connection is closed without an answer",
    "truncate": "the connection is closed in the middle of the answer",
    "refuse": "as if nobody listened upstream",
    "text": "words in place of the step",
    "badargs": "the right tool with arguments that it does not have",
}
_STEPS = {"read", "edit", "write", "shell", "say"}
_MEMBERS = {"steps", "fault", "after", "times", "refuse-after", "variants"}
_GIVE_UP = "I looked at it and have no change to make."
_DONE = "Done."


@dataclass(frozen=True, slots=True)
class Fault:
    """`name` of FAULTS; the first `after` calls are spared, then `times` calls meet it (None: all)."""

    name: str
    after: int = 0
    times: int | None = None

    def meets(self, number: int) -> bool:
        """Return whether the call of that number, from 1, meets the fault."""
        late = number - self.after
        return late > 0 and (self.times is None or late <= self.times)


@dataclass(frozen=True, slots=True)
class Plan:
    """A script ready to play: steps as (kind, value), what is said at the end, a fault.

        {"steps": [{"edit": …}, {"say": "Fixed."}], "fault": "429", "after": 2, "times": 3}

    `after` and `times` count calls; "refuse-after": n is {"fault": "refuse", "after": n}.
    """

    steps: tuple[tuple[str, Any], ...]
    final: str
    fault: Fault | None = None

    @classmethod
    def read(cls, script: Mapping[str, Any]) -> Plan:
        """Take a script as decoded JSON; raises BadInput and UnknownName."""
        if unknown := sorted(set(script) - _MEMBERS):
            raise UnknownName("member of a script", unknown[0], _MEMBERS)
        steps: list[tuple[str, Any]] = []
        for step in script.get("steps") or ():
            kinds = [name for name, value in step.items() if value is not None]
            if len(kinds) != 1:
                raise BadInput(f"a step does {len(kinds)} things", f"give one of {', '.join(sorted(_STEPS))}")
            if kinds[0] not in _STEPS:
                raise UnknownName("step of a script", kinds[0], _STEPS)
            steps.append((kinds[0], step[kinds[0]]))
        said = [value for kind, value in steps if kind == "say"]
        played = tuple(step for step in steps if step[0] != "say")
        return cls(played, said[-1] if said else _DONE, _fault(script))


def _fault(script: Mapping[str, Any]) -> Fault | None:
    if "refuse-after" in script:
        return Fault("refuse", int(script["refuse-after"]))
    if script.get("fault") is None:
        return None
    name = str(script["fault"])
    if name not in FAULTS:
        raise UnknownName("fault", name, FAULTS)
    return Fault(name, int(script.get("after") or 0), script.get("times"))


class Scripted:
    """A script as the agent's model."""

    def __init__(self, plan: Plan, root: str, models: Sequence[str]) -> None:
        """`root` is the workdir as the agent sees it."""
        self._plan, self._root, self._models = plan, root, list(models)

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def helper(self, request: web.Request, route: Route) -> web.Response:
        return helper_answer(route, await request.read(), self._models)

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Play the step at which the conversation stands, or the fault; raises Unanswered."""
        fault = self._plan.fault
        name = fault.name if fault is not None and fault.meets(exchange.number) else None
        if name is not None and name.isdigit():
            return _status(exchange, int(name))
        if name == "hang":
            await asyncio.Event().wait()
        if name == "drop":
            raise Unanswered("dropped", DROP)
        if name == "refuse":
            raise Unanswered("refused", "nobody listens at the scripted upstream")
        said = Said(_GIVE_UP) if name == "text" else self.said(exchange.route.protocol, exchange.body)
        if name == "badargs" and said.call is not None:
            said = Said(said.text, replace(said.call, arguments={"bogus": 1}))
        return await _say(exchange, said, cut=name == "truncate")

    def said(self, protocol: str, body: dict[str, Any]) -> Said:
        """Return what the model says to a request."""
        offered = offers(protocol, body)
        if not offered:
            return Said(self._words(protocol, body))
        at = results(protocol, body)
        if at < len(self._plan.steps):
            kind, value = self._plan.steps[at]
            call = tool_call(kind, value, offered, self._root)
            return Said(call=call) if call else Said(_unable(kind, offered))
        call = finish_call(self._plan.final, offered)
        return Said(call=call) if call else Said(self._plan.final)

    def _words(self, protocol: str, body: dict[str, Any]) -> str:
        """Answer an agent that offers no tools, in the dialect that its prompt asks for."""
        prompt = whole_text(body)
        if "SEARCH/REPLACE" in prompt or "<<<<<<< SEARCH" in prompt:
            return self._search_replace()
        if "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT" in prompt:
            at = turns(protocol, body)
            call = finish_call(self._plan.final, [Offer("bash")])
            command = str(call.arguments["command"]) if call and isinstance(call.arguments, dict) else ""
            if at < len(self._plan.steps):
                command = as_shell(*self._plan.steps[at], self._root)
            fence = "mswea_bash_command" if "mswea_bash_command" in prompt else "bash"
            return f"THOUGHT: the next step.\n\n```{fence}\n{command}\n```"
        return "Work on the task"  # a title or a summary, which several agents ask for aside

    def _search_replace(self) -> str:
        blocks = []
        for kind, value in self._plan.steps:
            if kind in {"edit", "write"}:
                old, new = (value["old"], value["new"]) if kind == "edit" else ("", value["text"])
                blocks.append(f"{value['path']}\n```\n{search_replace(old, new)}\n```\n")
        return "\n".join((*blocks, self._plan.final))


def _unable(kind: str, offered: list[Offer]) -> str:
    return f"No tool for {kind} among {', '.join(offer.name for offer in offered)}."


def _status(exchange: Exchange, status: int) -> web.Response:
    body = error_body(exchange.route.protocol, status, f"scripted fault {status}")
    data = json.dumps(body).encode()
    exchange.status, exchange.chunks = status, [data]
    exchange.read(data)
    return web.Response(status=status, body=data, content_type="application/json")


async def _say(exchange: Exchange, said: Said, *, cut: bool) -> web.StreamResponse:
    stream = exchange.wants_stream
    spoken = speak(exchange.route.protocol, {**exchange.body, "model": exchange.model}, said, stream=stream)
    if not stream and not cut:
        exchange.status, exchange.chunks = 200, spoken
        exchange.read(spoken[0])
        return web.Response(body=spoken[0], content_type="application/json")
    kind = EVENT_STREAM if stream else "application/json"
    response = await exchange.begin(200, {"content-type": kind})
    half = len(spoken[0]) // 2
    for piece in (*spoken[: len(spoken) // 2], spoken[len(spoken) // 2][:half]) if cut else spoken:
        await exchange.send(piece)
    if cut:
        raise Unanswered("dropped", "the connection was closed within the answer")
    return response


__all__ = ["FAULTS", "Fault", "Plan", "Scripted", "ToolCall"]
