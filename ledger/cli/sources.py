"""Where the model's answers come from, out of the options of a command that runs a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchledger.ledger.cli.upstreams import upstream_of

if TYPE_CHECKING:
    from benchledger.runners.prepare import Prepared
    from benchledger.runners.proxy.config import Prices
    from benchledger.runners.source import ModelSource, Recorded

__all__ = ["source_of"]


def source_of(
    given: Mapping[str, Any], parts: Prepared, recorded: Recorded | None = None
) -> ModelSource | None:
    """Return where the answers come from, None for an agent that asks no model; raises UsageError."""
    from benchledger.runners.source import replayed

    if not parts.agent.uses_model:
        return None
    if recorded is not None:
        return replayed(recorded)
    if given["scripted"]:
        return _scripted(given, parts)
    return _live(given, parts) if given["endpoint"] else None


def _scripted(given: Mapping[str, Any], parts: Prepared) -> ModelSource:
    from benchledger.runners.script import PASS
    from benchledger.runners.source import scripted

    return scripted(parts.task, given["variant"] or PASS, _fault(given["fault"]), _prices(given["price"]))


def _live(given: Mapping[str, Any], parts: Prepared) -> ModelSource:
    """Return the endpoint as the source, asked first what it serves unless that is not wanted."""
    from benchledger.runners.endpoint import probe
    from benchledger.runners.source import live
    from benchledger.schema.errors import UsageError

    upstream, prices = upstream_of(dict(given)), _prices(given["price"])
    source = live(upstream, prices=prices)
    if given["no_preflight"]:
        return source
    wanted = [given["protocol"]] if given["protocol"] else parts.agent.protocols
    report = probe(upstream, parts.model, protocols=wanted, details=False)
    lacking = report.lack()
    if lacking is not None and all(each.state == "absent" for each in report.protocols):
        said = f"{parts.agent.name} is unsupported(protocol): it speaks {', '.join(wanted)}"
        hint = "`benchledger doctor --endpoint URL` says which agents it allows"
        raise UsageError(f"{said}, and {report.url} serves none of them", hint)
    if lacking is not None:
        raise lacking
    return live(upstream, report.served, prices)


def _fault(text: str | None) -> dict[str, Any] | None:
    from benchledger.schema.errors import UsageError

    if text is None:
        return None
    name, *counts = text.split(":")
    if len(counts) > 2 or not all(each.isdigit() for each in counts):
        raise UsageError(
            f"{text!r} is no fault", "write NAME, NAME:AFTER or NAME:AFTER:TIMES, such as 429:2:3"
        )
    return {"fault": name} | {key: int(each) for key, each in zip(("after", "times"), counts, strict=False)}


def _prices(text: str | None) -> Prices | None:
    from benchledger.runners.proxy.config import Prices
    from benchledger.schema.errors import UsageError

    if text is None:
        return None
    try:
        prompt, completion, *cached = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"{text!r} is no price", "write PROMPT,COMPLETION[,CACHED] in USD a million tokens"
        ) from None
    return Prices(prompt=prompt, completion=completion, cached=cached[0] if cached else None)
