"""Small git repositories made for a test, by git itself."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchledger.runners.gitdir import git_environment

SUM = "total=0\nfor each; do\n  total=$((total + each))\ndone\necho $((total + 1))\n"
FIXED = SUM.replace("$((total + 1))", "$total")
OLD_TEST = 'test "$(sh src/sum.sh 1 2)" = 4\n'
NEW_TEST = 'test "$(sh src/sum.sh 1 2)" = 3 || { echo "not three"; exit 1; }\n'
MESSAGE = """\
fix(sum): The sum is one too large (#12)

`sh src/sum.sh 1 2` prints 4.

Fixes: #12
Signed-off-by: Ann Author <ann@example.org>
"""
CHECK = "sh tests/test_sum.sh"

Files = Mapping[str, str | bytes | None]


class Repo:
    """A repository with a working tree in `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Make it, empty."""
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *arguments: str) -> str:
        with tempfile.TemporaryDirectory() as home:
            env = git_environment(Path(home)) | {
                "GIT_AUTHOR_NAME": "Ann Author", "GIT_AUTHOR_EMAIL": "ann@example.org", "GIT_ALLOW_PROTOCOL": "file",
            }  # fmt: skip
            done = subprocess.run(
                ["git", *arguments], cwd=self.folder, env=env, check=True, capture_output=True
            )
        return done.stdout.decode(errors="surrogateescape").strip()

    def commit(self, files: Files, message: str = "Change") -> str:
        """Write files (None removes one) and commit them; returns the id."""
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", f"--message={message}")
        return self.git("rev-parse", "HEAD")


def sum_repo(folder: Path, *options: str) -> tuple[Repo, str]:
    """Return a repository, and the commit in it by which a sum is put right."""
    repo = Repo(folder, *options)
    repo.commit({"src/sum.sh": SUM, "tests/test_sum.sh": OLD_TEST, "README.md": "Sums.\n"}, "Start")
    fix = repo.commit({"src/sum.sh": FIXED, "tests/test_sum.sh": NEW_TEST}, MESSAGE)
    repo.commit({"README.md": "Sums, and more.\n"}, "Say more")
    return repo, fix


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return path -> (mode, bytes) of all files below a folder, .git included."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, b"" if path.is_symlink() else path.read_bytes())
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
