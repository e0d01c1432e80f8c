"""A listening socket inside the network namespace of a process that is not ours (Linux, root)."""

from __future__ import annotations

import ctypes
import os
import socket
from threading import Thread

from benchledger.runners.sandboxes.port import Address

__all__ = ["listen_inside", "may_enter"]

_CLONE_NEWNET = 0x40000000


def may_enter(pid: int) -> bool:
    """Whether this process may open sockets in the namespace of `pid`: root, on the same machine."""
    return os.geteuid() == 0 and os.access(f"/proc/{pid}/ns/net", os.R_OK)


def listen_inside(pid: int, address: Address) -> socket.socket:
    """Return a socket that listens at `address` for the programs of that namespace only. OSError."""
    result: list[socket.socket | OSError] = []

    def enter() -> None:
        # a namespace belongs to a thread: this one ends inside, all others stay where they are
        try:
            descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(descriptor, _CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            finally:
                os.close(descriptor)
            result.append(socket.create_server(address, backlog=128))
        except OSError as error:
            result.append(error)

    thread = Thread(target=enter)
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]
