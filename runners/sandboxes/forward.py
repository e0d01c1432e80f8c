"""From a socket inside a network namespace to the proxy outside of it."""

from __future__ import annotations

import contextlib
import socket
from threading import Thread

from benchledger.runners.sandboxes.port import Address
from benchledger.runners.sandboxes.spool import CHUNK

__all__ = ["Forwarder"]


class Forwarder:
    """Passes every connection to `listener` on to `target`, byte for byte, until it is closed."""

    def __init__(self, listener: socket.socket, target: Address) -> None:
        """Start to accept."""
        self._listener, self._target = listener, target
        self._open: set[socket.socket] = set()
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more, and end what runs."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                # close alone does not wake a thread that waits in accept or recv
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target, timeout=10)
        except OSError:
            near.close()  # the program sees what it would see of a proxy that is gone
            return
        far.settimeout(None)
        pair = {near, far}
        self._open |= pair
        back = Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()
        self._open -= pair
        near.close()
        far.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
