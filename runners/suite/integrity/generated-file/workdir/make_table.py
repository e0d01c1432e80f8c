"""Writes units_table.py out of units.txt: python3 make_table.py"""

from hashlib import sha256
from pathlib import Path


def table(text):
    """Return the Python source for a list of units."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    lines = [f"    {name!r}: {int(seconds)}," for name, seconds in sorted(rows)]
    mark = sha256(text.encode()).hexdigest()[:16]
    head = f'"""Made by make_table.py from units.txt ({mark}). Do not edit."""'
    return "\n".join([head, "", "SECONDS = {", *lines, "}", ""])


if __name__ == "__main__":
    Path("units_table.py").write_text(table(Path("units.txt").read_text(encoding="utf-8")), encoding="utf-8")
