"""The program of a relay container: what comes to 127.0.0.1:PORT goes to the socket file. Runs by its text alone."""

import contextlib
import socket
import sys
import threading


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on to the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def serve(near: socket.socket, path: str) -> None:
    """Pass one connection on."""
    with near, socket.socket(socket.AF_UNIX) as far:
        far.connect(path)
        back = threading.Thread(target=pump, args=(far, near))
        back.start()
        pump(near, far)
        back.join()


def main() -> None:
    """Listen, say so, and pass on every connection."""
    port, path = int(sys.argv[1]), sys.argv[2]
    server = socket.create_server(("127.0.0.1", port), backlog=128)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        near, _ = server.accept()
        threading.Thread(target=serve, args=(near, path), daemon=True).start()


if __name__ == "__main__":
    main()
