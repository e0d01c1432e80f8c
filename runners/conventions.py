"""What a path says by itself, as languages have it: whether it is a test, which language it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from benchledger.runners.scaffold import languages, left_behind
from benchledger.schema.task import matches

__all__ = ["by_products", "is_test", "language_of"]

_FOLDERS = {
    "test",
    "tests",
    "spec",
    "specs",
    "__tests__",
    "__mocks__",
    "__snapshots__",
    "testdata",
    "test_data",
}
_TEST_FILE = re.compile(
    r"""
      (?:test_.*|.*_tests?|tests?|conftest)\.pyi?     # Python
    | .*_test\.(?:go|exs?|dart|c|cc|cpp|cxx|zig|lua|sh|rb|ml)
    | .*_spec\.(?:rb|lua|cr)
    | test_.*\.(?:c|cc|cpp|cxx|sh|rb|jl|lua|R)
    | .*\.(?:test|spec)\.[cm]?[jt]sx?
    | .*(?:Tests?|IT|Spec)\.(?:java|kt|scala|groovy|cs|fs|php|swift|hs)
    | Test[A-Z0-9].*\.(?:java|kt|scala)
    | .*\.(?:bats|t|feature)
    """,
    re.VERBOSE,
)
_LANGUAGES = {
    **dict.fromkeys(("py", "pyi", "pyx"), "python"),
    **dict.fromkeys(("js", "mjs", "cjs", "jsx"), "javascript"),
    **dict.fromkeys(("ts", "mts", "cts", "tsx"), "typescript"),
    **dict.fromkeys(("c", "h"), "c"),
    **dict.fromkeys(("cc", "cpp", "cxx", "hpp", "hh", "hxx"), "cpp"),
    **dict.fromkeys(("sh", "bash", "zsh"), "shell"),
    **dict.fromkeys(("ex", "exs"), "elixir"),
    **dict.fromkeys(("kt", "kts"), "kotlin"),
    "go": "go",
    "rs": "rust",
    "java": "java",
    "rb": "ruby",
    "php": "php",
    "cs": "csharp",
    "swift": "swift",
    "scala": "scala",
    "hs": "haskell",
    "lua": "lua",
    "jl": "julia",
    "pl": "perl",
    "dart": "dart",
    "zig": "zig",
    "ml": "ocaml",
    "r": "r",
    "clj": "clojure",
    "erl": "erlang",
}


def is_test(path: str, globs: Sequence[str] = ()) -> bool:
    """Return whether a file belongs to the tests: by `globs` where there are any, else by convention."""
    if globs:
        return matches(path, globs)
    *folders, name = path.split("/")
    return bool(_FOLDERS.intersection(folder.lower() for folder in folders) or _TEST_FILE.fullmatch(name))


def language_of(paths: Iterable[str]) -> str:
    """Return the language that most of the files are in; `other` where none is known."""
    known = [_LANGUAGES.get(path.rpartition(".")[2].lower()) for path in sorted(paths)]
    counted = Counter(language for language in known if language)
    return counted.most_common(1)[0][0] if counted else "other"


def by_products(language: str) -> tuple[str, ...]:
    """Return globs of what building or testing leaves behind, which no agent is blamed for."""
    return left_behind(language) if language in languages() else ()
