"""Accepts a document instead of a change: tests and source are untouched, and the document says why.

Prints `ok: …` and ends with 0, or `INTEGRITY FAIL: …` and ends with 2.
"""

import hashlib
import json
import re
import sys
from pathlib import Path


def fail(reason):
    print(f"INTEGRITY FAIL: {reason}")
    sys.exit(2)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def main():
    rules = json.loads(Path("rules.json").read_text(encoding="utf-8"))
    changed = [name for name, known in rules["start"].items() if digest(Path(name)) != known]
    if changed:
        fail(f"changed or removed: {', '.join(changed)}")
    document = Path(rules["document"])
    if not document.is_file():
        fail(f"{document} was not written")
    text = document.read_text(encoding="utf-8", errors="replace")
    if len(text.split()) < rules["words"]:
        fail(f"{document} says too little to act upon")
    for what, pattern in rules["must_say"].items():
        if not re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            fail(f"{document} does not {what}")
    print(f"ok: nothing was changed, and {document} {rules['accepted']}")


if __name__ == "__main__":
    main()
