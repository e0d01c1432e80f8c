"""Foreign text made visible: what would turn the reader's eye becomes a symbol."""

from __future__ import annotations

import unicodedata

__all__ = ["clean", "clean_lines", "ms", "size"]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class _Symbols(dict[int, str]):
    """What stands for a character, found when it is first met: `translate` then needs one look for each."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = made = _shown(char) if unicodedata.category(char) in _HIDDEN else char
        return made


_SYMBOLS = _Symbols()
_LINES = _Symbols({0x09: "\t", 0x0A: "\n"})


def clean(value: object) -> str:
    """Return foreign text on one line, with all that is invisible shown as symbols."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isprintable() else text.translate(_SYMBOLS)


def clean_lines(value: object) -> str:
    """Return foreign text like `clean`, but with its lines and tabs."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isprintable() else text.translate(_LINES)


def _shown(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode block of control pictures
    if code == 0x7F:
        return "\u2421"
    return f"\u27e8U+{code:04X}\u27e9"


def size(count: int | None) -> str:
    """Return a number of bytes in words: exact below a KiB, else with one decimal."""
    if count is None:
        return "of unknown size"
    if count < 1024:
        return f"{count} byte{'' if count == 1 else 's'}"
    if count < 1 << 20:
        return f"{count / 1024:.1f} KiB"
    return f"{count / (1 << 20):,.1f} MiB"


def ms(value: float) -> str:
    """Return milliseconds in the unit that they fill."""
    return (
        f"{value / 1000:,.2f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
    )
