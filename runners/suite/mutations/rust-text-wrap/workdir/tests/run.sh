#!/bin/sh
# Builds the tests outside of the repository and runs them.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rustc --edition 2021 --test -A dead_code -o "$scratch/tests" tests/visible.rs
"$scratch/tests" --test-threads 1
