"""Small projects with tests of their own, one a language; each runs in a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Made:
    """A project: its files, what runs its tests, what it is written in, and what that needs."""

    files: dict[str, str]
    check: str
    source: str
    needs: str


PYTHON = Made(
    {
        "src/queue.py": (
            "def clipped(items, most=3):\n"
            '    """Keep the first items."""\n'
            "    return items[:most] if len(items) > most else list(items)\n"
            "\n"
            "\n"
            "def drained(items):\n"
            "    out = []\n"
            "    while items:\n"
            "        out.append(items[-1])\n"
            "        items.pop()\n"
            "    return out\n"
            "\n"
            "\n"
            "def untested(a, b):\n"
            "    return a and not b\n"
        ),
        "tests/test_queue.py": (
            "import sys, unittest\n"
            'sys.path.insert(0, "src")\n'
            "import queue\n"
            "\n"
            "class Clipped(unittest.TestCase):\n"
            "    def test_the_first_stay(self):\n"
            "        self.assertEqual(queue.clipped([1, 2, 3, 4]), [1, 2, 3])\n"
            "        self.assertEqual(queue.clipped([1, 2], 1), [1])\n"
            "    def test_the_last_comes_first(self):\n"
            "        self.assertEqual(queue.drained([1, 2]), [2, 1])\n"
        ),
        "README.md": "A queue.\n",
    },
    "python3 -B -m unittest discover -s tests",
    "src",
    "python3",
)

C = Made(
    {
        "src/clip.c": (
            '#include "clip.h"\n'
            "\n"
            "int clip(int value, int low, int high) {\n"
            "    if (value < low) return low;\n"
            "    if (value > high) return high;\n"
            "    return value;\n"
            "}\n"
            "\n"
            "int days(int month) {\n"
            "    switch (month) {\n"
            "    case 1: return 31;\n"
            "    case 2: return 28;\n"
            "    default: return 30;\n"
            "    }\n"
            "}\n"
        ),
        "src/clip.h": "int clip(int value, int low, int high);\nint days(int month);\n",
        "tests/run.sh": "set -e\nt=$(mktemp -d)\n"
        "cc -Isrc -o $t/t src/clip.c tests/main.c\n$t/t; s=$?\nrm -r $t\nexit $s\n",
        "tests/main.c": (
            '#include <stdio.h>\n#include "clip.h"\n'
            "static int bad;\n"
            "static void is(const char *name, int good) {\n"
            '    printf("%s %s\\n", good ? "ok" : "not ok", name);\n'
            "    bad |= !good;\n"
            "}\n"
            "int main(void) {\n"
            '    is("low", clip(0, 2, 4) == 2); is("high", clip(9, 2, 4) == 4); is("between", clip(3, 2, 4) == 3);\n'
            '    is("january", days(1) == 31); is("february", days(2) == 28); is("april", days(4) == 30);\n'
            "    return bad;\n"
            "}\n"
        ),
    },
    "sh tests/run.sh",
    "src/clip.c",
    "cc",
)

JAVASCRIPT = Made(
    {
        "lib/pick.mjs": (
            "export function pick(list, { most = 2, all = false } = {}) {\n"
            "  if (all || list.length <= most) {\n"
            "    return [...list];\n"
            "  }\n"
            "  return list.slice(0, most);\n"
            "}\n"
        ),
        "test/pick.test.mjs": (
            "import assert from 'node:assert';\nimport { pick } from '../lib/pick.mjs';\n"
            "assert.deepStrictEqual(pick([1, 2, 3]), [1, 2]);\n"
            "assert.deepStrictEqual(pick([1]), [1]);\n"
            "assert.deepStrictEqual(pick([1, 2, 3], { all: true }), [1, 2, 3]);\n"
        ),
    },
    "node test/pick.test.mjs",
    "lib/pick.mjs",
    "node",
)

PROJECTS = {"c": C, "javascript": JAVASCRIPT, "python": PYTHON}


def lay(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder and return it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
