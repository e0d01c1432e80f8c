#!/bin/sh
# rotate.sh FILE KEEP: FILE becomes FILE.1, FILE.1 becomes FILE.2, …; at most KEEP old logs stay.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: rotate.sh FILE KEEP" >&2
    exit 2
fi
file=$1
keep=$2
case $keep in
    '' | *[!0-9]* | 0)
        echo "rotate.sh: KEEP is a number from 1, not '$keep'" >&2
        exit 2
        ;;
esac
[ -e "$file" ] || exit 0

rm -f "$file.$keep"
number=$keep
while [ "$number" -gt 2 ]; do
    older=$number
    number=$((number - 1))
    if [ -e "$file.$number" ]; then
        mv "$file.$number" "$file.$older"
    fi
done
mv "$file" "$file.1"
: >"$file"
