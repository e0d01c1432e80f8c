"""One program in the local sandbox, from its stage to its report."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

from benchledger.runners.host import undisturbed
from benchledger.runners.launch import ExitReport, Launch
from benchledger.runners.sandboxes import homes, stage, trees
from benchledger.runners.sandboxes.cgroup import Group, group_name
from benchledger.runners.sandboxes.forward import Forwarder
from benchledger.runners.sandboxes.port import Address, Caps, Places, User
from benchledger.runners.sandboxes.process import Family
from benchledger.runners.sandboxes.recording import Recording
from benchledger.runners.sandboxes.spool import Spool, drain
from benchledger.runners.sandboxes.watch import Breach, Watch, apparent_bytes
from benchledger.schema.errors import SandboxFailed
from benchledger.schema.task import Limits

__all__ = ["Attempt"]

STAGE_SECONDS = 20.0
END_SECONDS = 5.0
_LOST = -1


class Attempt:
    """The parts of one run; on exit all of them are gone, after an exception too."""

    def __init__(
        self,
        caps: Caps,
        value: str,
        places: Places,
        path: str,
        *,
        bare: bool = False,
        user: User | None = None,
    ) -> None:
        """Keep what every run of a sandbox shares. `value` is that of the marker, the rest as in Local."""
        self._bare, self._user = bare, user
        self._caps, self._value, self._places, self._path = caps, value, places, path
        self.isolation: tuple[str, ...] = ()
        self._out, self._err = Spool(caps.output_bytes), Spool(caps.output_bytes)
        self._recording: Recording | None = None
        self._threads: list[Thread] = []
        self._killed = False
        self._after = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start with nothing."""
        for spool in (self._out, self._err):
            self._after.callback(spool.close)
        self._after.callback(self._join)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill and remove."""
        with undisturbed():  # a second Ctrl-C would leave what the first one ends
            self._after.close()

    def run(self, launch: Launch, limits: Limits, proxy: Address | None) -> ExitReport:
        """Return how the program ended."""
        called = time.monotonic()
        homes.write_files(Path(self._places.home), homes.checked_files(launch))
        if self._user:
            for place in (self._places.home, self._places.tmp, self._places.work):
                trees.hand_over(Path(place), self._user)
        with undisturbed():
            group = Group() if self._bare else Group.make(group_name(self._value), limits)
            self._after.callback(group.remove)
        control, family = self._stage(launch, limits, proxy, group)
        watch = Watch(limits, self._caps.disk_bytes, self._used)
        if self._recording:
            self._recording.restart()
        started = time.monotonic()
        control.sendall(b"go")
        status, breach = self._wait(control, watch, None if self._holds(group, limits) else family)
        if breach and status is None:
            family.terminate()
            status = _status(control, self._caps.grace_seconds)
        ended = time.monotonic()
        left = self._kill(family)
        if status == _LOST:
            # within a namespace of processes nobody can reach the stage: it was somebody outside
            if family.has_init and not group.oom:
                raise SandboxFailed("the first process of the local sandbox was killed from outside")
            status = int(signal.SIGKILL)
        control.close()
        self._join()
        gone = time.monotonic()
        times = ((gone - called) * 1000, (ended - started) * 1000)
        return self._report(status, breach, group, left, times)

    def _stage(
        self, launch: Launch, limits: Limits, proxy: Address | None, group: Group
    ) -> tuple[socket.socket, Family]:
        with undisturbed():
            ours, process = self._started(launch, group)
        environment = homes.environment(launch, self._places, self._path, self._value)
        config = {
            "argv": launch.argv,
            "env": environment,
            "cwd": self._places.work,
            "port": proxy[1] if proxy else None,
            "pty": launch.pty,
            "namespaces": not self._bare,
            "user": self._user,
            "pids": limits.pids,
            "rlimits": {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": self._caps.disk_bytes},
        }
        ours.sendall(json.dumps(config).encode() + b"\n")
        said, sockets = _hello(ours)
        family = Family(process.pid, self._value, init=said["init"], user=self._user)
        self._after.callback(self._kill, family)
        if proxy and sockets:
            self._after.callback(Forwarder(sockets[0], proxy).close)
        groups = [f"cgroup {name}" for name in group.held]
        self.isolation = ("environment", "home", *said["isolation"], *groups)
        if self._user and "user" not in said["isolation"]:
            raise SandboxFailed("root has not the capabilities by which a program becomes another user")
        return ours, family

    def _started(self, launch: Launch, group: Group) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        """Start the stage; return our end of its control socket."""
        ours, theirs = socket.socketpair()
        self._after.callback(ours.close)
        with theirs:
            streams = self._streams(launch)
            # -I and -S: nothing of the user's Python reaches the stage, and it starts in half the time
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", stage.__file__, str(theirs.fileno())],
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={},
                cwd="/",
            )
        self._after.callback(_end, process, ours)
        for descriptor in set(streams):
            os.close(descriptor)
        group.join(process.pid)
        return ours, process

    def _streams(self, launch: Launch) -> tuple[int, int, int]:
        """Return the program's ends of its streams; ours are drained from now on."""
        if launch.pty:
            ours, theirs = pty.openpty()
            termios.tcsetwinsize(theirs, (self._caps.rows, self._caps.columns))
            self._recording = Recording(self._caps.columns, self._caps.rows, self._caps.output_bytes)
            if launch.stdin:
                self._feed(os.dup(ours), launch.stdin)
            self._threads.append(drain(ours, self._out.write, self._recording.add))
            return theirs, theirs, theirs
        (stdin, feed), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
        self._feed(feed, launch.stdin)
        self._threads += [drain(out, self._out.write), drain(err, self._err.write)]
        return stdin, stdout, stderr

    def _feed(self, descriptor: int, data: bytes) -> None:
        def write() -> None:
            # a program that reads no input is no error of ours
            with contextlib.suppress(OSError), open(descriptor, "wb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]

        # not waited for: the reader may never come, and its end closes the pipe
        Thread(target=write, daemon=True).start()

    def _wait(
        self, control: socket.socket, watch: Watch, family: Family | None
    ) -> tuple[int | None, Breach | None]:
        while True:
            status = _status(control, watch.wait_seconds())
            breach = None if status is not None else watch.look(family)
            if status is not None or breach:
                return status, breach

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(STAGE_SECONDS)

    def _kill(self, family: Family) -> int:
        left = 0 if self._killed else family.kill()
        self._killed = True
        return left

    def _holds(self, group: Group, limits: Limits) -> bool:
        """Whether the kernel holds memory and processes, so that nobody need count them."""
        return ("memory" in group.held or not limits.memory_mb) and ("pids" in group.held or not limits.pids)

    def _used(self) -> int:
        places = (self._places.work, self._places.home, self._places.tmp)
        return apparent_bytes(map(Path, places), self._caps.disk_bytes)

    def _report(
        self,
        status: int | None,
        breach: Breach | None,
        group: Group,
        left: int,
        times: tuple[float, float],
    ) -> ExitReport:
        code = os.waitstatus_to_exitcode(status) if status is not None else -signal.SIGKILL
        refused = breach == "pids" or group.pids_hit
        return ExitReport(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            timed_out=breach == "seconds",
            oom=breach == "memory" or group.oom,
            wall_ms=times[0],
            active_ms=times[1],
            truncated=self._out.truncated or self._err.truncated,
            stdout=self._out.take(),
            stderr=self._err.take(),
            recording=self._recording.bytes() if self._recording else None,
            survivors=0 if breach else left,
            quota=breach == "disk" or self._used() >= self._caps.disk_bytes,
            notes=("limit of processes reached",) if refused else (),
        )


def _hello(control: socket.socket) -> tuple[dict[str, Any], list[socket.socket]]:
    """Return what the stage says of itself, and its listening socket where it has one."""
    control.settimeout(STAGE_SECONDS)
    try:
        line, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        said: dict[str, Any] = json.loads(line)
    except (OSError, ValueError) as error:
        raise SandboxFailed(f"the stage of the local sandbox did not start: {error}") from error
    return said, [socket.socket(fileno=each) for each in descriptors]


def _status(control: socket.socket, seconds: float) -> int | None:
    """Return the program's status as of waitpid, None while it runs, _LOST where its stage was killed."""
    ready, _, _ = select.select([control], [], [], seconds)
    if not ready:
        return None
    try:
        line = control.recv(4096)
    except OSError:
        line = b""
    return int(json.loads(line)["status"]) if line else _LOST


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    """Let the stage end by itself: a program that it started in the moment of the kill is then killed by it."""
    with contextlib.suppress(OSError):
        control.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    process.kill()
    process.wait()
