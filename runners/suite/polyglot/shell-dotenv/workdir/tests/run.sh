#!/bin/sh
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
printf '# settings\nNAME=value\n' >settings
[ "$(sh "$here/dotenv.sh" ./settings printenv NAME)" = value ] || { echo "NAME should be value"; exit 1; }
printf 'NAME=$(touch ran)\n' >settings
sh "$here/dotenv.sh" ./settings true
[ ! -e ran ] || { echo "a setting ran a command"; exit 1; }
echo "all tests passed"
