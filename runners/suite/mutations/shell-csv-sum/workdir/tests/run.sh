#!/bin/sh
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
printf 'name,count\na,1\nb,2\n' >data.csv
[ "$(sh "$here/sum.sh" data.csv 2)" = 3 ] || { echo "1 + 2 should be 3"; exit 1; }
printf 'name,count\na,\nb,-2\n' >data.csv
[ "$(sh "$here/sum.sh" data.csv 2)" = -2 ] || { echo "an empty field counts as 0"; exit 1; }
echo "all tests passed"
