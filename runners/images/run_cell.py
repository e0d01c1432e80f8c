"""An image out of which a cell runs by itself: this package laid over the image of an agent, for root alone.

What runs here is what is put there: the modules and libraries of this installation, and its
interpreter where the image has none at that place. No package index is asked.
"""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
import uuid
import venv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import IO, Any, cast

import docker
import docker.errors

from benchledger.runners.agents.install import Installed
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.images import layers
from benchledger.runners.images.agent import AgentImage, agent_tag, looking_into
from benchledger.runners.images.carried import carried
from benchledger.runners.inside import AGENT_RECORD, AGENTS, IMAGE, IMAGE_ID, PLACE
from benchledger.runners.sandboxes import engine
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["build_run_cell", "run_cell_tag"]

_PACKAGE = "benchledger"
_LAYERS = ("schema", "scorers", "runners", "ledger")
_MAIN = f"""\
import sys

sys.path.insert(0, "{PLACE}/lib")
from benchledger.ledger.cli.main import main

main()
"""
_LABEL = "benchledger.run-cell"


def run_cell_tag(spec: AgentSpec) -> str:
    """Return the reference under which the image is built."""
    return f"{agent_tag(spec)}-run-cell"


def build_run_cell(
    client: docker.DockerClient,
    spec: AgentSpec,
    ready: Installed,
    below: str,
    files: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> AgentImage:
    """Lay this package over the image `below`, which has the agent, and see that it starts.

    `files` are those of agents that do not ship. Raises EnvironmentLacks where it does not start.
    """
    below = str(engine.identity(client, below)["image_id"])
    tag = run_cell_tag(spec)
    repository, version = tag.split(":")
    trial = f"{repository}:trial-{uuid.uuid4().hex[:12]}"
    progress(f"{spec.name} {spec.version}: the image for run-cell")
    with tempfile.TemporaryDirectory(prefix="benchledger-image-") as folder:
        trees, python = _trees(client, below, Path(folder), ready, files)
        config = {
            "Entrypoint": [str(python), "-I", "-S", f"{PLACE}/main.py"],
            "Cmd": ["--help"],
            "User": "0:0",
            "Env": {IMAGE: tag, IMAGE_ID: below},
            "Labels": {_LABEL: distribution(_PACKAGE).version},
        }
        made = _load(client, trees, below, config, trial)
    try:
        progress(f"{spec.name} {spec.version}: a start in a container")
        _check_start(client, made)
        with engine.translated("name the image"):
            client.api.tag(made, repository, version)
            found = client.images.get(made).attrs
    finally:
        with contextlib.suppress(docker.errors.APIError):
            client.api.remove_image(trial)
    return AgentImage(tag, made, int(found["Size"]), tuple(found["RepoDigests"] or ()), below, ready)


def _trees(
    client: docker.DockerClient, below: str, folder: Path, ready: Installed, files: Iterable[Path]
) -> tuple[dict[str, Path], Path]:
    """Return what goes into the layer, path there -> path here, and the interpreter's path there."""
    own = folder / "own"
    _own_modules(own / "lib")
    (own / "main.py").write_text(_MAIN)
    if ready.prefix:
        (own / AGENT_RECORD).write_text(json.dumps(asdict(ready), indent=2) + "\n", encoding="utf-8")
    for path in files:
        (own / AGENTS).mkdir(exist_ok=True)
        for file in sorted(path.glob("*.toml")) if path.is_dir() else [path]:
            shutil.copy(file, own / AGENTS)
    venv.create(folder / "asked" / "venv")
    asked = Installed("", "", "", str(folder / "asked"), "")
    with looking_into(client, below) as has:
        brought = carried(asked, has)
    python = Path(getattr(sys, "_base_executable", sys.executable))
    libraries = {f"{PLACE}/lib/{name}": path for name, path in _libraries()}
    return {str(PLACE): own, **libraries, **brought}, python.parent.resolve() / python.name


def _own_modules(target: Path) -> None:
    """Copy this package and what its version is known by; compiled, for a container starts afresh each time."""
    for name in _LAYERS:
        source = import_module(f"{_PACKAGE}.{name}").__file__
        assert source is not None  # noqa: S101  each of them is a plain package
        shutil.copytree(
            Path(source).parent,
            target / _PACKAGE / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
        )
    compileall.compile_dir(
        target,
        quiet=2,
        stripdir=str(target),
        prependdir=f"{PLACE}/lib",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        rx=_TasksAside(),
    )
    found = distribution(_PACKAGE)
    place = target / f"{_PACKAGE}-{found.version}.dist-info"
    place.mkdir()
    said = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    (place / "METADATA").write_text(said, encoding="utf-8")


class _TasksAside:
    """What `compileall` passes over: files of tasks are given to agents as they are."""

    def search(self, path: str) -> bool:
        return "/suite/" in path


def _libraries() -> Iterator[tuple[str, Path]]:
    """Yield the files of all that this package needs, by their names below the folder of libraries."""
    for found in _needed():
        for file in found.files or ():
            path = Path(str(found.locate_file(file)))
            if ".." not in file.parts and path.is_file():
                yield file.as_posix(), path


def _needed() -> list[Distribution]:
    waiting, found = [_PACKAGE], dict[str, Distribution]()
    while waiting:
        for line in distribution(waiting.pop()).requires or ():
            requirement, _, marker = line.partition(";")
            name = _name(requirement)
            if "extra ==" in marker or name in found:
                continue
            # a marker speaks of systems and versions: what it asks for here, is installed here
            with contextlib.suppress(PackageNotFoundError):
                found[name] = distribution(name)
                waiting.append(name)
    return [found[name] for name in sorted(found)]


def _name(requirement: str) -> str:
    text = requirement.strip()
    end = next((at for at, sign in enumerate(text) if not (sign.isalnum() or sign in "-_.")), len(text))
    return text[:end].lower().replace("_", "-")


def _load(
    client: docker.DockerClient, trees: dict[str, Path], below: str, config: dict[str, Any], tag: str
) -> str:
    """Make the image; return its id."""
    with engine.lacking():
        found = client.images.get(below).attrs
    parent = layers.Parent(tuple(found["RootFS"]["Layers"]))
    kept = {name: found["Config"][name] for name in ("Env", "WorkingDir") if found["Config"].get(name)}
    kept["Labels"] = found["Config"].get("Labels") or {}
    kept |= config | {
        "Env": layers.environment(kept.get("Env") or [], config["Env"]),
        "Labels": {**kept["Labels"], **config["Labels"]},
    }
    with (
        tempfile.TemporaryFile() as open_,
        tempfile.TemporaryFile() as data,
        tempfile.TemporaryFile() as file,
    ):
        layers.write_layer(trees, open_)
        open_.seek(0)
        layer = _closed(open_, data)
        made = layers.write_archive(layer, data, file, parent=parent, config=kept, tag=tag)
        file.seek(0)
        with engine.translated("load the image"):
            client.images.load(file)
    return made


def _closed(source: IO[bytes], sink: IO[bytes]) -> layers.Layer:
    """Copy a layer with our folder closed to all but root: the checks of tasks lie in it."""
    name, seen = str(PLACE).strip("/"), set[str]()
    with (
        tarfile.open(fileobj=source, mode="r|") as reading,
        tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as writing,
    ):
        for info in reading:
            if info.name in seen:
                continue  # a folder that is above one tree and within another; the engine refuses a second one
            seen.add(info.name)
            if info.name == name:
                info.mode = 0o700
            writing.addfile(info, reading.extractfile(info) if info.isreg() else None)
    size = sink.tell()
    sink.seek(0)
    digest = hashlib.file_digest(cast("Any", sink), "sha256").hexdigest()
    sink.seek(0)
    return layers.Layer(f"sha256:{digest}", size)


def _check_start(client: docker.DockerClient, image_id: str) -> None:
    wanted = f"{_PACKAGE} {distribution(_PACKAGE).version}"
    said, hint = "", "name a base by `--base IMAGE` that has the same C library and Python as this machine"
    try:
        out = client.containers.run(
            image_id, ["--version"], remove=True, network_mode="none", stderr=True,
            labels={engine.OWNER_LABEL: engine.owner()},
        )  # fmt: skip
        said = out.decode(errors="replace").strip()
    except docker.errors.DockerException as error:
        said = str(error)
    if said != wanted:
        raise EnvironmentLacks(f"{_PACKAGE} does not start in the image: {said[-300:]}", hint)
