"""The first program inside a local sandbox; it runs by path, outside the package, on any Python.

The runner starts it with the descriptor of a control socket. It reads one line of JSON, goes where
the kernel lets it (namespaces of its own), says so and hands over the listening socket, starts the
program, and reports its end. It is the parent of every orphan, so that none is lost, and kills all
when the control socket closes: a runner that was killed leaves nothing behind.

    runner -> {"argv", "env", "cwd", "port", "pty", "namespaces", "rlimits", "pids", "user"}
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
import warnings  # noqa: F401  exec asks for it, when another user may no longer read this Python's files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEWNS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
CAP_CHOWN, CAP_SETGID, CAP_SETUID, CAP_NET_ADMIN = 1 << 0, 1 << 6, 1 << 7, 1 << 12
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
# in a user namespace the first process of it is counted, and is none of the program's
OWN_PIDS = 2
WORDS = ((NEWNET, "network"), (NEWPID, "processes"))


def capabilities() -> int:
    """Return the effective ones of this process, as bits; 0 where the kernel does not say."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123  pathlib doubles the time to start
            return int(next(line for line in file if line.startswith("CapEff:")).split()[1], 16)
    except (OSError, StopIteration):
        return 0


def unshare(libc: ctypes.CDLL, caps: int, *, keep_users: bool) -> int:
    """Enter as many new namespaces as the kernel allows; return which. Without root by a user namespace.

    `keep_users` stays in the user namespace of the runner: a new one has no other user to become.
    """
    user, group = os.getuid(), os.getgid()
    # without that capability a new network would stay down: in a user namespace we have it
    own = [0] if keep_users else [0, NEWUSER] if caps & CAP_NET_ADMIN else [NEWUSER, 0]
    for users in own:
        for flags in (NEWNET | NEWPID | NEWNS, NEWNET, NEWPID | NEWNS):
            useless = flags & NEWNET and not users and not caps & CAP_NET_ADMIN
            if not useless and libc.unshare(users | flags) == 0:
                if users:
                    _map_self(user, group)
                return users | flags
    return 0


def _map_self(user: int, group: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  pathlib doubles the time to start
            file.write(text)


def counted_alone(got: int, config: dict[str, Any]) -> bool:
    """Whether the kernel counts this program's processes apart from all others, so that a limit can hold them.

    It does for a user that nobody else is, and since Linux 5.14 within a user namespace of its own; it
    never holds root outside of one.
    """
    major, minor = (int("".join(filter(str.isdigit, part))) for part in os.uname().release.split(".")[:2])
    return bool(config["user"]) or bool(got & NEWUSER and (major, minor) >= (5, 14))


def listen(port: int) -> socket.socket:
    """Bring the loopback of this namespace up, and listen there."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    return socket.create_server(("127.0.0.1", port), backlog=128)


def fresh_proc(libc: ctypes.CDLL) -> None:
    """Show the processes of this namespace only. Where the kernel refuses, the old view stays."""
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)


def become(user: int, group: int) -> None:
    """Be another user from here on, without a way back. The streams are the new user's to open again."""
    for descriptor in (0, 1, 2):
        os.fchown(descriptor, user, group)
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")


def nowhere(name: str, env: dict[str, str]) -> bool:
    """Whether PATH leads to no such program: some of its folders may be closed to this user, which is no matter."""
    if "/" in name:
        return False
    return not any(os.path.exists(f"{folder}/{name}") for folder in env.get("PATH", "").split(":"))  # noqa: PTH110


def go_first() -> None:
    """Where the machine itself runs out of memory, let the kernel end this program before any other."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123  pathlib doubles the time to start
            file.write("1000")
    except OSError:
        return  # no such view of /proc, or a kernel that lets nobody say so


def execute(config: dict[str, Any], control: socket.socket) -> None:
    """Become the program. Does not return."""
    control.close()
    go_first()
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
        if config["user"]:
            become(*config["user"])
        os.chdir(config["cwd"])
        os.execvpe(argv[0], argv, config["env"])  # noqa: S606
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) or nowhere(argv[0], config["env"]) else 126
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
    caps, user = capabilities(), config["user"]
    got = unshare(libc, caps, keep_users=bool(user)) if config["namespaces"] else 0
    if config["pids"] and counted_alone(got, config):
        config["rlimits"]["RLIMIT_NPROC"] = config["pids"] + OWN_PIDS
    words = [word for flag, word in WORDS if got & flag]
    if user and not ~caps & (CAP_CHOWN | CAP_SETGID | CAP_SETUID):
        words.append("user")
    said = {"isolation": words, "init": bool(got & NEWPID)}
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
    os._exit(0)  # the runner waits, and an interpreter takes its time to end


if __name__ == "__main__":
    main()
