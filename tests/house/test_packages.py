"""What setuptools cannot find by itself is listed, and nothing else."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.house.tree import LAYERS, ROOT, kept_files, project, sources


def package_folders():
    inits = [source.path for source in sources(*LAYERS) if source.path.endswith("/__init__.py")]
    return {path.removesuffix("/__init__.py") for path in inits}


def import_name(folder):
    return "benchledger." + folder.replace("/", ".")


def test_every_package_folder_is_listed_and_mapped_in_pyproject():
    settings = project()["tool"]["setuptools"]
    expected = {import_name(folder): folder for folder in package_folders()}
    assert sorted(settings["packages"]) == sorted(expected)
    assert settings["package-dir"] == expected


def test_every_folder_with_python_in_it_is_a_package():
    folders = {source.path.rpartition("/")[0] for source in sources(*LAYERS)}
    assert sorted(folders - package_folders()) == []


def test_every_package_says_that_it_is_typed():
    assert [
        folder for folder in sorted(package_folders()) if not (ROOT / folder / "py.typed").is_file()
    ] == []


@pytest.mark.slow
def test_the_wheel_holds_every_package_and_no_tests(tmp_path):
    # from a copy: a build in the checkout would pick up, and leave behind, a stale build/lib
    for name in kept_files():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / "tree" / name)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", tmp_path / "tree"]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {
        f"{import_name(source.path.rpartition('/')[0]).replace('.', '/')}/" for source in sources(*LAYERS)
    }
    assert [folder for folder in sorted(shipped) if f"{folder}py.typed" not in names] == []
    data = [
        name
        for name in kept_files()
        if name.startswith(("runners/suite/", "runners/scaffolds/", "schema/vectors/", "schema/json/"))
    ]
    assert [name for name in data if f"benchledger/{name}" not in names] == []
    tops = {name.split("/", 1)[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"benchledger"}
    assert [name for name in sorted(names) if name.endswith(".pyc")] == []
    # tasks bring tests of their own, as a part of what an agent is given
    ours = [name for name in sorted(names) if not name.startswith("benchledger/runners/suite/")]
    assert [name for name in ours if "/tests/" in name] == []
