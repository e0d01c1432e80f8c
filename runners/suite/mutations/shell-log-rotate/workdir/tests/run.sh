#!/bin/sh
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
echo today >app.log
sh "$here/rotate.sh" app.log 3
[ "$(cat app.log.1)" = today ] || { echo "app.log.1 should hold today's log"; exit 1; }
[ ! -s app.log ] || { echo "app.log should be empty"; exit 1; }
if sh "$here/rotate.sh" app.log none 2>/dev/null; then echo "KEEP must be a number"; exit 1; fi
echo "all tests passed"
