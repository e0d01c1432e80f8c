"""Runs hidden_tests.py in a process of its own and prints `ok NAME` or `not ok NAME` for each test.

The result under test is imported in that process only, and found last, so that it can neither
stand in for the standard library nor end the run with a false success. A test counts by a word
that the process was sent before; what the result prints or how it ends the run counts for nothing.
"""

import ast
import os
import secrets
import subprocess
import sys
import unittest
from pathlib import Path


def reporting(stream, word):
    class Result(unittest.TextTestResult):
        def addSuccess(self, test):
            super().addSuccess(test)
            stream.write(f"{word} {test.id().rpartition('.')[2]}\n")
            stream.flush()

    return Result


def run_tests():
    result = reporting(os.fdopen(os.dup(1), "w"), sys.stdin.readline().strip())
    os.dup2(2, 1)
    sys.path.append(".")
    tests = unittest.defaultTestLoader.loadTestsFromName("hidden_tests")
    unittest.TextTestRunner(resultclass=result).run(tests)


def main():
    tree = ast.parse(Path("hidden_tests.py").read_text(encoding="utf-8"))
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names = sorted(name for name in functions if name.startswith("test_"))
    command = [sys.executable, "-I", "-B", __file__, "run"]
    word = secrets.token_hex(16)
    done = subprocess.run(command, input=word, stdout=subprocess.PIPE, text=True, errors="replace")
    lines = [line.partition(" ") for line in done.stdout.splitlines()]
    passed = {name for said, _, name in lines if said == word}
    for name in names:
        print("ok" if name in passed else "not ok", name)
    sys.exit(0 if passed.issuperset(names) else 1)


if __name__ == "__main__":
    run_tests() if sys.argv[1:] == ["run"] else main()
