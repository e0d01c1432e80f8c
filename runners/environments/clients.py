"""How this user's package clients reach their registries: for setup alone, never for an agent.

Values may hold passwords. They go to the process or container of a setup, and nowhere else: not into an
image, not into an event.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Carried", "carried_settings", "own_settings"]

_NAMES = re.compile(
    r"(PIP|UV|NPM_CONFIG|CARGO_(HTTP|NET|REGISTR(Y|IES)))_.*|GOPROXY|GONOSUMDB|GONOPROXY|GOSUMDB|GOPRIVATE|"
    r"(HTTPS?|ALL|NO|FTP)_PROXY|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO",
    re.IGNORECASE,
)
# Settings that would make a client put things elsewhere, or take another interpreter.
_ELSEWHERE = re.compile(
    r"PIP_(TARGET|USER|PREFIX|ROOT|SRC|PYTHON|REQUIRE_VIRTUALENV|LOG|CONFIG_FILE|CACHE_DIR)|"
    r"UV_(PYTHON.*|PROJECT.*|SYSTEM_PYTHON|TOOL.*|INSTALL.*|TARGET|PREFIX|CACHE_DIR|WORKING_DIR.*)|"
    r"NPM_CONFIG_(PREFIX|GLOBAL.*|LOCATION|CACHE|USERCONFIG|LOCAL_PREFIX|INIT_MODULE|NODE_GYP)",
    re.IGNORECASE,
)
_LOOPBACK = re.compile(r"//([^/@\s]*@)?(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?![\w.-])")


def own_settings() -> dict[str, str]:
    """Return the variables by which clients on this machine, under another HOME, work as the user's own."""
    found, home = dict(_variables()), Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    usual = {
        "PIP_CONFIG_FILE": next(iter(_pip_files(home)[-2:][::-1]), None),
        "PIP_CACHE_DIR": cache / "pip",
        "UV_CACHE_DIR": cache / "uv",
        "npm_config_userconfig": home / ".npmrc",
        "npm_config_cache": home / ".npm",
    }
    for name, path in usual.items():
        given = os.environ.get(name)
        if given or (path is not None and path.exists()):
            found[name] = given or str(path)
    return found


@dataclass(frozen=True)
class Carried:
    """Settings as they hold in a container: variables, and the files that they name, path there -> bytes."""

    variables: Mapping[str, str]
    files: Mapping[str, bytes]

    @property
    def wants_host_network(self) -> bool:
        """Whether a registry or proxy is at an address that only this machine itself has."""
        return any(_LOOPBACK.search(value) for value in self.variables.values())

    def script(self) -> bytes:
        """Return lines for sh that set the variables."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(self.variables.items())]
        return "".join(lines).encode()


def carried_settings(place: str) -> Carried:
    """Return the settings for a container that has this machine's files nowhere but below `place`.

    A file that a setting names is carried along; folders of packages on this machine are left out.
    """
    home = Path.home()
    said = {**_pip_settings(_pip_files(home)), **dict(_variables())}
    files: dict[str, bytes] = {}
    variables = {name: value for name, text in said.items() if (value := _moved(text, place, files))}
    npmrc = Path(os.environ.get("npm_config_userconfig") or home / ".npmrc")  # noqa: SIM112  npm spells it so
    if npmrc.is_file():
        lines = npmrc.read_text(encoding="utf-8", errors="replace").splitlines()
        text = "\n".join(_npm_lines(lines, place, files)) + "\n"
        variables["npm_config_userconfig"] = f"{place}/npmrc"
        files[f"{place}/npmrc"] = text.encode()
    return Carried(variables, files)


def _variables() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        if _NAMES.fullmatch(name) and not _ELSEWHERE.fullmatch(name):
            yield name, value


def _pip_files(home: Path) -> list[Path]:
    """Return the files that pip reads, the one that holds last."""
    if given := os.environ.get("PIP_CONFIG_FILE"):
        return [Path(given)] if Path(given).is_file() else []
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    places = (
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        config / "pip/pip.conf",
    )
    return [path for path in places if path.is_file()]


def _pip_settings(files: Iterable[Path]) -> dict[str, str]:
    """Return what files of pip say, as the variables that say the same."""
    found: dict[str, str] = {}
    for path in files:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, configparser.Error):
            continue  # pip itself would say so
        for section in ("global", "install"):
            for key, value in parser.items(section) if parser.has_section(section) else ():
                name = f"PIP_{key.upper().replace('-', '_')}"
                if not _ELSEWHERE.fullmatch(name):
                    found[name] = " ".join(value.split())
    return found


def _moved(text: str, place: str, files: dict[str, bytes]) -> str:
    """Return a value whose paths lead to what is carried; empty where nothing of it can be."""
    return " ".join(told for word in text.split() if (told := _carried_word(word, place, files)))


def _carried_word(word: str, place: str, files: dict[str, bytes]) -> str:
    if word.startswith("file:"):
        return ""
    if not word.startswith("/"):
        return word
    path = Path(word)
    if not path.is_file():
        return ""
    data = path.read_bytes()
    known = next((name for name, content in files.items() if content == data), None)
    there = known or f"{place}/{len(files)}-{path.name}"
    files[there] = data
    return there


def _npm_lines(lines: Iterable[str], place: str, files: dict[str, bytes]) -> Iterator[str]:
    for line in lines:
        name, equals, value = line.partition("=")
        if name.strip().lower() in {"prefix", "cache", "globalconfig"}:
            continue
        if name.strip() == "cafile" and equals:
            moved = _moved(value.strip(), place, files)
            if moved:
                yield f"cafile={moved}"
            continue
        yield line
