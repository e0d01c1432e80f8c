"""Sources read by tree-sitter: the nodes of one source, and what is left out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from tree_sitter import Language, Node, Parser

from benchledger.runners.mutate.mutant import Edit

__all__ = ["Source", "nearest", "operator_of", "read"]

_GRAMMARS = {
    "c": "tree_sitter_c",
    "go": "tree_sitter_go",
    "java": "tree_sitter_java",
    "javascript": "tree_sitter_javascript",
    "rust": "tree_sitter_rust",
    "shell": "tree_sitter_bash",
}
# What no test of behaviour can see, or where another value does not even build.
_LEFT_OUT = {
    "annotation",
    "array_type",
    "attribute_item",
    "import_declaration",
    "import_statement",
    "inner_attribute_item",
    "marker_annotation",
    "preproc_include",
}
_CONDITIONAL = {"preproc_if", "preproc_elif", "preproc_ifdef"}

Find = Callable[[Node, "Source"], Iterator[Edit]]


class Source:
    """One source as its grammar reads it."""

    def __init__(self, data: bytes, language: str) -> None:
        """Parse `data`; what a grammar cannot read is a node of error, and is left out."""
        self.data, self.language = data, language
        self._parser = Parser(Language(import_module(_GRAMMARS[language]).language()))
        self._root = self._parser.parse(data).root_node
        try:
            data.decode()
            self._sound = True
        except UnicodeDecodeError:
            self._sound = False

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode()

    def instead(self, node: Node, text: str) -> Edit:
        """Return the edit that puts `text` in the place of a node."""
        return Edit(node.start_byte, node.end_byte, text)

    def find(self, operators: Mapping[str, Find]) -> Iterator[tuple[str, Edit]]:
        """Yield (operator, edit) of every site, in no order."""
        stack = [self._root] if self._sound else []
        while stack:
            node = stack.pop()
            if node.is_error or node.type in _LEFT_OUT:
                continue
            for name, function in operators.items():
                for edit in function(node, self):
                    yield name, edit
            stack += self._below(node)

    def _below(self, node: Node) -> Iterator[Node]:
        skipped = node.child_by_field_name("condition") if node.type in _CONDITIONAL else None
        tests = False
        for child in node.children:
            if child.type == "attribute_item":
                tests = tests or "test" in self.text(child)
            elif child != skipped and not tests:
                yield child
            elif child.is_named and "comment" not in child.type:
                tests = False  # what `#[cfg(test)]` or `#[test]` stood over is passed

    def takes(self, mutated: bytes) -> bool:
        """Return whether a mutated source reads as well as this one does."""
        return _errors(self._parser.parse(mutated).root_node) <= _errors(self._root)


def _errors(root: Node) -> int:
    """Return how many nodes could not be read or were made up."""
    if not root.has_error:
        return 0
    count, stack = 0, [root]
    while stack:
        node = stack.pop()
        count += node.is_error or node.is_missing
        stack += [child for child in node.children if child.has_error or child.is_missing]
    return count


def operator_of(node: Node) -> Node | None:
    """Return the sign of an operation: the field of that name, else the child that is no operand."""
    named = node.child_by_field_name("operator")
    return named or next((child for child in node.children if not child.is_named), None)


def nearest(node: Node, types: set[str], within: set[str]) -> Node | None:
    """Return the nearest node around `node` of one of `types`, looking no farther than one of `within`."""
    above = node.parent
    while above is not None and above.type not in within:
        if above.type in types:
            return above
        above = above.parent
    return None


def read(source: bytes, language: str) -> Source:
    """Read a source; where it is not in UTF-8 no site is found in it."""
    return Source(source, language)
