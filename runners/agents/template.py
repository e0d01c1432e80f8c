"""Placeholders in the texts of an agent file: `{name}`, and `{name:json}` inside a quoted string.

Only a word of lower-case letters, digits and underscores between braces is a placeholder, so
JSON and shell text need no escapes. A literal `{word}` is written `{{word}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from benchledger.schema.errors import UnknownName, UsageError

__all__ = ["BUILT_IN", "fill", "placeholders"]

BUILT_IN = frozenset({"base_url", "token", "model", "instruction", "workdir", "home", "bin"})

_WORD = r"[a-z][a-z0-9_]*"
_PATTERN = re.compile(rf"\{{\{{({_WORD})\}}\}}|\{{({_WORD})(?::({_WORD}))?\}}")


def placeholders(text: str) -> Iterator[str]:
    """Yield the name of each placeholder; raises UsageError where one asks for an unknown escape."""
    for literal, name, escape in _PATTERN.findall(text):
        if escape not in {"", "json"}:
            raise UsageError(
                f"{{{name}:{escape}}} asks for an unknown escape", f"write {{{name}}} or {{{name}:json}}"
            )
        if not literal:
            yield name


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its placeholders replaced; values are never read as templates again.

    `:json` escapes for the inside of a double-quoted string, as JSON, TOML and YAML have it.
    Raises UnknownName for a placeholder without a value.
    """
    return _PATTERN.sub(lambda match: _one(match, values), text)


def _one(match: re.Match[str], values: Mapping[str, str]) -> str:
    literal, name, escape = match.groups()
    if literal:
        return f"{{{literal}}}"
    if name not in values:
        raise UnknownName("placeholder", name, values)
    if escape:
        # JSON leaves DEL as it is, TOML refuses it
        return json.dumps(values[name], ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")
    return values[name]
