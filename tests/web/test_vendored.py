"""What the build fetches from npm, what it does where it cannot, and what pages learn of it."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import run
from types import SimpleNamespace

import pytest

from benchledger.ledger.web import build, vendored
from tests.house.tree import ROOT, kept_files

PLAYER = "asciinema-player"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A copy of ledger/web as git has it: `make()` does what the build does, `reason()` is what pages say."""
    for name in (*build.INPUTS, "README.md"):
        shutil.copy(ROOT / "ledger/web" / name, tmp_path)
    monkeypatch.delenv(build.SWITCH, raising=False)
    monkeypatch.setattr(vendored, "HERE", tmp_path)

    def reason() -> str | None:
        vendored._found.cache_clear()
        return vendored.why_not(PLAYER)

    yield SimpleNamespace(path=tmp_path, make=lambda: build.vendored(tmp_path), reason=reason)
    vendored._found.cache_clear()


@pytest.fixture
def fetched(folder: SimpleNamespace) -> SimpleNamespace:
    """The same, with what npm brings."""
    if shutil.which("npm") is None:
        pytest.skip("no npm on PATH; Debian has a package of that name")
    said = folder.make()
    assert said.startswith(f"front-end packages: {PLAYER} "), said
    return folder


def offline(monkeypatch: pytest.MonkeyPatch, folder: SimpleNamespace) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(folder.path / "cache"))


def test_the_build_fetches_the_files_that_pages_use_with_their_licences(fetched: SimpleNamespace) -> None:
    assert fetched.reason() is None
    found = vendored.package(PLAYER)
    locked = json.loads((fetched.path / "package-lock.json").read_bytes())["packages"][
        f"node_modules/{PLAYER}"
    ]
    assert (found.version, found.licence) == (locked["version"], locked["license"])
    assert set(vendored.files()) == set(
        json.loads((fetched.path / "package.json").read_bytes())["vendor"][PLAYER]
    )
    assert "AsciinemaPlayer" in found.files[f"{PLAYER}.min.js"].read_text("utf-8")
    assert "Apache License" in found.files[f"{PLAYER}.LICENSE.txt"].read_text("utf-8")
    assert {path.name for path in (fetched.path / "vendor").iterdir()} == {*found.files, "vendor.json"}


def test_what_is_current_is_not_fetched_again(
    fetched: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert fetched.make().startswith(f"front-end packages: {PLAYER} ")


def test_files_of_another_version_do_not_linger(fetched: SimpleNamespace) -> None:
    (fetched.path / "vendor/old.js").touch()
    with (fetched.path / "package-lock.json").open("a", encoding="utf-8") as lock:
        lock.write("\n")
    assert "another lock file" in (fetched.reason() or "")
    fetched.make()
    assert fetched.reason() is None
    assert not (fetched.path / "vendor/old.js").exists()


def test_a_file_that_was_lost_is_named(fetched: SimpleNamespace) -> None:
    (fetched.path / f"vendor/{PLAYER}.css").unlink()
    assert f"{PLAYER}.css" in (fetched.reason() or "")
    assert not vendored.has(PLAYER)


def test_a_lock_file_that_does_not_match_what_npm_serves_is_refused(
    folder: SimpleNamespace,
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm on PATH; Debian has a package of that name")
    lock = folder.path / "package-lock.json"
    document = json.loads(lock.read_bytes())
    packages = document["packages"]
    packages[f"node_modules/{PLAYER}"]["integrity"] = packages["node_modules/solid-js"]["integrity"]
    lock.write_text(json.dumps(document), encoding="utf-8")
    assert "EINTEGRITY" in folder.make()
    assert not vendored.has(PLAYER)


@pytest.mark.parametrize("without", ["npm", "a registry", "wanting it"])
def test_a_build_that_cannot_fetch_goes_on_and_pages_say_why(
    folder: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    if without == "npm":
        monkeypatch.setenv("PATH", "/nonexistent")
        expected = "npm was not found"
    elif without == "a registry":
        if shutil.which("npm") is None:
            pytest.skip("no npm on PATH; Debian has a package of that name")
        offline(monkeypatch, folder)
        expected = "ECONNREFUSED"
    else:
        monkeypatch.setenv(build.SWITCH, "0")
        expected = build.SWITCH
    said = folder.make()
    assert said.startswith("front-end packages left out")
    assert expected in said
    assert "\n" not in said
    assert expected in (folder.reason() or "")
    assert vendored.files() == {}
    assert {path.name for path in folder.path.iterdir()} >= {"vendor", "package.json"}
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".vendor-")]


def test_files_that_were_never_built_say_so(folder: SimpleNamespace) -> None:
    assert "never built" in (folder.reason() or "")


@pytest.mark.slow
def test_an_sdist_brings_what_its_wheel_needs_without_npm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm on PATH; Debian has a package of that name")
    tree = tmp_path / "tree"
    for name in kept_files():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    build_it = [sys.executable, "-m", "build", "--outdir", tmp_path / "dist"]
    run([*build_it, "--sdist", tree], check=True, capture_output=True)
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    shutil.unpack_archive(sdist, tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    monkeypatch.setenv(build.SWITCH, "0")
    run([*build_it, "--wheel", unpacked], check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("benchledger/ledger/web/vendor/")}
    listed = json.loads((ROOT / "ledger/web/package.json").read_bytes())["vendor"][PLAYER]
    assert names == {f"benchledger/ledger/web/vendor/{name}" for name in (*listed, "vendor.json")}
