"""Build images: a layer of files on nothing or on another image, without a registry and without a network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

from benchledger.runners.images import layers
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.volume import CELL
from benchledger.schema.errors import UsageError

__all__ = ["build_image", "build_layer_image", "visible"]

_KEPT = ("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "Labels")


def build_image(
    client: docker.DockerClient,
    agent_install_dir: Path,
    base: str,
    tag: str,
    path: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Put an installed agent on `base`; return the new image's identity (`engine.identity`).

    The folder keeps its absolute path: scripts and virtual environments have it written into them.
    `path` are folders to come first in PATH. The base must have what the agent needs of a system.
    """
    folder = visible(agent_install_dir)
    return build_layer_image(client, {str(folder): folder}, tag, base=base, path=path)


def visible(install_dir: Path) -> Path:
    """Return the folder of an installation as an image has it; raises UsageError where a cell hides it."""
    folder = install_dir.resolve()
    if not folder.is_dir():
        raise UsageError(f"no agent is installed at {folder}", "run `benchledger agents install NAME`")
    if folder.is_relative_to("/tmp") or folder.is_relative_to(CELL):  # noqa: S108  not a file of ours
        raise UsageError(
            f"{folder} is hidden in a cell, which has a /tmp of its own", "set XDG_DATA_HOME to another place"
        )
    return folder


def build_layer_image(
    client: docker.DockerClient,
    trees: Mapping[str, Path],
    tag: str,
    *,
    base: str | None = None,
    path: tuple[str, ...] = (),
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make an image of `trees`, path in the image -> folder or file here, on `base` or on nothing."""
    parent, config = _parent(client, base)
    if labels:
        config["Labels"] = {**(config.get("Labels") or {}), **labels}
    if path:
        pairs = config.get("Env") or []
        before = next((each[5:] for each in pairs if each.startswith("PATH=")), "/usr/bin:/bin")
        config["Env"] = layers.environment(pairs, {"PATH": ":".join([*path, before])})
    # not in memory: an agent may have a gigabyte of files
    with tempfile.TemporaryFile() as data, tempfile.TemporaryFile() as file:
        layer = layers.write_layer(trees, data)
        data.seek(0)
        made = layers.write_archive(layer, data, file, parent=parent, config=config, tag=tag)
        file.seek(0, os.SEEK_SET)
        with engine.translated("load the image"):
            client.images.load(file)
    found = engine.identity(client, tag)
    if found["image_id"] != made:
        raise UsageError(
            f"the engine calls the image {found['image_id']}, not {made}",
            "an engine with the containerd image store names images otherwise; use its classic store",
        )
    return found


def _parent(client: docker.DockerClient, base: str | None) -> tuple[layers.Parent, dict[str, Any]]:
    default = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    if base is None:
        return layers.Parent(), {"Env": [default], "Cmd": ["/bin/sh"]}
    with engine.lacking():
        found = client.images.get(base).attrs
    config = {key: found["Config"][key] for key in _KEPT if found["Config"].get(key)}
    return layers.Parent(tuple(found["RootFS"]["Layers"])), config
