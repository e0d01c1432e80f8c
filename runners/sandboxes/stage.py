"""The first program inside a local sandbox; it runs by path, outside the package, on any Python.

The runner starts it with the descriptor of a control socket. It reads one line of JSON, goes where
the kernel lets it (namespaces of its own), says so and hands over the listening socket, starts the
program, and reports its end. It is the parent of every orphan, so that none is lost, and kills all
when the control socket closes: a runner that was killed leaves nothing behind.

    runner -> {"argv", "env", "cwd", "port", "pty", "namespaces", "rlimits"}
    stage  -> {"isolation": […], "init": bool}      + the listening socket where "port" was taken
    runner -> "go"
    stage  -> {"status": as of waitpid}
    runner closes -> stage and all that is left of its namespace end
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEWNS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
WORDS = ((NEWNET, "network"), (NEWPID, "processes"))


def unshare(libc: ctypes.CDLL) -> int:
    """Enter as many new namespaces as the kernel allows; return which. Without root by a user namespace."""
    user, group = os.getuid(), os.getgid()
    for own in (0, NEWUSER):
        for flags in (NEWNET | NEWPID | NEWNS, NEWNET, NEWPID | NEWNS):
            if libc.unshare(own | flags) == 0:
                if own:
                    _map_self(user, group)
                return flags
    return 0


def _map_self(user: int, group: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  pathlib doubles the time to start
            file.write(text)


def listen(port: int) -> socket.socket:
    """Bring the loopback of this namespace up, and listen there."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    return socket.create_server(("127.0.0.1", port), backlog=128)


def fresh_proc(libc: ctypes.CDLL) -> None:
    """Show the processes of this namespace only. Where the kernel refuses, the old view stays."""
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)


def execute(config: dict[str, Any], control: socket.socket) -> None:
    """Become the program. Does not return."""
    control.close()
    os.setsid()
    if config["pty"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for name, value in config["rlimits"].items():
        limit = getattr(resource, name)
        hard = resource.getrlimit(limit)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, bound))
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    argv, code = config["argv"], 127
    try:
        os.chdir(config["cwd"])
        os.execvpe(argv[0], argv, config["env"])  # noqa: S606
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    os._exit(code)


def supervise(program: int, control: socket.socket) -> None:
    """Reap every orphan, report the end of the program, and stay until the runner lets go."""
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == program:
                control.sendall(json.dumps({"status": status}).encode() + b"\n")
        ready, _, _ = select.select([wake, control.fileno()], [], [])
        if wake in ready:
            os.read(wake, 4096)
        if control.fileno() in ready and not control.recv(16):
            return


def descendants() -> list[int]:
    """Return every process below this one, as /proc has them."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
    found, front = [], [os.getpid()]
    while front:
        front = [pid for pid, parent in parents.items() if parent in front]
        found += front
    return found


def run(config: dict[str, Any], control: socket.socket) -> None:
    """Start the program below this process, and see to its end."""
    program = os.fork()
    if program == 0:
        execute(config, control)
    for descriptor in (0, 1, 2):
        # a stream ends when the program and its children are gone, not when this process is
        os.dup2(os.open("/dev/null", os.O_RDWR), descriptor)
    supervise(program, control)
    for _ in range(100):
        left = descendants() if os.getpid() != 1 else []  # the kernel ends what the first process leaves
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        if not left:
            return


def main() -> None:
    """Do as the module says."""
    control = socket.socket(fileno=int(sys.argv[1]))
    config = json.loads(control.makefile("rb").readline())
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    got = unshare(libc) if config["namespaces"] else 0
    said = {"isolation": [word for flag, word in WORDS if got & flag], "init": bool(got & NEWPID)}
    sockets = [listen(config["port"])] if got & NEWNET and config["port"] else []
    socket.send_fds(control, [json.dumps(said).encode() + b"\n"], [each.fileno() for each in sockets])
    for each in sockets:
        each.close()
    if not control.recv(16):
        return
    init = os.fork() if got & NEWPID else 0
    if init == 0:
        if got & NEWPID:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            fresh_proc(libc)
        run(config, control)
        os._exit(0)
    control.close()
    for descriptor in (0, 1, 2):
        os.dup2(os.open("/dev/null", os.O_RDWR), descriptor)
    os.waitpid(init, 0)


if __name__ == "__main__":
    main()
