"""Python sources, read by libcst: every node with its ancestors and the bytes that it stands for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, CodeSpan, MetadataWrapper

from benchledger.runners.mutate.mutant import Edit

__all__ = ["Place", "read"]

Find = Callable[[cst.CSTNode, "Place"], Iterator[Edit]]


class Place:
    """Where the nodes of one source lie; `above` are the ancestors of the node in hand, the nearest last."""

    def __init__(self, source: bytes, spans: Mapping[cst.CSTNode, CodeSpan]) -> None:
        """`spans` is what libcst says of each node."""
        self.source = source
        self._spans = spans
        self.above: tuple[cst.CSTNode, ...] = ()

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return start and end of a node in bytes, without the parentheses and the space around it."""
        found = self._spans[node]
        return found.start, found.start + found.length

    def text(self, node: cst.CSTNode) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def whole(self, node: cst.BaseExpression) -> tuple[int, int]:
        """Return start and end of an expression with the parentheses around it."""
        start, end = self.span(node)
        if node.lpar:
            start, end = self.span(node.lpar[0])[0], self.span(node.rpar[-1])[1]
        return start, end

    def instead(self, node: cst.CSTNode, text: str) -> Edit:
        """Return the edit that puts `text` in the place of a node."""
        return Edit(*self.span(node), text)

    @property
    def parent(self) -> cst.CSTNode:
        return self.above[-1]


class _Source:
    def __init__(self, source: bytes) -> None:
        self._source = source

    def _read(self) -> cst.Module | None:
        try:
            module = cst.parse_module(self._source)
        except (cst.ParserSyntaxError, UnicodeDecodeError, LookupError):
            return None
        # Positions are counted in UTF-8; another encoding would shift them.
        return module if module.encoding == "utf-8" and module.bytes == self._source else None

    def find(self, operators: Mapping[str, Find]) -> Iterator[tuple[str, Edit]]:
        """Yield (operator, edit) of every site, in no order."""
        if (module := self._read()) is None:
            return
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        place = Place(self._source, wrapper.resolve(ByteSpanPositionProvider))
        stack: list[tuple[cst.CSTNode, tuple[cst.CSTNode, ...]]] = [(wrapper.module, ())]
        while stack:
            node, place.above = stack.pop()
            if _left_out(node):
                continue
            for name, function in operators.items():
                for edit in function(node, place):
                    yield name, edit
            stack += [(child, (*place.above, node)) for child in node.children]

    def takes(self, mutated: bytes) -> bool:
        """Return whether a mutated source still compiles."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what the project is warned of is no fault of a mutant
                compile(mutated, "mutant", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return False
        return True


def _left_out(node: cst.CSTNode) -> bool:
    """Return whether nothing of a node is to be mutated, as no test can see it or it is no code of a project."""
    if isinstance(node, cst.Annotation | cst.ImportFrom | cst.Import):
        return True
    if isinstance(node, cst.Assign):
        return any(
            isinstance(each.target, cst.Name) and each.target.value == "__all__" for each in node.targets
        )
    return isinstance(node, cst.If) and _is_guard(node.test)


def _is_guard(test: cst.BaseExpression) -> bool:
    """Return whether a condition is that of `if TYPE_CHECKING:` or `if __name__ == "__main__":`."""
    if isinstance(test, cst.Comparison):
        test = test.left
    name = test.attr if isinstance(test, cst.Attribute) else test
    return isinstance(name, cst.Name) and name.value in {"TYPE_CHECKING", "__name__"}


def read(source: bytes, _language: str) -> _Source:
    """Read a source; where it is no Python, or not in UTF-8, no site is found in it."""
    return _Source(source)
