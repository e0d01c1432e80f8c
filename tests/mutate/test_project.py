import subprocess

import pytest

from benchledger.runners.mutate.choose import ordered
from benchledger.runners.mutate.mutant import Mutant
from benchledger.runners.mutate.project import read_project, targets, top_of
from benchledger.schema.errors import UsageError
from tests.mutate.projects import PYTHON, lay

EXTRA = {
    ".gitignore": "build/\n*.log\n",
    "build/out.py": "a = 1\n",
    "noise.log": "noise\n",
    "env/pyvenv.cfg": "home = /usr\n",
    "env/lib/x.py": "a = 1\n",
    "src/__pycache__/x.py": "a = 1\n",
    "my-tasks/made/a/task.toml": "",
    "setup.py": "a = 1\n",
}


@pytest.fixture
def folder(tmp_path):
    lay(tmp_path, PYTHON.files | EXTRA)
    (tmp_path / "src/link.py").symlink_to("queue.py")
    return tmp_path


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_a_project_is_what_git_would_track_without_caches_environments_and_links(folder):
    git(folder, "init", "-q")
    git(folder, "add", "README.md", "src")
    found = read_project(folder, without=folder / "my-tasks")
    assert set(found.files) == {*PYTHON.files, ".gitignore", "setup.py"}
    assert found.left_out == ("src/link.py",)
    assert found.tests == {"tests/test_queue.py"}


def test_tasks_that_are_written_beside_or_above_a_project_take_nothing_from_it(folder):
    whole = read_project(folder).files
    assert "my-tasks/made/a/task.toml" in whole
    assert read_project(folder, without=folder).files == whole
    assert read_project(folder, without=folder.parent).files == whole


def test_a_file_that_git_knows_and_that_is_gone_is_left_out(folder):
    git(folder, "init", "-q")
    git(folder, "add", ".")
    (folder / "README.md").unlink()
    assert "README.md" not in read_project(folder).files


def test_without_git_only_caches_and_environments_are_left_out(folder):
    found = read_project(folder, without=folder / "my-tasks")
    assert set(found.files) == {*PYTHON.files, *EXTRA} - {
        *("env/pyvenv.cfg", "env/lib/x.py", "src/__pycache__/x.py", "my-tasks/made/a/task.toml"),
    }


def test_its_digest_depends_on_every_byte_and_not_on_its_place(folder, tmp_path_factory):
    other = lay(tmp_path_factory.mktemp("other"), PYTHON.files)
    one = lay(tmp_path_factory.mktemp("one"), PYTHON.files)
    assert read_project(one).digest == read_project(other).digest
    (other / "README.md").write_text("A queue\n")
    assert read_project(one).digest != read_project(other).digest


def test_a_test_whose_content_is_seen_elsewhere_too_is_not_hidden(folder):
    (folder / "tests/copy.md").write_text("A queue.\n")
    assert read_project(folder).tests == {"tests/test_queue.py"}


def test_sources_are_mutated_and_tests_and_set_up_are_not_unless_named(folder):
    found = read_project(folder, without=folder / "my-tasks")
    assert targets(found, folder / "src") == ["src/queue.py"]
    assert targets(found, folder) == ["build/out.py", "src/queue.py"]
    assert targets(found, folder / "setup.py") == ["setup.py"]
    for path, why in [
        (folder / "tests", "can be mutated"),
        (folder / "README.md", "can be mutated"),
        (folder / "no.py", "does not exist"),
        (folder.parent, "lies outside"),
    ]:
        with pytest.raises(UsageError, match=why):
            targets(found, path)


def test_a_project_without_tests_says_how_to_name_them(tmp_path):
    lay(tmp_path, {"a.py": "a = 1\n", "checks/b.py": "import a\n"})
    with pytest.raises(UsageError, match=r"no file that is a test; name its tests by --tests GLOB"):
        read_project(tmp_path)
    assert read_project(tmp_path, ("checks/**",)).tests == {"checks/b.py"}


def test_the_top_of_a_project_is_that_of_its_git(folder, monkeypatch):
    git(folder, "init", "-q")
    assert top_of(folder / "src/queue.py").resolve() == folder.resolve()


def test_the_order_is_seeded_and_operators_and_files_take_turns():
    def some(operator, lines):
        return [Mutant(operator, line, line, line + 1, "a", "b") for line in range(lines)]

    mutants = {"a.py": some("boundary", 9) + some("off-by-one", 2), "b.py": some("boundary", 9)}
    first = ordered(mutants, 1)
    assert first == ordered(dict(reversed(mutants.items())), 1)
    assert first != ordered(mutants, 2)
    assert len(set(first)) == len(first) == 20
    assert {mutant.operator for _, mutant in first[:2]} == {"boundary", "off-by-one"}
    boundaries = [path for path, mutant in first if mutant.operator == "boundary"]
    assert {boundaries[0], boundaries[1]} == {"a.py", "b.py"}
    assert boundaries[0::2] == [boundaries[0]] * 9
