"""What each step of a cell says: events made from plans and reports, all free text masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchledger.runners.agents.overlay import behaviour_mode, overlay_identity, plugin_stack
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.host import host_facts
from benchledger.runners.launch import ExitReport, Launch
from benchledger.runners.proxy.record import LimitHit, RecordedCall, Stats
from benchledger.runners.sandboxes.port import Places
from benchledger.runners.secrets import Secrets, mask_json, mask_text
from benchledger.runners.task import identity
from benchledger.runners.workdir import WorkdirCapture
from benchledger.schema.base import BlobRef, Payload
from benchledger.schema.events import CellExited, CellLaunched, CellSetup, WorkdirCaptured, told_apart
from benchledger.schema.task import Changes, Expectations

if TYPE_CHECKING:
    from benchledger.runners.cell_plan import CellPlan

__all__ = [
    "call_text",
    "captured",
    "claim",
    "container_attributes",
    "exited",
    "launched",
    "launched_builtin",
    "plugin_attributes",
    "proxy_attributes",
    "setup_attributes",
]

_ARGUMENT = 4000  # characters of an argument that are kept; the schema has room for 4,096
_TEXT = 1000


def claim(plan: CellPlan, now_us: int) -> list[Payload]:
    """Return the first events of an attempt, which claim it: everything that is fixed before launch."""
    setup, expected = told_apart(_setup(plan, now_us))
    return [setup] if expected is None else [setup, expected]


def _setup(plan: CellPlan, now_us: int) -> CellSetup:
    source = plan.source
    host = host_facts()
    if plan.installed is not None and plan.installed.lock:
        host |= {"agent_lock": plan.installed.lock, "agent_runtime": plan.installed.runtime}
    if plan.environment is not None:
        host["environment"] = plan.environment.digest
    if plan.not_isolated:
        host["not_isolated"] = list(plan.not_isolated)
    return CellSetup(
        cell_id=str(plan.cell),
        attempt=plan.attempt,
        agent=plan.identity,
        model=plan.model,
        task=identity(plan.task),
        mode=plan.mode,
        endpoint_origin=source.origin if source else None,
        protocol=plan.protocol,
        plugin_stack=plugin_stack(plan.overlays),
        behavior_mode=behaviour_mode(plan.overlays),
        overlays=overlay_identity(plan.overlays) or None,
        sandbox=plan.sandbox_name,
        limits=plan.limits,
        host=host,
        policy_id=plan.policy_id,
        harness=plan.harness,
        observed=("model_calls", "workdir", "streams", "checks"),
        started_at=now_us,
    )


def setup_attributes(plan: CellPlan, places: Places) -> dict[str, Any]:
    """Return the attributes of the span task_setup; its paths are those that the agent sees."""
    told: dict[str, Any] = {
        "workdir": places.work,
        "home": places.home,
        "tmp": places.tmp,
        "task_category": plan.task.category,
        "plugin_stack": list(plugin_stack(plan.overlays)),
        "behavior_mode": behaviour_mode(plan.overlays),
    }
    if plan.source is not None and plan.source.recorded is not None:
        told["replay_of"] = plan.source.recorded.ref
    if plan.source is not None and plan.source.played is not None:
        told["script"] = dict(plan.source.played)
    return told


def launched(launch: Launch, plan: CellPlan, span: str, secrets: Secrets, now_us: int) -> CellLaunched:
    """Return the launch: argv without secrets and the operator's paths, the instruction named, not repeated."""
    shown = {plan.task.instruction: "{instruction}"}
    if plan.installed is not None and plan.installed.bin:
        shown[plan.installed.bin] = plan.agent.install.bin
    argv = (_replaced(text, shown) for text in launch.argv)
    return CellLaunched(
        argv=tuple(_short(mask_text(text, secrets), _ARGUMENT) for text in argv),
        env_names=tuple(sorted(launch.env)),
        network=_network(plan),
        span=span,
        launched_at=now_us,
    )


def _network(plan: CellPlan) -> str:
    if "network" in plan.not_isolated:
        return "not isolated"
    return "none" if plan.source is None else "proxy only"


def launched_builtin(agent: AgentSpec, span: str, now_us: int) -> CellLaunched:
    """Return the launch of an agent that is no process."""
    return CellLaunched(argv=(f"builtin:{agent.behaviour}",), network="none", span=span, launched_at=now_us)


def plugin_attributes(plan: CellPlan) -> dict[str, Any]:
    """Return the attributes of the span tool_call: which overlays were applied to the agent."""
    names = list(plugin_stack(plan.overlays))
    return {
        "tui": plan.agent.name,
        "count": len(names),
        "applied": names,
        "env_keys": sorted({name for overlay in plan.overlays for name in overlay.env}),
        "extra_args": [text for overlay in plan.overlays for text in overlay.args],
        "applied_count": len(names),
        "skipped_count": 0,
    }


def container_attributes(plan: CellPlan, report: ExitReport, isolation: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of the span container, that of the program itself."""
    told = {
        "image": plan.identity.image,
        "timeout_s": plan.limits.seconds,
        "exit_code": report.exit_code,
        "signal": report.signal,
        "duration_s": round(report.active_ms / 1000, 6),
        "timed_out": report.timed_out,
        "isolation": list(isolation),
        "survivors": report.survivors,
    }
    return {name: value for name, value in told.items() if value is not None}


def exited(
    report: ExitReport, hit: LimitHit | None, wall_ms: float, refs: Mapping[str, BlobRef | None], now_us: int
) -> CellExited:
    """Return how the program ended; `refs` are its streams and recording, stored by the caller."""
    return CellExited(
        exit_code=report.exit_code,
        signal=report.signal,
        timed_out=report.timed_out,
        oom=report.oom,
        # a budget that was used up came first: an agent without one may well wait for the end of its time
        limit_hit=hit or ("seconds" if report.timed_out else None),
        wall_ms=wall_ms,
        active_ms=report.active_ms,
        ended_at=now_us,
        **refs,
    )


def captured(
    capture: WorkdirCapture, expect: Expectations, secrets: Secrets, refs: Mapping[str, BlobRef | None]
) -> WorkdirCaptured:
    """Return what changed; file names are an agent's words, and masked as such."""
    told = mask_json(capture.changes.to_json(), secrets)
    changes = Changes.model_validate({name: tuple(paths) for name, paths in told.items()})
    apart: dict[str, Any] = changes.told_apart(expect) | dict(refs)
    return WorkdirCaptured(
        changes=changes,
        **apart,
        new_commits=capture.new_commits,
        git_changes=bool(capture.git_changes),
    )


def proxy_attributes(stats: Stats, secrets: Secrets) -> dict[str, Any]:
    """Return the attributes of the span proxy: totals, and what was refused or is no model call."""
    names = ("calls", "answered", "failed", "unmetered", "helpers", "limit_hit")
    told: dict[str, Any] = {name: getattr(stats, name) for name in names}
    told["notes"] = [
        {"kind": note.kind, "text": _short(mask_text(note.text, secrets), _TEXT), "times": note.times}
        for note in stats.notes
    ]
    return {name: value for name, value in told.items() if value not in (None, [])}


def call_text(call: RecordedCall) -> str:
    """Return one line about a call, for people who watch."""
    tokens = ""
    if call.prompt_tokens is not None and call.completion_tokens is not None:
        tokens = f", {call.prompt_tokens:,} + {call.completion_tokens:,} tokens"
    said = call.error or str(call.status)
    return f"{call.number}: {_short(said, 120)}{tokens}, {call.latency_ms / 1000:.1f} s"


def _replaced(text: str, shown: Mapping[str, str]) -> str:
    for old, new in shown.items():
        text = text.replace(old, new)
    return text


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
