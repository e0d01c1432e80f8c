"""One cell: an agent works on a task, and every step is an event before the next one begins.

    claim (cell.setup) -> workdir -> launch, with the proxy listening -> exit -> capture
        -> grade in a fresh sandbox -> Ended

The judge is elsewhere: whoever called turns the evidence into scores and closes the stream. What
goes wrong on the way is a result too: `Ended.stated` says what only the runner can know.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from benchledger.runners import cell_events
from benchledger.runners.agents.builtin import act
from benchledger.runners.agents.install import cache_altered
from benchledger.runners.agents.plan import plan_launch
from benchledger.runners.baselines import asked_once
from benchledger.runners.cell_plan import CellPlan, Ended, Report, Stated
from benchledger.runners.environments.local import altered
from benchledger.runners.grade import grade
from benchledger.runners.grading import sandboxed
from benchledger.runners.host import NO_ROOM
from benchledger.runners.journal import Journal, new_span
from benchledger.runners.launch import Endpoint, ExitReport, Launch
from benchledger.runners.plain import toolchain_environment
from benchledger.runners.proxy.record import LimitHit, RecordedCall, Stats, call_span, to_event
from benchledger.runners.proxy.server import Proxy, new_token
from benchledger.runners.sandboxes.folders import fresh_folder
from benchledger.runners.sandboxes.port import ON_HOST, Places, Sandbox
from benchledger.runners.sandboxes.trees import remove_surely
from benchledger.runners.sandboxes.watch import apparent_bytes
from benchledger.runners.secrets import Secrets, holds_secret, mask, mask_json, mask_text, without_half
from benchledger.runners.workdir import Snapshot, capture, make_workdir
from benchledger.schema.base import BlobRef
from benchledger.schema.errors import BenchledgerError, DiskFull, EnvironmentLacks, SandboxFailed
from benchledger.schema.events import GraderRan
from benchledger.schema.ports import Clock, Sink, SystemClock
from benchledger.schema.task import matches

__all__ = ["run_cell"]

_NOTES = 50
_NOTE = 1000  # characters


def _silent(stage: str, text: str) -> None:
    pass


def run_cell(plan: CellPlan, sink: Sink, report: Report = _silent, clock: Clock | None = None) -> Ended:
    """Run one attempt; a failed one is a result, not an error.

    Raises EnvironmentLacks where the machine has no such sandbox, Conflict where the attempt was
    claimed by another launcher: in both cases nothing was started.
    """
    ended: Ended | None = None
    try:
        with _own_sandbox(plan) as sandbox:
            ended = _Attempt(plan, sink, report, clock or SystemClock()).run(sandbox)
    except KeyboardInterrupt as error:
        # too late to abort anything: what there is gets judged, and the caller raises
        if ended is None:
            raise
        ended = replace(ended, interrupted=error)
    return ended


def _own_sandbox(plan: CellPlan) -> Sandbox:
    if plan.places is None:
        return plan.sandbox()
    return plan.sandbox(place=Path(plan.places.home).parent)


class _Attempt:
    """The state of one attempt while it runs."""

    def __init__(self, plan: CellPlan, sink: Sink, report: Report, clock: Clock) -> None:
        self.plan, self.report, self.clock = plan, report, clock
        self.token = new_token()
        self.journal = Journal(sink, f"cell/{plan.cell}@{plan.attempt}", plan.actor, clock)
        named = {} if plan.source is None else plan.source.known_secrets
        self.secrets = Secrets.named({"attempt-token": self.token, **named, **plan.secrets})
        self.notes: list[str] = []
        self.stated: Stated | None = None
        self.drifts = 0
        self.root = new_span()
        self.began = 0.0
        self.room = 0  # bytes that were free before the agent came
        self.came = False  # whether it did: before that, nothing of it can fill a disk

    def run(self, sandbox: Sandbox) -> Ended:
        self.began = time.monotonic()
        self.report("setup", f"{self.plan.cell}@{self.plan.attempt}")
        self.journal.write(*cell_events.claim(self.plan, self.clock.now_us()))
        interrupted: BaseException | None = None
        folder: Path | None = None
        try:
            folder = fresh_folder(None if self.plan.places is None else Path(self.plan.places.work).parent)
            self.room = shutil.disk_usage(folder).free
            self._execute(sandbox, folder / "work")
        except SandboxFailed as error:
            self._failed(error.part, error)
        except DiskFull as error:
            self._failed("disk", error)
        except OSError as error:
            self._failed("disk" if error.errno in NO_ROOM else "sandbox", error)
            if error.errno in NO_ROOM and folder is not None and self.came and self._filled(sandbox, folder):
                self.stated = ("agent_error", "quota")
        except BenchledgerError as error:
            self._failed("sandbox", error)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever closes the stream
            self.stated, interrupted = ("aborted", None), error
        interrupted = (remove_surely(folder) if folder else None) or interrupted
        notes = tuple(dict.fromkeys(self.notes))[:_NOTES]
        return Ended(self.journal, self.stated, notes, interrupted, self.drifts)

    def _failed(self, part: str, error: Exception) -> None:
        said = error.message if isinstance(error, BenchledgerError) else str(error)
        self.stated = ("infra_error", part)
        self._note(said)

    def _filled(self, sandbox: Sandbox, folder: Path) -> bool:
        """Return whether it was the agent that took most of the room that the host had."""
        places = sandbox.places(folder / "work")
        own = (folder, *(Path(each) for each in (places.home, places.tmp) if sandbox.name == "local"))
        return apparent_bytes(own) * 2 >= self.room

    def _note(self, text: str) -> None:
        self.notes.append(mask_text(text, self.secrets)[:_NOTE])

    def _execute(self, sandbox: Sandbox, workdir: Path) -> None:
        plan, places = self.plan, sandbox.places(workdir)
        with self.journal.span("task_setup", plan.task.id, **cell_events.setup_attributes(plan, places)):
            before = make_workdir(plan.task, workdir)
        self.came = True
        if plan.agent.behaviour == "process":
            self._launch(sandbox, workdir, places)
        else:
            self._act(workdir)
        self._capture(before, workdir)
        self._grade(workdir)

    def _act(self, workdir: Path) -> None:
        """Let a built-in agent do its part; it asks no model and starts no process."""
        plan = self.plan
        self.journal.write(cell_events.launched_builtin(plan.agent, self.root, self.clock.now_us()))
        self.report("launch", plan.agent.name)
        started = time.monotonic()
        with self.journal.span("adapter_run", plan.agent.name, span_id=self.root):
            act(plan.agent, plan.task.solution, workdir, plan.task.removes)
        active = (time.monotonic() - started) * 1000
        self._exited(ExitReport.of_builtin(active), None)

    def _launch(self, sandbox: Sandbox, workdir: Path, places: Places) -> None:
        plan, source = self.plan, self.plan.source
        if source is None:
            self._exited(self._run(sandbox, workdir, places, None), None)
            return
        seen: set[str] = set()

        def on_call(call: RecordedCall) -> None:
            event, blobs = to_event(call, seen)
            self.journal.write(event, call_span(call, new_span(), self.root), blobs=blobs)
            self.report("call", cell_events.call_text(call))

        config = source.config(plan.model, places, plan.limits, self.token)
        config = replace(config, secrets={**plan.secrets, **config.secrets})
        with Proxy(config, on_call) as proxy:
            report = self._run(sandbox, workdir, places, proxy)
        # now that it is closed, the calls that were open are recorded as well
        stats = proxy.stats()
        self._exited(report, stats.limit_hit)
        self._told_by_proxy(proxy, stats)

    def _run(self, sandbox: Sandbox, workdir: Path, places: Places, proxy: Proxy | None) -> ExitReport:
        plan, now = self.plan, self.clock.now_us
        launch = self._planned(places, proxy)
        self.journal.write(cell_events.launched(launch, plan, self.root, self.secrets, now()))
        self.report("launch", f"{plan.agent.name} {plan.agent.version} in {plan.sandbox_name}")
        address = None if proxy is None else proxy.address
        with self.journal.span("adapter_run", plan.agent.name, span_id=self.root) as outer:
            outer.attributes |= {
                "timeout_s": plan.limits.seconds,
                "plugin_stack": [o.name for o in plan.overlays],
            }
            applied = cell_events.plugin_attributes(plan)
            with self.journal.span("tool_call", "applied_plugins", self.root, **applied):
                pass
            with self.journal.span("container", plan.sandbox_name, self.root) as inner:
                report = sandbox.run(launch, workdir, plan.limits, address)
                inner.attributes |= cell_events.container_attributes(plan, report, sandbox.isolation)
            outer.attributes["exit_code"] = report.exit_code
        return report

    def _planned(self, places: Places, proxy: Proxy | None) -> Launch:
        plan = self.plan
        url = "" if proxy is None else f"http://127.0.0.1:{proxy.address[1]}"
        launch = plan_launch(
            plan.agent,
            Endpoint(url, self.token, plan.protocol or "", plan.model),
            plan.task.instruction,
            places.work,
            places.home,
            installed=plan.installed,
        )
        return (
            replace(launch, env={**toolchain_environment(), **launch.env})
            if plan.sandbox_name in ON_HOST
            else launch
        )

    def _exited(self, report: ExitReport, hit: LimitHit | None) -> None:
        keep, wall_ms = self._keep, (time.monotonic() - self.began) * 1000
        whole = partial(without_half, secrets=self.secrets) if report.truncated else bytes
        refs = {
            "stdout": keep(whole(report.stdout)),
            "stderr": keep(whole(report.stderr)),
            "recording": keep(report.recording),
        }
        self.journal.write(cell_events.exited(report, hit, wall_ms, refs, self.clock.now_us()))
        self.report(
            "exit", f"exit code {report.exit_code}" if report.signal is None else f"signal {report.signal}"
        )
        if report.quota:
            self.stated = ("agent_error", "quota")
        if report.survivors:
            self._note(f"{report.survivors} processes were left behind, and killed")
        if report.truncated:
            self._note("output beyond the cap was cut")
        for note in report.notes:
            self._note(note)
        ready = self.plan.installed if self.plan.sandbox_name in ON_HOST else None
        if ready is not None and cache_altered(ready):
            self._note("the agent altered the cache that its launches share")
        if altered(self.plan.environment):
            self._note("the agent altered the task's environment: it is made anew")

    def _keep(self, data: bytes | None) -> BlobRef | None:
        return self.journal.keep(None if data is None else mask(data, self.secrets))

    def _told_by_proxy(self, proxy: Proxy, stats: Stats) -> None:
        attributes = cell_events.proxy_attributes(stats, self.secrets)
        with self.journal.span("proxy", self.plan.protocol or "", self.root, **attributes):
            pass
        for name in proxy.unmaskable:
            self._note(f"secret {name} is too short to be masked")
        for drift in stats.drifts:
            diff = self._keep(drift.diff.encode())
            told = {"number": drift.number, "nearest": drift.nearest, "diff": diff and diff.to_json()}
            attributes = {name: value for name, value in told.items() if value is not None}
            with self.journal.span("drift", f"call {drift.number}", self.root, **attributes):
                pass
        self.drifts = len(stats.drifts)
        if self.drifts:
            self.stated = ("infra_error", "drift")
            self._note(f"{self.drifts} requests were never recorded: this is no replay")

    def _capture(self, before: Snapshot, workdir: Path) -> None:
        self.report("capture", "what changed")
        expect = self.plan.task.expectations
        # a mask finds nothing in the binary form of a patch
        found = capture(before, workdir, withheld=partial(holds_secret, secrets=self.secrets))
        refs = {"patch": self._keep(found.patch), "manifest": self._keep(found.manifest)}
        self.journal.write(cell_events.captured(found, expect, self.secrets, refs))
        known = [path for path in found.changes.all if matches(path, self.plan.agent.strays)]
        if known:
            self._note(f"known strays of {self.plan.agent.name}: {', '.join(known[:10])}")
        for note in found.notes[:10]:
            self._note(note)

    def _grade(self, workdir: Path) -> None:
        plan = self.plan
        self.report("grade", " ".join(plan.task.checks.command))
        try:
            make = plan.checks_sandbox or plan.sandbox
            run = sandboxed(make, plan.limits, partial(mask, secrets=self.secrets))
            graded = grade(plan.task, workdir, run, ask=asked_once(plan, make))
        except EnvironmentLacks as error:
            self._failed("grader", error)
            return
        except SandboxFailed as error:
            self._failed("engine" if error.part == "engine" else "grader", error)
            return
        streams = {"stdout": self._keep(graded.stdout), "stderr": self._keep(graded.stderr)}
        told = asdict(graded) | streams
        told["checks_after"] = mask_json(told["checks_after"], self.secrets)
        notes = told.pop("notes")
        self.journal.write(GraderRan(**told))
        for note in notes[:10]:
            self._note(note)
