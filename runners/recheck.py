"""A recorded patch on its task again: the folder that the agent left, made anew, and the checks over it.

    workdir/ of the task -> git apply -> each path against the recorded manifest -> grade, as a cell's checks

The manifest has the last word: whatever patch and git do, a folder that is not the recorded one is an
error and never a verdict. Nothing here decides what a result is worth.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchledger.runners.environments.find import local_place, task_image
from benchledger.runners.files import folder_digest
from benchledger.runners.gitdir import git
from benchledger.runners.grade import Graded, grade
from benchledger.runners.grading import lacking_tools, sandboxed
from benchledger.runners.host import NO_ROOM
from benchledger.runners.patch import quoted
from benchledger.runners.roots import all_roots
from benchledger.runners.sandboxes.port import ON_HOST, Sandbox
from benchledger.runners.sandboxes.registry import sandbox_type
from benchledger.runners.scan import Entry
from benchledger.runners.task import Environment, Task, find_task, load_task, missing_toolchain
from benchledger.runners.workdir import lay_over, snapshot
from benchledger.schema.canonical import parse_json
from benchledger.schema.errors import CannotRecheck, DiskFull, EnvironmentLacks, SandboxFailed, UnknownName
from benchledger.schema.events import CellSetup
from benchledger.schema.images import repository_of
from benchledger.schema.task import Limits

__all__ = ["checks_sandbox", "rebuild", "recheck", "task_of"]

_MASKED = b"[masked:"
# How `shown` spells a byte that is no UTF-8; a name with these four characters looks the same.
_NO_TEXT = re.compile(r"\\x[89a-f][0-9a-f]")
# Notes of a manifest that say nothing of the files which are graded.
_BESIDE = (".git: ", "the history is gone")
_ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding -whitespace\n"
_APPLY = ("-c", "core.protectNTFS=false", "-c", "core.protectHFS=false", "apply", "--whitespace=nowarn")


def task_of(setup: CellSetup, task_id: str, roots: Sequence[Path]) -> Task:
    """Return the task that a cell ran on; raises CannotRecheck where it is not here with the same content."""
    wanted = setup.task.digest
    if wanted is None:
        raise CannotRecheck(
            "its cell.setup names no digest of the task", "only our own runs can be rechecked"
        )
    try:
        task = load_task(find_task(task_id, all_roots(roots)))
    except UnknownName as error:
        raise CannotRecheck(
            f"task {task_id} is not here", "name the folder of your tasks with --tasks"
        ) from error
    found = folder_digest(task.folder)
    if found != wanted:
        raise CannotRecheck(
            f"task {task_id} has the digest {found}, and the cell ran on {wanted}",
            "put back the files of the task as they were, or name the folder that has them with --tasks",
        )
    return task


def checks_sandbox(
    setup: CellSetup, task: Task, wanted: str | None = None
) -> tuple[str, Callable[[], Sandbox]]:
    """Return the name of a sandbox for the checks and what makes one: that of the cell, or the `wanted` one.

    The task's [environment] is made where it is missing. Raises EnvironmentLacks where no engine answers
    or the image of the cell is gone, UsageError where that sandbox cannot give the environment.
    """
    name = wanted or ("docker" if setup.sandbox == "run-cell" else setup.sandbox) or "local"
    if name == "local":
        place = local_place(task)
        return name, place.checks or place.agent
    if (ready := task_image(task) if name == "docker" else None) is not None:
        return name, partial(sandbox_type(name), ready.image_id)
    if name != "docker":
        return name, sandbox_type(name)
    from benchledger.runners.images.base import ensure_base  # noqa: PLC0415 - the SDK takes 150 ms to import
    from benchledger.runners.sandboxes import engine  # noqa: PLC0415

    client = engine.connect()
    try:
        known = _images(setup)
        image = next((each for each in known if _is_there(engine, client, each)), None)
        if image is None and known:
            raise EnvironmentLacks(
                f"the image in which the checks ran, {known[0]}, is not on this engine",
                "build or pull it again, or recheck with --sandbox local",
            )
        return name, partial(sandbox_type(name), image or ensure_base(client))
    finally:
        client.close()


def _images(setup: CellSetup) -> list[str]:
    """Return how the image of a cell may be called on an engine, the surest first."""
    agent = setup.agent
    named = (
        f"{repository_of(agent.image)}@{agent.image_digest}" if agent.image_digest and agent.image else None
    )
    return [name for name in (agent.image_id, named) if name]


def _is_there(engine: Any, client: Any, reference: str) -> bool:
    try:
        engine.identity(client, reference)
    except EnvironmentLacks:
        return False
    return True


def recheck(
    task: Task,
    recorded: tuple[bytes, bytes],
    make: Callable[[], Sandbox],
    limits: Limits,
    times: int = 1,
    clean: Callable[[bytes], bytes] = bytes,
) -> Iterator[Graded]:
    """Yield what the checks did, `times` times, over the folder that `recorded` (patch, manifest) tells.

    The same code grades as in a cell, each time in a new sandbox from `make`. Raises CannotRecheck where
    that folder cannot be made again, EnvironmentLacks, with the next step, for what this machine lacks.
    """
    _check_tools(task, make)
    with (
        _ours(),
        tempfile.TemporaryDirectory(prefix="benchledger-recheck-", ignore_cleanup_errors=True) as place,
    ):
        folder = Path(place) / "work"
        rebuild(task, *recorded, folder)
        for _ in range(times):
            yield grade(task, folder, sandboxed(make, limits, clean))


@contextmanager
def _ours() -> Iterator[None]:
    """Tell what broke beneath the checks as something that the machine lacks: it is no verdict."""
    try:
        yield
    except SandboxFailed as error:
        raise EnvironmentLacks(error.message, "see that the sandbox works, then recheck again") from error
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DiskFull(f"no room for the checks: {error.strerror}") from error


def _check_tools(task: Task, make: Callable[[], Sandbox]) -> None:
    if make().name in ON_HOST and task.environment == Environment():
        missing, hint = missing_toolchain(task), "install them, or put them into PATH"
    else:
        missing = lacking_tools(make, task.toolchain)
        hint = "recheck in another sandbox with --sandbox"
    if missing:
        raise EnvironmentLacks(f"task {task.id} needs {', '.join(missing)}", hint)


def rebuild(task: Task, patch: bytes, manifest: bytes, folder: Path) -> None:
    """Make in the new `folder` what the agent left, as far as it is graded: files, without .git.

    Raises CannotRecheck with the first path that is not as the manifest says.
    """
    told = parse_json(manifest)
    wanted = {path: Entry(**{"digest": "", **entry}) for path, entry in told["files"].items()}
    _refuse_partial(wanted, told["notes"])
    folder.mkdir()
    lay_over(task.workdir, folder)
    if b"diff --git " in patch:
        _apply(patch, folder)
    found = dict(snapshot(folder).entries)
    for path in sorted({*wanted, *found}):
        _settle(folder, path, wanted.get(path), found.get(path), patch)


def _refuse_partial(wanted: Mapping[str, Entry], notes: Sequence[str]) -> None:
    for note in notes:
        if not note.startswith(_BESIDE):
            raise CannotRecheck(f"its workdir was not wholly read: {note}")
    for path in wanted:
        if _NO_TEXT.search(path):
            raise CannotRecheck(f"the name {path!r} is no UTF-8, so it may be another one")


def _apply(patch: bytes, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="benchledger-apply-") as scratch:
        repository, file = Path(scratch) / "repo", Path(scratch) / "patch"
        repository.mkdir()
        file.write_bytes(patch)
        git(repository, "init", "--quiet", "--template=")
        (repository / ".git/info").mkdir(exist_ok=True)
        # above all .gitattributes of the task and of the agent, which would convert what is written
        (repository / ".git/info/attributes").write_text(_ATTRIBUTES)
        try:
            done = git(
                folder, f"--git-dir={repository / '.git'}", f"--work-tree={folder}", *_APPLY, str(file)
            )
        except subprocess.TimeoutExpired as error:
            raise CannotRecheck("git took too long over its patch") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise CannotRecheck(f"git cannot apply its patch: {said}")


def _settle(folder: Path, path: str, wanted: Entry | None, found: Entry | None, patch: bytes) -> None:
    """Bring one path to what the manifest says, where the patch says only that it went; else refuse.

    What is no file is never graded: a pipe or a link that the patch does not make is as good as nothing.
    """
    kind = None if wanted is None else wanted.kind
    if kind != "file" and _stub(path, patch) is not None:
        if not (folder / path).is_dir():  # of a folder its files are settled one by one
            (folder / path).unlink(missing_ok=True)
    elif kind in {"file", "link"} or found is not None:
        _compare(path, wanted, found, patch)


def _compare(path: str, wanted: Entry | None, found: Entry | None, patch: bytes) -> None:
    if wanted is not None and found is not None and _facts(wanted) == _facts(found) and not wanted.cut:
        return
    why = _stub(path, patch)
    if why is not None:
        raise CannotRecheck(f"the content of {path} was not recorded: {why}")
    if _MASKED in patch:
        raise CannotRecheck(f"the patch does not give {path} as it was: a secret in it was masked")
    raise CannotRecheck(f"the patch does not give {path} as the manifest has it")


def _facts(entry: Entry) -> tuple[str, str, int, int]:
    # Of the mode only what git keeps, and a link has none.
    return entry.kind, entry.digest, entry.size, entry.mode & 0o100 if entry.kind == "file" else 0


def _stub(path: str, patch: bytes) -> str | None:
    """Return why the patch has no text of a path, None where it has one."""
    found = re.search(rb"^# " + re.escape(quoted(path).encode()) + rb": .*: ([^:\n]*)$", patch, re.MULTILINE)
    return None if found is None else found[1].decode()
