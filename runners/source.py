"""Where the model's answers come from: an endpoint, a task's script, or the calls of a recorded cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from benchledger.runners.proxy.config import Prices, ProxyConfig, Upstream
from benchledger.runners.proxy.replay import recorded_calls
from benchledger.runners.proxy.routes import PROTOCOLS
from benchledger.runners.proxy.scripted import Plan
from benchledger.runners.sandboxes.port import Places
from benchledger.runners.script import PASS
from benchledger.runners.task import Task
from benchledger.schema.errors import BadInput, UsageError
from benchledger.schema.events import ModelCalled
from benchledger.schema.task import Limits

__all__ = ["ModelSource", "Recorded", "live", "replayed", "scripted"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The calls of one attempt to answer from. `places` are the paths that the recorded agent saw."""

    ref: str
    calls: Sequence[ModelCalled]
    get: Callable[[str], bytes]
    places: Places


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """One way to answer; `served` are the protocols that it speaks, in no order.

    `played` names what of a task's script is played: its variant, and a fault with its counts.
    """

    mode: Literal["live", "scripted", "replay"]
    served: Sequence[str] = PROTOCOLS
    upstream: Upstream | None = None
    script: Mapping[str, Any] | None = None
    recorded: Recorded | None = None
    prices: Prices | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    played: Mapping[str, Any] | None = None

    @property
    def origin(self) -> str | None:
        """Return scheme://host[:port] of the endpoint, without path or credentials."""
        return None if self.upstream is None else _origin(self.upstream.base_url)

    @property
    def known_secrets(self) -> dict[str, str]:
        """Return by name what must never be stored: the endpoint's key, and what the caller named."""
        return {**self.secrets, **({} if self.upstream is None else self.upstream.secrets)}

    def config(self, model: str, places: Places, limits: Limits, token: str) -> ProxyConfig:
        """Return what the proxy of one attempt is told. Seconds are the sandbox's: they run from the launch."""
        recorded = self.recorded
        calls = recorded_calls(recorded.calls, recorded.get, _labels(recorded.places)) if recorded else ()
        return ProxyConfig(
            mode=self.mode,
            upstream=self.upstream,
            script=self.script,
            root=places.work,
            replay=calls,
            volatile=_labels(places),
            limits=limits.model_copy(update={"seconds": None}),
            prices=self.prices,
            secrets=self.secrets,
            token=token,
            models=(model,),
        )


def live(upstream: Upstream, served: Sequence[str] = PROTOCOLS, prices: Prices | None = None) -> ModelSource:
    """Return an endpoint as the source; raises UsageError where its URL is none."""
    _origin(upstream.base_url)
    return ModelSource(mode="live", served=served, upstream=upstream, prices=prices)


def scripted(
    task: Task, variant: str = PASS, fault: Mapping[str, Any] | None = None, prices: Prices | None = None
) -> ModelSource:
    """Return a task's script as the source, with a fault of the proxy's where one is wanted.

    Raises UsageError where the task ships no script, UnknownName for a variant or fault that there is not.
    """
    script = task.script()
    if script is None:
        raise UsageError(f"task {task.id} ships no script.json", "give an endpoint, or write its script")
    steps = [step.model_dump(mode="json", exclude_none=True) for step in script.variant(variant)]
    played = {"steps": steps, **(fault or {})}
    Plan.read(played)
    return ModelSource(
        mode="scripted", script=played, prices=prices, played={"variant": variant, **(fault or {})}
    )


def replayed(recorded: Recorded) -> ModelSource:
    """Return recorded calls as the source; raises BadInput where there are none."""
    served = sorted({call.protocol for call in recorded.calls if call.protocol and call.request})
    if not served:
        raise BadInput(f"{recorded.ref} recorded no model call", "replay a cell whose agent asked a model")
    return ModelSource(mode="replay", served=served, recorded=recorded)


def _labels(places: Places) -> dict[str, str]:
    return {places.work: "{work}", places.home: "{home}", places.tmp: "{tmp}"}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url!r} is no endpoint", "write it as https://host/v1")
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"
