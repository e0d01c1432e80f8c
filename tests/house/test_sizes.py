"""Short functions, short files, few parameters."""

import ast
from collections.abc import Iterator

from tests.house.tree import LAYERS, Source, sources

FUNCTION_LINES = 60  # the body, without its docstring: a contract spelled out is no complexity
FILE_LINES = 300
PARAMETERS = 6  # all but self and cls

# "path" or "path::function" -> why it may be larger. An entry that is no longer needed fails, too.
EXCEPTIONS: dict[str, str] = {
    "ledger/metadata.py::spell": "the seven fields of the format, in its order",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def parameter_count(function: Function) -> int:
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    if named and named[0].arg in {"self", "cls"}:
        named = named[1:]
    return len(named) + sum(extra is not None for extra in (function.args.vararg, function.args.kwarg))


def too_large(source: Source) -> Iterator[tuple[str, str]]:
    lines = len(source.text.splitlines())
    if lines > FILE_LINES:
        yield source.path, f"{lines} lines, at most {FILE_LINES}"
    for node in ast.walk(source.module):
        if isinstance(node, Function):
            where = f"{source.path}::{node.name}"
            if body_lines(node) > FUNCTION_LINES:
                yield where, f"a body of {body_lines(node)} lines, at most {FUNCTION_LINES}"
            if parameter_count(node) > PARAMETERS:
                yield where, f"{parameter_count(node)} parameters, at most {PARAMETERS}"


def parsed(text: str) -> Source:
    return Source("a.py", text, ast.parse(text))


def test_functions_and_files_stay_small():
    found = [item for source in sources(*LAYERS, "tests") for item in too_large(source)]
    assert [f"{where}: {why}" for where, why in found if where not in EXCEPTIONS] == []


def test_every_exception_has_a_reason_and_is_still_needed():
    needed = {where for source in sources(*LAYERS, "tests") for where, _ in too_large(source)}
    assert [where for where, reason in EXCEPTIONS.items() if not reason.strip() or where not in needed] == []


def test_a_long_body_is_found_and_its_docstring_is_not_counted():
    statements = "\n".join("    x = 1" for _ in range(FUNCTION_LINES))
    docstring = '    """Say.\n' + "\n" * 20 + '    """\n'
    assert list(too_large(parsed(f"def f():\n{docstring}{statements}"))) == []
    assert len(list(too_large(parsed(f"def f():\n{statements}\n    x = 2")))) == 1


def test_keyword_only_parameters_are_counted_and_self_is_not():
    assert list(too_large(parsed("class A:\n  def f(self, a, b, c, *, d, e, f): ..."))) == []
    assert len(list(too_large(parsed("async def f(a, b, c, *d, e, f, **g): ...")))) == 1
