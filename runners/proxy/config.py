"""What a proxy is told before it starts."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from benchledger.schema.task import Limits

Mode = Literal["live", "scripted", "replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The endpoint behind the proxy.

    `base_url` may end in a version (`https://host/api/v4`); else `version` is put in, by default
    v1beta for Google and v1 for the others; "" puts in none. `key_header` replaces the header of
    the protocol (Authorization, x-api-key, x-goog-api-key), as `api-key` does for Azure.
    """

    base_url: str
    key: str = field(default="", repr=False)
    key_header: str | None = None
    version: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> dict[str, str]:
        """Return by name what must not be shown: the key, and what may be a credential, being as long as one."""
        extra = {**self.headers, **self.query}
        known = {f"upstream-{name}": value for name, value in extra.items() if len(value) >= 16}
        return {"upstream-key": self.key, **known}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Money per million tokens; cached prompt tokens cost as others do where `cached` is None."""

    prompt: float
    completion: float
    cached: float | None = None

    def cost(self, prompt: int | None, completion: int | None, cached: int | None) -> float | None:
        """Return what a call cost; None where the wire did not say how many tokens it took."""
        if prompt is None or completion is None:
            return None
        hit = min(cached or 0, prompt)
        at = self.prompt if self.cached is None else self.cached
        return ((prompt - hit) * self.prompt + hit * at + completion * self.completion) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCall:
    """One recorded call to answer from: canonical JSON of the body, bytes and status of the answer.

    `status` is None where the upstream never answered; the agent then meets the same failure.
    """

    number: int
    protocol: str
    request: bytes
    response: bytes
    status: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """Everything about one attempt's proxy.

    `script` is {"steps": […]} as in runners/script.py, with a fault where one is wanted (see
    `scripted.Plan`). `root` is the workdir as the agent sees it. `volatile` maps paths that differ
    from run to run to a label, for replay. `secrets` maps names to values that are masked besides
    the upstream's key and the token. `listener` is an open socket that takes the place of host and
    port; it is closed at the end.
    """

    mode: Mode
    upstream: Upstream | None = None
    script: Mapping[str, Any] | None = None
    root: str = "/"
    replay: Sequence[ReplayCall] = ()
    volatile: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    prices: Prices | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    listener: socket.socket | None = field(default=None, repr=False)
    models: Sequence[str] = ()
    concurrency: int = 8
    add_include_usage: bool = False
    environment_proxy: bool = False
    max_request_bytes: int = 64 * 1024 * 1024
    upstream_timeout_s: float = 600.0
