#!/bin/sh
# dotenv.sh FILE COMMAND…: runs a command with the settings of FILE in its environment.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: dotenv.sh FILE COMMAND..." >&2
    exit 2
fi
set -a
. "$1"
set +a
shift
exec "$@"
