#!/bin/sh
# Builds the tests outside of the repository and runs them.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
javac -d "$scratch" src/*.java tests/*.java
java -ea -cp "$scratch" Visible
