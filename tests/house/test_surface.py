"""The public surface of schema and scorers is declared, and what is declared exists."""

import ast
import importlib

from tests.house.tree import Source, sources


def only_a_docstring(source: Source) -> bool:
    return all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in source.module.body
    )


def public_modules():
    for source in sources("schema", "scorers"):
        parts = source.path.removesuffix(".py").removesuffix("/__init__").split("/")
        if not only_a_docstring(source) and not parts[-1].startswith("_"):
            yield "benchledger." + ".".join(parts)


def faults(name):
    module = importlib.import_module(name)
    declared = getattr(module, "__all__", None)
    if declared is None:
        yield f"{name} declares no __all__"
        return
    yield from (f"{name}.{item} does not exist" for item in declared if not hasattr(module, item))
    yield from (f"{name}.{item} is declared twice" for item in set(declared) if declared.count(item) > 1)


def test_every_public_module_declares_names_that_exist():
    assert [line for name in public_modules() for line in faults(name)] == []
