"""A real Docker engine, its base image and a registry for tests: there, or a skip that says what to do.

Where BENCHLEDGER_TESTS_NEED names a part, as in CI, its absence is a failure.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from benchledger.runners.images.base import ensure_base
from benchledger.runners.sandboxes import engine
from benchledger.schema.errors import EnvironmentLacks

NEED = "BENCHLEDGER_TESTS_NEED"
PARTS = {"engine", "registry", "agents", "browser"}


def absent(part: str, reason: str) -> NoReturn:
    """Skip with `reason`, or fail with it where this machine is meant to have the part."""
    assert part in PARTS
    if part in os.environ.get(NEED, "").split():
        pytest.fail(f"{NEED} names {part}: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def client():
    """A client of the engine that answers."""
    try:
        made = engine.connect(timeout=600)  # the engine waits long where it removes large images
    except EnvironmentLacks as error:
        said = f"no Docker engine answers ({error.message}); start one with runners/images/engine.sh up"
        absent("engine", said)
    yield made
    made.close()


@pytest.fixture(scope="session")
def image(client):
    """The id of the base image, made where there is none."""
    try:
        return ensure_base(client)
    except EnvironmentLacks as error:
        absent("engine", f"the base image cannot be made here: {error}")


CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Serve a registry of images on loopback, kept in `folder`; yield host:port."""
    if shutil.which("docker-registry") is None:
        absent("registry", "no docker-registry on PATH; Debian has a package of that name")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder / "data", port=port))
    process = subprocess.Popen(
        ["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not _answers(port):
            assert process.poll() is None, "the registry ended before it answered"
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
