"""Removes the containers of a runner that was killed; it runs by path, beside the runner, in a session of its own.

Its input is a pipe whose other end only the runner has. A line in it means that all is done; an end without
one, that nobody else is left to remove anything.

    argv: name and value of the label, and where Python finds the docker library
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

LOOKS = 3  # the engine may be about to create one more for the runner
GAP = 1.0


def main() -> None:
    """Wait for the runner's end; remove what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.read(0, 1):
        return
    label, sys.path[:] = sys.argv[1], json.loads(sys.argv[2])
    import docker  # noqa: PLC0415  most reapers never need it
    import docker.errors  # noqa: PLC0415

    client = docker.from_env(timeout=30)
    for look in range(LOOKS):
        time.sleep(GAP if look else 0)
        for each in client.api.containers(all=True, filters={"label": label}):
            try:
                client.api.remove_container(each["Id"], v=True, force=True)
            except docker.errors.APIError:
                continue


if __name__ == "__main__":
    main()
