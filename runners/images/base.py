"""The base image: a small Debian out of its own packages, unpacked without their scripts.

debootstrap takes ten times as long, for it configures what a container never uses. Needs a Debian
or Ubuntu machine; elsewhere any image that has sh, git and what the agent needs serves as a base.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docker
import docker.errors

from benchledger.runners.images.build import build_layer_image
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.volume import CELL, OWNER
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["BASE_TAG", "PACKAGES", "base_id", "build_base", "ensure_base", "make_root"]

BASE_TAG = "benchledger-base:2"

# What agents and checks use of a system. busybox stands in for every other command.
PACKAGES = (
    *(
        "base-files",
        "bash",
        "busybox-static",
        "ca-certificates",
        "coreutils",
        "dash",
        "diffutils",
        "findutils",
    ),
    # libstdc++: Node.js and compiled parts of Python packages
    *("git", "grep", "gzip", "libstdc++6", "patch", "procps", "python3", "sed", "tar"),
)
# Needed by scripts that are not run here, or by parts of git that no cell uses.
_LEFT_OUT = ("perl", "libperl", "debconf", "dpkg", "install-info", "openssl", "media-types", "adduser")
_EXCLUDED = ("doc", "man", "locale", "lintian", "info")
_MERGED = ("bin", "lib", "lib64", "sbin")


def build_base(client: docker.DockerClient, tag: str = BASE_TAG, extra: Sequence[str] = ()) -> dict[str, Any]:
    """Make the base image, with more packages where asked; return its identity. Takes about 15 s."""
    with tempfile.TemporaryDirectory(dir=_room()) as folder:
        root = make_root(Path(folder), [*PACKAGES, *extra])
        return build_layer_image(client, {"/": root}, tag)


def ensure_base(client: docker.DockerClient) -> str:
    """Return the id of the base image, made where the engine has none."""
    with engine.lacking():
        try:
            return str(client.images.get(BASE_TAG).id)
        except docker.errors.ImageNotFound:
            pass
    return str(build_base(client)["image_id"])


def base_id() -> str:
    """Return the id of the base image as the engine that answers has it; EnvironmentLacks where none does."""
    with contextlib.closing(engine.connect()) as client:
        return ensure_base(client)


def make_root(folder: Path, packages: Sequence[str]) -> Path:
    """Unpack `packages` and all that they depend on below `folder`; return the root."""
    for name in ("apt-get", "dpkg-deb"):
        if shutil.which(name) is None:
            raise EnvironmentLacks(
                f"no {name}: the base image is made of Debian packages",
                "name an image of your own with `--base IMAGE`",
            )
    root, debs = folder / "root", folder / "debs"
    debs.mkdir()
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    _run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *_closure(packages)], debs)
    for deb in sorted(debs.iterdir()):
        _unpack(deb, root)
    _finish(root)
    _compile(root)
    return root


def _compile(root: Path) -> None:
    """Compile the standard library with the root's own Python and loader.

    No program may write there, so each would compile it again: 0.3 s at every start.
    """
    for library in (root / "usr/lib").glob("python3.*/"):
        loader = next((root / "usr").glob("lib*/**/ld-linux*.so.*"))
        folders = {os.fspath(path.parent) for path in (root / "usr/lib").glob("*/libc.so.6")}
        python = os.fspath(root / "usr/bin" / library.name)
        command = [os.fspath(loader), "--library-path", ":".join(sorted(folders)), python, "-S", "-B", "-m"]
        prefix = ["-s", os.fspath(root), "-p", "/", "--invalidation-mode", "unchecked-hash"]
        # one seed, so that sets of constants are written in one order
        env = {"PYTHONHOME": os.fspath(root / "usr"), "PYTHONHASHSEED": "0"}
        _run([*command, "compileall", "-q", "-x", "lib2to3/tests|/test/", *prefix, library], env=env)


def _closure(packages: Sequence[str]) -> list[str]:
    # as if nothing were installed: apt then names everything that is needed
    fresh = ["-o", "Dir::State::status=/dev/null"]
    said = _run(["apt-get", "-s", *fresh, "install", "--no-install-recommends", *packages])
    names = [line.split()[1] for line in said.splitlines() if line.startswith("Inst ")]
    return [name for name in names if not name.startswith(_LEFT_OUT)]


def _unpack(deb: Path, root: Path) -> None:
    command = ["tar", "-x", "-C", os.fspath(root), "--keep-directory-symlink", "--no-same-owner"]
    exclude = [f"--exclude=./usr/share/{name}/*" for name in _EXCLUDED]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as source:
        _run([*command, *exclude], stdin=source.stdout)


def _finish(root: Path) -> None:
    """Do what the packages' scripts would have done for a program that is not root."""
    listed = _run([os.fspath(root / "usr/bin/busybox"), "--list"]).split()
    for name in listed:
        path = root / "usr/bin" / name
        if not path.is_symlink() and not path.exists() and not (root / "usr/sbin" / name).exists():
            path.symlink_to("busybox")
    for name in ("tmp", "proc", "sys", "dev", "cell"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in certificates))
    users = f"root:x:0:0:root:/root:/bin/sh\nagent:x:{OWNER}:{OWNER}::{CELL}/home:/bin/sh\n"
    (root / "etc/passwd").write_text(users)
    (root / "etc/group").write_text(f"root:x:0:\nagent:x:{OWNER}:\n")


def _run(command: Sequence[str | os.PathLike[str]], cwd: Path | None = None, **more: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, **more
    )
    if done.returncode != 0:
        raise EnvironmentLacks(
            f"{command[0]} failed: {done.stderr.strip()[-300:]}", "run `apt-get update`, then this again"
        )
    return done.stdout


def _room() -> str | None:
    # unpacking thousands of small files is three times as fast in memory
    shared = "/dev/shm"  # noqa: S108  a private folder is made inside
    free = shutil.disk_usage(shared).free if os.access(shared, os.W_OK) else 0
    return shared if free > 1 << 30 else None
