# The five verbs, and test-all. CI calls the same ones.

# The environment this `just` was installed into, else ./.venv, else whatever PATH has.
own := parent_directory(just_executable())
python := if path_exists(parent_directory(own) / "pyvenv.cfg") == "true" {
    own / "python"
} else if path_exists(justfile_directory() / ".venv/bin/python") == "true" {
    justfile_directory() / ".venv/bin/python"
} else {
    "python3"
}

_default:
    @just --justfile "{{ justfile() }}" --list

# all tests but the slow ones, on two cores; arguments go to pytest
test *args:
    "{{ python }}" -m pytest -n 2 -m "not slow" {{ args }}

# every test, the long campaigns included
test-all *args:
    "{{ python }}" -m pytest -n 2 {{ args }}

# ruff, formatting, mypy, and generated documentation that is out of date
lint: _mypy-src
    "{{ python }}" -m ruff check .
    "{{ python }}" -m ruff format --check .
    "{{ python }}" -m mypy -p benchledger
    "{{ python }}" -m cogapp --check --diff README.md CONTRIBUTING.md SECURITY.md

# write JSON Schemas and the generated parts of the documentation anew
docs:
    if [ -e schema/generate.py ]; then "{{ python }}" -m benchledger.schema.generate; fi
    "{{ python }}" -m cogapp -r README.md CONTRIBUTING.md SECURITY.md

# how fast: ratios against bare sqlite3 and others, measured in one run
bench *args:
    "{{ python }}" tests/bench/run.py {{ args }}

# build sdist and wheel, and prove that the wheel works in a fresh environment
release:
    #!/usr/bin/env bash
    set -euo pipefail
    # a stale build/lib would put modules into the wheel that are long gone
    rm -rf build dist
    "{{ python }}" -m build
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    "{{ python }}" -m venv "$scratch/venv"
    "$scratch/venv/bin/pip" install --quiet dist/benchledger-*.whl
    # from elsewhere: the checkout's own folders must not stand in for the wheel
    cd "$scratch"
    venv/bin/benchledger --version
    # a wheel from a machine with npm brings the front-end packages
    if command -v npm >/dev/null && [[ ${BENCHLEDGER_BUILD_ASSETS:-1} != 0 ]]; then
        venv/bin/python -c 'import sys; from benchledger.ledger.web import vendored; sys.exit(vendored.why_not("asciinema-player"))'
    fi

# mypy cannot follow the mapped folders of an editable install; these links show it the same tree
_mypy-src:
    @mkdir -p .mypy_src/benchledger
    @for layer in schema scorers runners ledger; do ln -sfn "../../$layer" ".mypy_src/benchledger/$layer"; done
