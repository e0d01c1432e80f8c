#!/bin/sh
# Builds the tests outside of the repository and runs them.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cc -std=c11 -Wall -Isrc -o "$scratch/visible" tests/visible.c src/*.c
"$scratch/visible"
