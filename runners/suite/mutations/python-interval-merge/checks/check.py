"""Runs hidden_tests.py in a process of its own and prints `ok NAME` or `not ok NAME` for each test.

The result under test is imported in that process only, and found last, so that it can neither
stand in for the standard library nor end the run with a false success.
"""

import ast
import subprocess
import sys
import unittest
from pathlib import Path


class Result(unittest.TextTestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        print("ok", test.id().rpartition(".")[2], flush=True)


def run_tests():
    sys.path.append(".")
    tests = unittest.defaultTestLoader.loadTestsFromName("hidden_tests")
    unittest.TextTestRunner(resultclass=Result).run(tests)


def main():
    tree = ast.parse(Path("hidden_tests.py").read_text(encoding="utf-8"))
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names = sorted(name for name in functions if name.startswith("test_"))
    command = [sys.executable, "-I", "-B", __file__, "run"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, errors="replace")
    passed = {line.removeprefix("ok ") for line in done.stdout.splitlines() if line.startswith("ok ")}
    for name in names:
        print("ok" if name in passed else "not ok", name)
    sys.exit(0 if passed.issuperset(names) else 1)


if __name__ == "__main__":
    run_tests() if sys.argv[1:] == ["run"] else main()
