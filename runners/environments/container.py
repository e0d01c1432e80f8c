"""Environments as images: a setup runs once in a container, with a network and as root, and leaves a layer.

The settings of the user's package clients, the copy of the workdir and HOME lie on a volume of that
container, which no image has. The image's own configuration is written anew from that of its base, so
that nothing of the container's gets into it but files.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import socket
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
from docker.types import LogConfig, Mount

from benchledger.runners.environments.bases import Base
from benchledger.runners.environments.clients import Carried, carried_settings
from benchledger.runners.environments.network import way_out
from benchledger.runners.environments.recipe import SETUP_SECONDS, TASK_ENV, Ready, container_recipe, failed
from benchledger.runners.host import process_start
from benchledger.runners.images import layers
from benchledger.runners.kept import data_root, locked
from benchledger.runners.sandboxes import archive, engine
from benchledger.runners.sandboxes.docker_run import reaped
from benchledger.runners.sandboxes.volume import CELL, PLACES
from benchledger.runners.task import Task
from benchledger.schema.errors import EnvironmentLacks
from benchledger.schema.frame import blob_digest

__all__ = ["INSIDE", "TAG", "set_up"]

INSIDE = "/opt/task"  # TASK_ENV in a container
TAG = "benchledger-environment"
_LABEL = "benchledger.environment"
_SETUP = f"{CELL}/setup"
_POLL = 0.25
_KEPT = ("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "Labels", "Volumes", "ExposedPorts", "StopSignal")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MARK = "\036"  # before the number of a command

Progress = Callable[[str], None]


def set_up(client: docker.DockerClient, task: Task, base: Base, progress: Progress = lambda _: None) -> Ready:
    """Return the image of the task's setup on `base`, made where there is none. Of two makers one waits.

    Raises EnvironmentLacks with the last lines of a setup that fails; then nothing is left of it.
    """
    digest = container_recipe(task, base.image_id)
    if not task.environment.setup:
        return Ready(digest, image=base.image, image_id=base.image_id, repo_digests=base.repo_digests)
    if ready := _found(client, digest):
        return ready
    with locked(data_root() / "environments" / f"docker-{digest}"):
        if ready := _found(client, digest):
            return ready
        started = time.monotonic()
        _make(client, task, base, digest, progress)
        progress(f"{task.id}: its environment is there, after {time.monotonic() - started:.0f} s")
    ready = _found(client, digest)
    assert ready is not None  # noqa: S101  it has just been named
    return ready


def _tag(digest: str) -> str:
    return f"{TAG}:{digest[:32]}"


def _found(client: docker.DockerClient, digest: str) -> Ready | None:
    with engine.lacking():
        try:
            image = client.images.get(_tag(digest)).attrs
        except docker.errors.ImageNotFound:
            return None
    if (image["Config"].get("Labels") or {}).get(_LABEL) != digest:
        return None
    return Ready(
        digest, image=_tag(digest), image_id=image["Id"], repo_digests=tuple(image.get("RepoDigests") or ())
    )


def _make(client: docker.DockerClient, task: Task, base: Base, digest: str, progress: Progress) -> None:
    with engine.lacking():
        config = client.images.get(base.image_id).attrs["Config"]
    kept = {name: config[name] for name in _KEPT if config.get(name)}
    pairs = kept.get("Env") or []
    path = next((each[5:] for each in pairs if each.startswith("PATH=")), _PATH)
    own = {TASK_ENV: INSIDE, "PATH": f"{INSIDE}/bin:{path}"}
    kept["Env"] = layers.environment(pairs, own)
    kept["Labels"] = {**(kept.get("Labels") or {}), _LABEL: digest, f"{_LABEL}.base": base.image_id}
    with reaped(), _container(client, base, own) as run:
        run.fill(task)
        run.run(task, progress)
        progress(f"{task.id}: the image of its environment")
        with _committed(client, run.name) as below:
            _named(client, below, kept, _tag(digest))


@dataclass(frozen=True)
class _Run:
    client: docker.DockerClient
    name: str
    settings: Carried

    def fill(self, task: Task) -> None:
        """Put the script, the settings and a copy of the workdir on the volume."""
        own = {f"{_SETUP}/clients.sh": self.settings.script(), f"{_SETUP}/run.sh": _script(task)}
        files = {**self.settings.files, **own}
        with tempfile.SpooledTemporaryFile(1 << 20) as file, engine.translated("take the files of a setup"):
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for name in ("home", "tmp", "work", "setup"):
                    archive.add_folder(tar, name, 0, 0o700)
                archive.add_tree(tar, task.workdir, "work", 0)
                for path, data in sorted(files.items()):
                    info = tarfile.TarInfo(path.removeprefix(f"{CELL}/"))
                    info.size, info.mode = len(data), 0o600
                    tar.addfile(info, io.BytesIO(data))
            file.seek(0)
            self.client.api.put_archive(self.name, CELL, file)

    def run(self, task: Task, progress: Progress) -> None:
        """Run the commands to their end; raises EnvironmentLacks where one fails or none ends in time."""
        commands, shown = task.environment.setup, 0
        deadline = time.monotonic() + SETUP_SECONDS
        with engine.translated("run a setup"):
            try:
                self.client.api.start(self.name)
            except docker.errors.APIError as error:
                said = str(error.explanation or error)
                text = f"no setup of task {task.id} runs on its image: {said[:300]}"
                raise EnvironmentLacks(text, "use an image that has sh") from error
            while (state := self.client.api.inspect_container(self.name)["State"])["Running"]:
                if time.monotonic() > deadline:
                    how = f"takes more than {SETUP_SECONDS / 60:.0f} minutes"
                    raise failed(task, commands[max(shown, 1) - 1], how, self._said())
                number = self._number()
                for each in range(shown, number):
                    progress(f"{task.id}: setup {each + 1} of {len(commands)}: {commands[each]}")
                shown = max(shown, number)
                time.sleep(_POLL)
            if state["ExitCode"] != 0:
                at = commands[min(max(self._number(), 1), len(commands)) - 1]
                raise failed(task, at, f"ends with exit code {state['ExitCode']}", self._said())

    def _number(self) -> int:
        """Return which command is at work, from 1."""
        marks = self.client.api.logs(self.name, stdout=False, stderr=True, tail=200).split(_MARK.encode())
        return int(marks[-1].split(b"\n")[0]) if len(marks) > 1 else 0

    def _said(self) -> bytes:
        said = self.client.api.logs(self.name, tail=40)
        return b"\n".join(line for line in said.splitlines() if not line.startswith(_MARK.encode()))


def _script(task: Task) -> bytes:
    lines = [f". {_SETUP}/clients.sh", "umask 022", f'mkdir -p "${TASK_ENV}"']
    for number, command in enumerate(task.environment.setup, 1):
        lines.append(f"printf '{_MARK}{number}\\n' >&2")
        lines.append(f"cd {PLACES.work} && sh -c {shlex.quote(command)} || exit $?")
    # the agent is another user
    lines.append(f'chmod -R a+rX "${TASK_ENV}"')
    return ("\n".join(lines) + "\n").encode()


@contextlib.contextmanager
def _container(client: docker.DockerClient, base: Base, own: dict[str, str]) -> Any:
    """Yield a container for a setup, created and not yet started; it is gone at the end."""
    settings = carried_settings(_SETUP)
    with engine.translated("create the container of a setup"):
        made = client.containers.create(
            base.image_id,
            command=["sh", f"{_SETUP}/run.sh"],
            entrypoint=[],
            environment={**own, "HOME": PLACES.home, "TMPDIR": PLACES.tmp, "LANG": "C.UTF-8"},
            user="0:0",
            working_dir="/",
            init=True,
            network_mode=way_out(client, host=settings.wants_host_network),
            mounts=[Mount(CELL, None, type="volume")],
            log_config=LogConfig(type="json-file", config={"max-size": "16m"}),
            labels={engine.OWNER_LABEL: engine.owner()},
        )
    try:
        yield _Run(client, str(made.id), settings)
    finally:
        with contextlib.suppress(*engine.FOREIGN):
            client.api.remove_container(str(made.id), v=True, force=True)


@contextlib.contextmanager
def _committed(client: docker.DockerClient, container: str) -> Any:
    """Yield the layers of what a container left. The engine's own image of it goes at the end."""
    _remove_stale(client)
    trial = f"{_trial_of()}-{os.getpid()}-{process_start(os.getpid())}-{uuid.uuid4().hex[:12]}"
    with engine.translated("keep what a setup left"):
        client.api.commit(container, TAG, trial)
        below = tuple(client.images.get(f"{TAG}:{trial}").attrs["RootFS"]["Layers"])
    try:
        yield below
    finally:
        with contextlib.suppress(*engine.FOREIGN):
            client.api.remove_image(f"{TAG}:{trial}")


def _trial_of() -> str:
    return f"trial-{blob_digest(socket.gethostname().encode())[:12]}"


def _remove_stale(client: docker.DockerClient) -> None:
    """Remove what a maker on this machine left that was killed between two steps."""
    for each in client.api.images(TAG):
        for name in each["RepoTags"] or ():
            trial, _, rest = name.partition(":")[2].partition("-")[2].partition("-")
            pid, _, more = rest.partition("-")
            if f"trial-{trial}" == _trial_of() and process_start(int(pid)) != more.partition("-")[0]:
                with contextlib.suppress(docker.errors.APIError):
                    client.api.remove_image(name)


def _named(client: docker.DockerClient, below: tuple[str, ...], config: dict[str, Any], tag: str) -> None:
    with tempfile.TemporaryFile() as data, tempfile.TemporaryFile() as file:
        layer = layers.write_layer({}, data)
        data.seek(0)
        layers.write_archive(layer, data, file, parent=layers.Parent(below), config=config, tag=tag)
        file.seek(0)
        with engine.translated("load the image"):
            client.images.load(file)
