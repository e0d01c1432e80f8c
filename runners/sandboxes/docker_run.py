"""One program in a container, from its creation to its report."""

from __future__ import annotations

import contextlib
import io
import secrets
import shutil
import tarfile
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import docker
import docker.errors
import requests.exceptions
from docker.types import LogConfig, Ulimit

from benchledger.runners.launch import ExitReport, Launch
from benchledger.runners.sandboxes import archive, engine, homes, netns
from benchledger.runners.sandboxes.attach import Streams
from benchledger.runners.sandboxes.forward import Forwarder
from benchledger.runners.sandboxes.port import Address, Caps, Places
from benchledger.runners.sandboxes.recording import Recording
from benchledger.runners.sandboxes.spool import Spool
from benchledger.runners.sandboxes.watch import Breach, Watch, apparent_bytes
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed
from benchledger.schema.task import Limits

__all__ = ["CELL", "Attempt"]

CELL = "/cell"
READY_SECONDS = 60.0
END_SECONDS = 30.0

# Waits for a line, so that the proxy listens before the program starts; runs the program as a child, so
# that what it leaves behind can be counted. The names of signals that shells print go nowhere.
_WRAPPER = """\
{quiet}printf '\\001'
IFS= read -r mark
{loud}trap : TERM
exec 3>&2 2>/dev/null
"$@" 2>&3 3>&-
code=$?
left=-2
for each in /proc/[0-9]*; do left=$((left + 1)); done
printf '\\036%s %s\\n' "$mark" "$left"
exit $code
"""
# the init and the shell around the program
_OWN_PIDS = 2


class Attempt:
    """The container of one run; on exit it is gone, after an exception too."""

    def __init__(self, client: docker.DockerClient, image_id: str, caps: Caps, value: str) -> None:
        """Keep what every run of a sandbox shares. `value` is that of the marker."""
        self._client, self._image_id, self._caps, self._value = client, image_id, caps, value
        self.isolation: tuple[str, ...] = ()
        self._out, self._err = Spool(caps.output_bytes), Spool(caps.output_bytes)
        self._recording: Recording | None = None
        self._after = contextlib.ExitStack()
        self._id = ""

    def __enter__(self) -> Self:
        """Start with nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill and remove."""
        self._after.close()

    def run(
        self, launch: Launch, workdir: Path, limits: Limits, path: str, proxy: Address | None
    ) -> ExitReport:
        """Return how the program ended."""
        called = time.monotonic()
        files = homes.checked_files(launch)
        places = Places(f"{CELL}/home", f"{CELL}/tmp", f"{CELL}/work")
        environment = homes.environment(launch, places, path, self._value)
        self._create(launch, limits, environment)
        with engine.translated("take the files"):
            self._fill(workdir, files)
        streams = self._start(launch, proxy)
        watch = Watch(limits, self._caps.disk_bytes, self._used)
        started = time.monotonic()
        streams.begin(secrets.token_hex(8), launch.stdin)
        breach = self._wait(streams, watch)
        ended = time.monotonic()
        with engine.translated("say how the program ended"):
            state = self._state()
            over = self._bring(workdir)
        streams.close()
        times = ((time.monotonic() - called) * 1000, (ended - started) * 1000)
        return self._report(state, breach, streams.left or 0, times, over=over)

    def _create(self, launch: Launch, limits: Limits, environment: dict[str, str]) -> None:
        try:
            with engine.translated("create the container"):
                made = self._client.containers.create(
                    self._image_id, **_settings(launch, limits, environment, self._caps)
                )
        except SandboxFailed as error:
            if isinstance(error.__cause__, docker.errors.ImageNotFound):
                hint = "build it with `benchledger images build`, or pull it"
                raise EnvironmentLacks(f"no such image: {self._image_id}", hint) from error
            raise
        self._id = made.id
        self._after.callback(self._remove)
        held = [f"cgroup {name}" for name, value in _held(limits) if value]
        kept = ("environment", "home", "files", "network", "processes", "user", "capabilities")
        self.isolation = (*kept, *held)

    def _fill(self, workdir: Path, files: dict[str, bytes]) -> None:
        with tempfile.SpooledTemporaryFile(1 << 20) as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                archive.add_folder(tar, "home", 0o700)
                archive.add_folder(tar, "tmp", 0o700)
                archive.add_folder(tar, "work")
                for folder in sorted({str(up) for name in files for up in Path(name).parents} - {"."}):
                    archive.add_folder(tar, f"home/{folder}", 0o700)
                for name, data in files.items():
                    archive.add_bytes(tar, f"home/{name}", io.BytesIO(data), len(data))
                archive.add_tree(tar, workdir, "work")
            file.seek(0)
            self._client.api.put_archive(self._id, CELL, file)

    def _start(self, launch: Launch, proxy: Address | None) -> Streams:
        with engine.translated("start the container"):
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
        pid = int(self._client.api.inspect_container(self._id)["State"]["Pid"])
        if not netns.may_enter(pid):
            raise EnvironmentLacks(
                "the proxy cannot be shown to a container from here",
                "run as root on the machine of the engine, or use `--sandbox local`",
            )
        listener = netns.listen_inside(pid, ("127.0.0.1", proxy[1]))
        self._after.callback(Forwarder(listener, proxy).close)

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
        with contextlib.suppress(requests.exceptions.ReadTimeout):
            self._client.api.wait(self._id, timeout=END_SECONDS)
        state: dict[str, Any] = self._client.api.inspect_container(self._id)["State"]
        if state["Status"] != "exited":
            raise SandboxFailed(f"the streams ended, and the container is {state['Status']}")
        return state

    def _used(self) -> int:
        mounts = self._client.api.inspect_container(self._id)["Mounts"]
        volume = next(each for each in mounts if each["Destination"] == CELL)
        folder = Path(volume["Source"])
        with contextlib.suppress(OSError):
            if folder.is_dir():
                return apparent_bytes([folder], self._caps.disk_bytes)
        volumes = self._client.api.df()["Volumes"]  # the engine is elsewhere: it counts by itself
        return next((int(each["UsageData"]["Size"]) for each in volumes if each["Name"] == volume["Name"]), 0)

    def _bring(self, workdir: Path) -> bool:
        """Put what the program left in the place of the workdir; return whether it is beyond the cap."""
        over = self._used() >= self._caps.disk_bytes
        fresh = Path(tempfile.mkdtemp(prefix=".fresh-", dir=workdir.resolve().parent))
        try:
            chunks, _ = self._client.api.get_archive(self._id, f"{CELL}/work", chunk_size=1 << 20)
            with io.BufferedReader(_Chunks(chunks), 1 << 20) as stream:
                unpacked = archive.unpack(stream, fresh, self._caps.disk_bytes)
            archive.replace_folder(workdir.resolve(), fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return over or unpacked.beyond_cap

    def _remove(self) -> None:
        # a dead engine removes nothing; the next runner finds the container by its label
        with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException, OSError):
            self._client.api.remove_container(self._id, v=True, force=True)

    def _report(
        self, state: dict[str, Any], breach: Breach | None, left: int, times: tuple[float, float], *, over: bool
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


class _Chunks(io.RawIOBase):
    """An iterator of bytes, read as a file."""

    def __init__(self, chunks: Any) -> None:
        self._chunks, self._rest = iter(chunks), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _held(limits: Limits) -> list[tuple[str, float | None]]:
    return [("cpu", limits.cpus), ("memory", limits.memory_mb), ("pids", limits.pids)]


def _settings(launch: Launch, limits: Limits, environment: dict[str, str], caps: Caps) -> dict[str, Any]:
    """Return everything that the container is created with."""
    quiet = f"stty rows {caps.rows} cols {caps.columns} -echo\n" if launch.pty else ""
    script = _WRAPPER.format(quiet=quiet, loud="stty echo\n" if launch.pty else "")
    memory = limits.memory_mb << 20 if limits.memory_mb else None
    held = {
        # without the second one the engine grants as much swap again
        "mem_limit": memory,
        "memswap_limit": memory,
        "pids_limit": limits.pids + _OWN_PIDS if limits.pids else None,
        "nano_cpus": int(limits.cpus * 1e9) if limits.cpus else None,
    }
    return {
        "command": ["sh", "-c", script, "sh", *launch.argv],
        "entrypoint": [],
        "environment": environment,
        "working_dir": f"{CELL}/work",
        "user": f"{archive.OWNER}:{archive.OWNER}",
        "stdin_open": True,
        "tty": launch.pty,
        "init": True,
        "read_only": True,
        "volumes": [CELL],
        "tmpfs": {"/tmp": "size=64m,mode=1777,exec,nosuid,nodev"},  # noqa: S108  inside the container
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ipc_mode": "private",
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=4096, hard=4096),
            Ulimit(name="fsize", soft=caps.disk_bytes, hard=caps.disk_bytes),
        ],
        # streams are read from the connection; a copy in a log file would be kept by nobody
        "log_config": LogConfig(type="none"),
        "labels": {engine.OWNER_LABEL: engine.owner(), "benchledger.attempt": environment["BENCHLEDGER_ATTEMPT"]},
        **{name: value for name, value in held.items() if value is not None},
    }
