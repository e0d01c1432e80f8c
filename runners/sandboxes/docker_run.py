"""One program in a container, from its creation to its report."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import docker
import docker.errors

from benchledger.runners.host import undisturbed
from benchledger.runners.launch import ExitReport, Launch
from benchledger.runners.sandboxes import docker_settings, engine, homes, netns, reaper_program, relay
from benchledger.runners.sandboxes.attach import Streams
from benchledger.runners.sandboxes.forward import Forwarder
from benchledger.runners.sandboxes.port import Address, Caps
from benchledger.runners.sandboxes.recording import Recording
from benchledger.runners.sandboxes.spool import Spool
from benchledger.runners.sandboxes.volume import PLACES, Volume
from benchledger.runners.sandboxes.watch import Breach, Watch
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed
from benchledger.schema.task import Limits

__all__ = ["Attempt", "reaped"]

READY_SECONDS = 60.0
END_SECONDS = 30


class Attempt:
    """The container of one run; on exit it is gone, after an exception too."""

    def __init__(
        self, client: docker.DockerClient, image_id: str, caps: Caps, value: str, *, direct: bool = True
    ) -> None:
        """Keep what every run of a sandbox shares. `value` is that of the marker, `direct` as in Volume."""
        self._client, self._image_id, self._caps, self._value = client, image_id, caps, value
        self._direct = direct
        self.isolation: tuple[str, ...] = ()
        self._out, self._err = Spool(caps.output_bytes), Spool(caps.output_bytes)
        self._recording: Recording | None = None
        self._after = contextlib.ExitStack()
        self._id, self._name = "", f"benchledger-{value[:12]}-{secrets.token_hex(4)}"

    def __enter__(self) -> Self:
        """Start with nothing."""
        for spool in (self._out, self._err):
            self._after.callback(spool.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill and remove."""
        with undisturbed():  # a second Ctrl-C would leave what the first one ends
            self._after.close()

    def run(
        self, launch: Launch, workdir: Path, limits: Limits, path: str, proxy: Address | None
    ) -> ExitReport:
        """Return how the program ended."""
        called, disk = time.monotonic(), self._caps.disk_bytes
        files = homes.checked_files(launch)
        environment = homes.environment(launch, PLACES, path, self._value)
        self._create(launch, limits, environment)
        with engine.translated("take the files"):
            volume = Volume(self._client.api, self._id, direct=self._direct)
            volume.fill(workdir, files)
        streams = self._start(launch, proxy)
        watch = Watch(limits, disk, lambda: volume.used(disk), volume.clock)
        started = time.monotonic()
        streams.begin(secrets.token_hex(8), launch.stdin)
        breach = self._wait(streams, watch)
        ended = time.monotonic()
        with engine.translated("say how the program ended"):
            state = self._state()
            over = volume.used(disk) >= disk
            over |= volume.bring(workdir, disk).beyond_cap
        streams.close()
        times = ((time.monotonic() - called) * 1000, (ended - started) * 1000)
        return self._report(state, breach, streams.left or 0, times, over=over)

    def _create(self, launch: Launch, limits: Limits, environment: dict[str, str]) -> None:
        settings = docker_settings.settings(launch, limits, environment, self._caps)
        try:
            # one that is made is ours to remove, whether or not the engine's answer arrives
            with undisturbed(), engine.translated("create the container"):
                self._after.enter_context(reaped())
                self._after.callback(self._remove)
                self._id = str(self._client.containers.create(self._image_id, name=self._name, **settings).id)
        except SandboxFailed as error:
            if isinstance(error.__cause__, docker.errors.ImageNotFound):
                hint = "build it with `benchledger images build`, or pull it"
                raise EnvironmentLacks(f"no such image: {self._image_id}", hint) from error
            raise
        held = [f"cgroup {name}" for name in docker_settings.held(limits)]
        kept = ("environment", "home", "files", "network", "processes", "user", "capabilities")
        self.isolation = (*kept, *held)

    def _start(self, launch: Launch, proxy: Address | None) -> Streams:
        with undisturbed(), engine.translated("start the container"):
            wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            # attached before the start, so that nothing is missed
            raw = self._client.api.attach_socket(self._id, params=wanted)
            self._after.callback(raw.close)
            streams = Streams(raw._sock, framed=not launch.pty)  # noqa: SLF001  the half-close needs it
            self._after.callback(streams.close)
            caps = self._caps
            if launch.pty:
                self._recording = Recording(caps.columns, caps.rows, caps.output_bytes)
            streams.start(self._taken, self._err.write)
            self._client.api.start(self._id)
        self._listen(proxy)
        while not streams.ready.wait(0.5):
            if streams.ended.is_set():
                said = self._err.take()[:300].decode(errors="replace").strip()
                raise SandboxFailed(f"the container ended before the program started: {said}")
        if self._recording:
            self._recording.restart()
        return streams

    def _taken(self, data: bytes) -> None:
        self._out.write(data)
        if self._recording:
            self._recording.add(data)

    def _listen(self, proxy: Address | None) -> None:
        if proxy is None:
            return
        with undisturbed(), engine.translated("show the proxy to the container"):
            pid = int(self._client.api.inspect_container(self._id)["State"]["Pid"])
            inside = self._direct and netns.may_enter(pid)
            if inside:
                listener = netns.listen_inside(pid, ("127.0.0.1", proxy[1]))
                self._after.callback(Forwarder(listener, proxy).close)
        if not inside:
            self._after.enter_context(relay.relayed(self._client, self._id, self._image_id, proxy))

    def _wait(self, streams: Streams, watch: Watch) -> Breach | None:
        breach: Breach | None = None
        while breach is None and not streams.ended.wait(watch.wait_seconds()):
            with engine.translated("be asked for the files' size"):
                breach = watch.look()
        if breach is None:
            return None
        with engine.translated("end the program"), contextlib.suppress(docker.errors.APIError):
            # as the program's user, to all but the init; there may be no room for one more process
            asked = self._client.api.exec_create(self._id, ["sh", "-c", "kill -TERM -1"])
            self._client.api.exec_start(asked["Id"], detach=True)
        if not streams.ended.wait(self._caps.grace_seconds):
            with engine.translated("kill the container"), contextlib.suppress(docker.errors.APIError):
                self._client.api.kill(self._id)
            streams.ended.wait(END_SECONDS)
        return breach

    def _state(self) -> dict[str, Any]:
        # the end of a stream is no proof of an exit: an engine that dies ends it as well
        self._client.api.wait(self._id, timeout=END_SECONDS)
        state: dict[str, Any] = self._client.api.inspect_container(self._id)["State"]
        if state["Status"] != "exited":
            raise SandboxFailed(f"the streams ended, and the container is {state['Status']}")
        return state

    def _remove(self) -> None:
        # a dead engine removes nothing; the next runner finds the container by its label
        with contextlib.suppress(*engine.FOREIGN):
            self._client.api.remove_container(self._name, v=True, force=True)

    def _report(
        self,
        state: dict[str, Any],
        breach: Breach | None,
        left: int,
        times: tuple[float, float],
        *,
        over: bool,
    ) -> ExitReport:
        code = int(state["ExitCode"])
        # a shell's 128 + n is all that the engine tells of a signal
        number = code - 128 if 128 < code <= 192 else None
        return ExitReport(
            exit_code=code if number is None else None,
            signal=number,
            timed_out=breach == "seconds",
            oom=bool(state["OOMKilled"]),
            wall_ms=times[0],
            active_ms=times[1],
            truncated=self._out.truncated or self._err.truncated,
            stdout=self._out.take(),
            stderr=self._err.take(),
            recording=self._recording.bytes() if self._recording else None,
            survivors=0 if breach else left,
            quota=breach == "disk" or over,
        )


@contextlib.contextmanager
def reaped() -> Iterator[None]:
    """See to it that this process's containers are removed where it is killed before the end of the body."""
    label = f"{engine.OWNER_LABEL}={engine.owner()}"
    command = [sys.executable, "-I", "-S", reaper_program.__file__, label, json.dumps(sys.path)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            process.communicate(b"\n")
