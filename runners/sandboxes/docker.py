"""A container without a network, capabilities, or a way to write anything but its own volume.

The program sees one address, the proxy at 127.0.0.1, for the runner listens there inside the
container's network namespace (without root a second container does, see `relay`). No bridge, no
firewall rule and no name service is involved, and all else fails at once. Workdir, HOME and TMPDIR
lie on a volume of the container's own. Files go in and come out as copies: nothing of the host is
mounted.
"""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import docker

from benchledger.runners.launch import ExitReport, Launch
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.docker_run import Attempt
from benchledger.runners.sandboxes.port import Address, Caps, Places
from benchledger.runners.sandboxes.volume import PLACES
from benchledger.schema.errors import UsageError
from benchledger.schema.task import Limits

__all__ = ["Docker"]

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Docker:
    """The sandbox `docker`; see the module and `port.Sandbox`."""

    name = "docker"

    def __init__(
        self,
        image: str,
        caps: Caps | None = None,
        client: docker.DockerClient | None = None,
        *,
        direct: bool = True,
    ) -> None:
        """Take an image by reference, digest or id, and a client where one is open already.

        `direct=False` uses nothing but the engine's own interface, as without root: files travel as
        archives, and a second container relays to the proxy.
        """
        self._direct = direct
        self.image, self.caps = image, caps or Caps()
        self.attempt = uuid.uuid4().hex
        self.isolation: tuple[str, ...] = ()
        self.identity: dict[str, object] = {}
        self._client, self._owned = client, client is None

    def __enter__(self) -> Self:
        """Reach the engine and the image; remove what a killed runner left."""
        if self._client is None:
            self._client = engine.connect()
        try:
            with engine.lacking():
                engine.remove_stale(self._client)
            self.identity = engine.identity(self._client, self.image)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the engine; each run has removed its own container."""
        self._close()

    def places(self, workdir: Path) -> Places:
        """Return the paths; they are the same in every container."""
        return PLACES

    def run(self, launch: Launch, workdir: Path, limits: Limits, proxy: Address | None) -> ExitReport:
        """Run one program; see the port."""
        if self._client is None or not self.identity:
            raise UsageError("the sandbox was not entered", "use it in a `with` statement")
        image_id = str(self.identity["image_id"])
        with Attempt(self._client, image_id, self.caps, self.attempt, direct=self._direct) as attempt:
            report = attempt.run(launch, workdir, limits, self._path(), proxy)
            self.isolation = attempt.isolation
        return report

    def _path(self) -> str:
        pairs = self.identity["environment"]
        assert isinstance(pairs, tuple)  # noqa: S101  for the type checker
        return next((each[5:] for each in pairs if each.startswith("PATH=")), _PATH)

    def _close(self) -> None:
        if self._owned and self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()
            self._client = None
