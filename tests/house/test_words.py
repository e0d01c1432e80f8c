"""What is kept says nothing of the machine it was written on, and tests read as sentences."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.tree import ROOT, Source, kept_files, sources

# The patterns do not match their own source.
FORBIDDEN = {
    "a path of one machine": re.compile(
        r"(?:(?<![\w./-])|(?<=//))/(?:work(?![\w-])|root/|home/\w|Users/\w|opt/(?:pypi|wheels)|tmp/bl)"
    ),
    "a package registry": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|index\.crates\.io|proxy\.golang\.org"
    ),
}

# "path" -> why a forbidden string may stand there
EXCEPTIONS: dict[str, str] = {}

SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def forbidden(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in FORBIDDEN.items():
            if found := pattern.search(line):
                yield f"{name}:{number}: {what}: {found.group()}"


def names_too_short(source: Source) -> Iterator[str]:
    for node in ast.walk(source.module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            words = [word for word in node.name.removeprefix("test_").split("_") if word]
            if len(words) < 3:
                yield f"{source.path}:{node.lineno}: {node.name} is no sentence"


def skips_without_reason(source: Source) -> Iterator[str]:
    called = {id(node.func): node for node in ast.walk(source.module) if isinstance(node, ast.Call)}
    for node in ast.walk(source.module):
        if not isinstance(node, ast.Attribute) or node.attr not in SKIPS:
            continue
        owner = ast.unparse(node.value)
        if owner not in {"pytest", "pytest.mark", "unittest"}:
            continue
        call = called.get(id(node))
        # pytest.skip and pytest.xfail take the reason as their first argument, the marks by name
        positional = owner != "pytest.mark" or node.attr == "skip"
        given = call is not None and (
            any(word.arg == "reason" for word in call.keywords) or (positional and bool(call.args))
        )
        if not given and node.attr != "importorskip":
            yield f"{source.path}:{node.lineno}: {owner}.{node.attr} without a reason"


def parsed(text: str) -> Source:
    return Source("a.py", text, ast.parse(text))


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="not a git checkout, so there is no list of kept files"
)
def test_no_kept_file_names_this_machine_or_a_registry():
    found = []
    for name in kept_files():
        if name not in EXCEPTIONS:
            text = (ROOT / name).read_bytes().decode(errors="replace")
            found += forbidden(name, text)
    assert found == []


def test_every_test_name_is_a_sentence():
    assert [line for source in sources("tests") for line in names_too_short(source)] == []


def test_no_test_is_skipped_without_a_reason():
    assert [line for source in sources("tests") for line in skips_without_reason(source)] == []


# in two halves, so that this file does not find itself
@pytest.mark.parametrize(
    "halves", ["/wo rk/main", "/ro ot/x", "py pi.org", "(/wo rk)", "'/ho me/a'", "file:///o pt/wheels"]
)
def test_a_forbidden_string_is_found(halves):
    assert len(list(forbidden("a", f"see {halves.replace(' ', '')}"))) == 1


@pytest.mark.parametrize("piece", ["/workspace", "a/work/b", "the work", "/workdir", "~/x", "/homepage"])
def test_an_innocent_string_passes(piece):
    assert list(forbidden("a", f"see {piece}")) == []


@pytest.mark.parametrize(
    "text",
    ["@pytest.mark.skip\ndef f(): ...", "pytest.skip()", "@pytest.mark.xfail(strict=True)\ndef f(): ..."],
)
def test_a_skip_without_a_reason_is_found(text):
    assert len(list(skips_without_reason(parsed(text)))) == 1


def test_a_skip_with_a_reason_passes():
    text = "pytest.skip('no engine')\n@pytest.mark.skipif(True, reason='no engine')\ndef f(): ..."
    assert list(skips_without_reason(parsed(text))) == []


def test_a_short_test_name_is_found():
    assert len(list(names_too_short(parsed("def test_it(): ...")))) == 1
    assert list(names_too_short(parsed("def test_a_gap_is_found(): ..."))) == []
