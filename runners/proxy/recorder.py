"""Masks, packs and hands out calls, one after the other, in a thread of its own.

The thread keeps masking and the ledger's disk out of the way of answers; calls come out in the
order in which they ended.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from blake3 import blake3

from benchledger.runners.proxy.exchange import Exchange
from benchledger.runners.proxy.pack import CONVERSATION, pack_request, request_hash
from benchledger.runners.proxy.record import RecordedCall
from benchledger.runners.secrets import Secrets, mask, mask_json, mask_text
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import CanonicalError

CACHED = 4096  # values whose masked form is remembered; a conversation sends each message many times


class Masker:
    """Masks bodies, each message once."""

    def __init__(self, secrets: Secrets) -> None:
        """Start with an empty memory; it keeps digests and masked forms, no secrets."""
        self.secrets = secrets
        self._known: OrderedDict[bytes, tuple[Any, ...]] = OrderedDict()

    def body(self, body: Any) -> Any:
        """Return a decoded body with every secret blanked."""
        if not isinstance(body, dict):
            return mask_json(body, self.secrets)
        return {mask_text(name, self.secrets): self._member(name, value) for name, value in body.items()}

    def _member(self, name: str, value: Any) -> Any:
        if name in CONVERSATION and isinstance(value, list):
            return [self._value(item) for item in value]
        return self._value(value)

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | float):
            return value
        try:
            digest = blake3(canonical_bytes(value)).digest()
        except CanonicalError:
            return mask_json(value, self.secrets)
        if digest not in self._known:
            masked = mask_json(value, self.secrets)
            self._known[digest] = () if masked is value else (masked,)
            if len(self._known) > CACHED:
                self._known.popitem(last=False)
        self._known.move_to_end(digest)
        changed = self._known[digest]
        return changed[0] if changed else value


class Recorder:
    """The thread that turns exchanges into recorded calls."""

    def __init__(self, secrets: Secrets, on_call: Callable[[RecordedCall], None]) -> None:
        """`on_call` is called in the recorder's thread; what it raises is kept in `failure`."""
        self.failure: BaseException | None = None
        self._masker = Masker(secrets)
        self._on_call = on_call
        self._failed: dict[str, int] = {}
        self._waiting: queue.SimpleQueue[Exchange | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="benchledger-recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, exchange: Exchange) -> None:
        self._waiting.put(exchange)

    def stop(self) -> None:
        """Record what is waiting, then end."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (exchange := self._waiting.get()) is not None:
            if self.failure is None:
                try:
                    self._on_call(self.recorded(exchange))
                except BaseException as error:  # noqa: BLE001 - handed to whoever closes the proxy
                    self.failure = error

    def recorded(self, exchange: Exchange) -> RecordedCall:
        """Return the record of an exchange that ended."""
        secrets, answer = self._masker.secrets, exchange.answer
        body = self._masker.body(exchange.body)
        packed, digest = pack_request(body), request_hash(body)
        ended = exchange.ended or exchange.began
        first = exchange.first_token
        retry_of = self._failed.pop(digest, None) if digest else None
        if digest and exchange.error is not None:
            self._failed[digest] = exchange.number

        def clean(text: str | None) -> str | None:
            return None if text is None else mask_text(text, secrets)

        return RecordedCall(
            number=exchange.number,
            protocol=exchange.route.protocol,
            stream=exchange.wants_stream,
            model_asked=clean(exchange.model),
            model_answered=clean(answer.model),
            system_fingerprint=clean(answer.fingerprint),
            request_hash=digest,
            prompt_tokens=answer.prompt,
            completion_tokens=answer.completion,
            cached_tokens=answer.cached,
            cost=exchange.cost,
            latency_ms=round((ended - exchange.began) * 1000, 3),
            first_token_ms=None if first is None else round((first - exchange.began) * 1000, 3),
            queued_ms=round(exchange.queued_ms, 3),
            status=exchange.status,
            finish_reason=clean(answer.finish),
            error=clean(exchange.error),
            request=packed.data,
            parts=packed.parts,
            response=None if exchange.status is None else mask(b"".join(exchange.chunks), secrets),
            started_at=exchange.started_at,
            retry_of=retry_of,
        )
