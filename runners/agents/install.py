"""Installing agents, each version in a folder of its own.

    <root>/<agent>/<version>       link to the build that stands; replaced in one step
    <root>/<agent>/.builds/<id>/   installed.json, lock.txt, bin/, venv/ or node_modules/, cache/

An environment of Python knows its own path, so a build is made where it stays, and the link
alone is moved: what the link names is complete, whenever the installer was killed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchledger.runners.agents import recipes
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.agents.template import fill
from benchledger.runners.agents.tools import run_tool
from benchledger.runners.kept import data_root, locked, remove_sealed, seal, state_of
from benchledger.schema.errors import DiskFull, EnvironmentLacks, NoAccess
from benchledger.schema.frame import blob_digest

__all__ = ["Installed", "cache_altered", "default_root", "install", "installed", "recipe_digest"]

_RECORD = "installed.json"


def _silent(line: str) -> None:
    pass


@dataclass(frozen=True)
class Installed:
    """One agent as it is installed.

    `bin` starts it, `cache` is a folder to be shared read-only or None, `prefix` holds both.
    `lock` is the BLAKE3 of lock.txt: one line a package with its exact version, what was really
    installed. `runtime` is the interpreter, `bytes` and `seconds` what the installation took.
    """

    agent: str
    version: str
    recipe: str
    prefix: str
    bin: str
    cache: str | None = None
    cache_state: str | None = None
    runtime: str = ""
    lock: str | None = None
    bytes: int = 0
    seconds: float = 0.0


def default_root() -> Path:
    """Return $XDG_DATA_HOME/benchledger/agents."""
    return data_root() / "agents"


def installed(spec: AgentSpec, root: Path | None = None) -> Installed | None:
    """Return the installation that `spec` asks for, None where there is none or another recipe made it."""
    if spec.behaviour != "process":
        return Installed(spec.name, spec.version, recipe_digest(spec), "", "")
    if spec.install.kind == "none":
        found = shutil.which(spec.install.bin) if spec.install.bin else ""
        return None if found is None else Installed(spec.name, spec.version, recipe_digest(spec), "", found)
    try:
        text = (_place(spec, root) / _RECORD).read_text(encoding="utf-8")
        made = Installed(**json.loads(text))
    except (OSError, ValueError, TypeError):
        return None
    return made if made.recipe == recipe_digest(spec) and Path(made.bin).is_file() else None


def install(
    spec: AgentSpec, into: Path | None = None, progress: Callable[[str], None] = _silent
) -> Installed:
    """Install one agent, or return what is installed already.

    Raises EnvironmentLacks, with what to do, where an interpreter, a package manager, the
    network or the version is missing; nothing half-made is left where `installed` would find it.
    """
    if ready := installed(spec, into):
        progress(f"{spec.name} {spec.version} is installed")
        return ready
    if spec.install.kind == "none":
        raise EnvironmentLacks(
            f"{spec.name} needs {spec.install.bin!r} on PATH, and has no recipe to install it",
            "install it by its own means",
        )
    place = _place(spec, into)
    try:
        with locked(place.parent):
            return installed(spec, into) or _build(spec, place, progress)
    except PermissionError as error:
        raise NoAccess(f"{error.filename or place} cannot be written") from error
    except OSError as error:
        if error.errno == 28:
            raise DiskFull(f"no room left in {place.parent}") from error
        raise EnvironmentLacks(f"{place.parent}: {error.strerror}", "choose another folder") from error


def cache_altered(ready: Installed) -> bool:
    """Return whether the shared cache is no longer what the installer made: an agent could have left notes."""
    return ready.cache is not None and state_of(Path(ready.cache)) != ready.cache_state


def _place(spec: AgentSpec, root: Path | None) -> Path:
    return (root or default_root()) / spec.name / spec.version


def recipe_digest(spec: AgentSpec) -> str:
    """Return the digest of how `spec` is installed: another one means another installation."""
    # without defaults: a field added later must not make every installation look foreign
    return blob_digest(spec.install.model_dump_json(exclude_defaults=True).encode())


def _build(spec: AgentSpec, place: Path, progress: Callable[[str], None]) -> Installed:
    builds = place.parent / ".builds"
    builds.mkdir(exist_ok=True)
    _sweep(place.parent, builds)
    prefix = builds / uuid.uuid4().hex[:12]
    prefix.mkdir()
    try:
        started = time.monotonic()
        made = recipes.build(spec, prefix, progress)
        ready = Installed(
            spec.name, spec.version, recipe_digest(spec), str(prefix), str(made.bin),
            cache=_warmed(spec, prefix, made.bin, progress), runtime=made.runtime,
            lock=blob_digest(made.lock.encode()),
        )  # fmt: skip
        (prefix / "lock.txt").write_text(made.lock, encoding="utf-8")
        ready = replace(
            ready,
            cache_state=state_of(Path(ready.cache)) if ready.cache else None,
            bytes=_size(prefix),
            seconds=round(time.monotonic() - started, 1),
        )
        (prefix / _RECORD).write_text(json.dumps(asdict(ready), indent=2) + "\n", encoding="utf-8")
        _point(place, prefix)
    except BaseException:
        remove_sealed(prefix)
        raise
    _sweep(place.parent, builds)
    progress(f"{spec.name} {spec.version}: {ready.bytes / 1e6:.0f} MB in {ready.seconds:.0f} s")
    return ready


def _warmed(spec: AgentSpec, prefix: Path, binary: Path, progress: Callable[[str], None]) -> str | None:
    """Run the check, which also fills the cache; return the cache where there is one."""
    recipe = spec.install
    cache = prefix / "cache"
    if recipe.check:
        with tempfile.TemporaryDirectory(prefix="benchledger-") as home:
            env = {"HOME": home, "TMPDIR": home}
            if recipe.cache_env:
                cache.mkdir()
                env[recipe.cache_env] = str(cache)
            argv = [fill(text, {"bin": str(binary), "home": home}) for text in recipe.check]
            progress(f"{spec.name}: {' '.join(recipe.check)}")
            said = run_tool(argv, Path(home), env, f"starting {spec.name}")
        if spec.version not in said:
            raise EnvironmentLacks(
                f"{spec.name} was installed, but says it is {said.strip()[:100]!r}, not {spec.version}",
                "correct version and packages in its file",
            )
    if not cache.is_dir():
        return None
    seal(cache)
    return str(cache)


def _size(folder: Path) -> int:
    """Return what the files take; a file with two names, as npm packages link their binaries, counts once."""
    seen = (path.lstat() for path in folder.rglob("*"))
    return sum({(entry.st_dev, entry.st_ino): entry.st_size for entry in seen}.values())


def _point(place: Path, prefix: Path) -> None:
    fresh = place.with_name(f".{prefix.name}.link")
    fresh.symlink_to(Path(".builds") / prefix.name)
    fresh.replace(place)


def _sweep(folder: Path, builds: Path) -> None:
    """Remove builds that no link names: those of a killed installer, and replaced ones."""
    for link in folder.glob(".*.link"):
        link.unlink()
    named = {link.readlink().name for link in folder.iterdir() if link.is_symlink()}
    for build in builds.iterdir():
        if build.name not in named:
            remove_sealed(build)
