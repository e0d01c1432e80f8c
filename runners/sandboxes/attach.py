"""The streams of a container over one hijacked connection, in the engine's own framing."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from threading import Event, Thread

from benchledger.runners.sandboxes.spool import CHUNK

__all__ = ["Streams"]

READY = b"\x01"
TRAILER = b"\x1e"
_KEEP = 4096


class Streams:
    """Reads to the end in a thread. The first byte is the sign that the container is ready.

    Framing without a terminal: u8 stream, three zero bytes, u32be length, then the bytes
    (https://docs.docker.com/reference/api/engine/version/v1.41/#operation/ContainerAttach).
    """

    def __init__(self, raw: socket.socket, *, framed: bool) -> None:
        """Take the connection; nothing may have been read from it."""
        self._raw, self._framed = raw, framed
        raw.settimeout(None)
        self.ready, self.ended = Event(), Event()
        self._out: Callable[[bytes], None] = _nobody
        self._err: Callable[[bytes], None] = _nobody
        self._held = b""
        self._mark: bytes | None = None
        self.left: int | None = None

    def start(self, out: Callable[[bytes], None], err: Callable[[bytes], None]) -> None:
        """Read from now on."""
        self._out, self._err = out, err
        Thread(target=self._read, daemon=True).start()

    def begin(self, mark: str, data: bytes) -> None:
        """Let the program start with `data` as its input. `mark` is what its end is told by."""
        self._mark = TRAILER + mark.encode() + b" "

        def write() -> None:
            with contextlib.suppress(OSError):
                self._raw.sendall(f"{mark}\n".encode() + data)
                if self._framed:
                    self._raw.shutdown(socket.SHUT_WR)

        Thread(target=write, daemon=True).start()

    def close(self) -> None:
        """End the connection, and with it the thread."""
        with contextlib.suppress(OSError):
            self._raw.shutdown(socket.SHUT_RDWR)
        self.ended.wait(5)
        self._raw.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            if self._framed:
                with self._raw.makefile("rb", buffering=CHUNK) as file:
                    while len(head := file.read(8)) == 8:
                        self._frame(head[0], file.read(int.from_bytes(head[4:], "big")))
            else:
                while data := self._raw.recv(CHUNK):
                    self._take(data)
        self._flush()
        self.ended.set()

    def _frame(self, stream: int, data: bytes) -> None:
        if stream == 2:
            self._err(data)
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        if not self.ready.is_set():
            _, sign, data = (self._held + data).partition(READY)
            if not sign:
                return
            self.ready.set()
        if not self._held and TRAILER not in data:
            self._out(data)
            return
        # from a possible trailer on bytes are held back, until it is one or too long to be one
        data, self._held = self._held + data, b""
        at = data.rfind(TRAILER)
        if len(data) - at > _KEEP:
            self._out(data)
            return
        self._out(data[:at])
        self._held = data[at:]

    def _flush(self) -> None:
        mark = self._mark or b""
        if mark and self._held.startswith(mark):
            said, _, rest = self._held.removeprefix(mark).partition(b"\n")
            if said.strip().isdigit():
                self.left = int(said)
                self._held = rest
        if self._held:
            self._out(self._held)
        self._held = b""


def _nobody(_: bytes) -> None: ...
