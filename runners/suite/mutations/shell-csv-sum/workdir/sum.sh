#!/bin/sh
# sum.sh FILE COLUMN: adds up a column (from 1) of whole numbers, separated by commas.
# The first line holds the names of the columns. Empty fields count as 0.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: sum.sh FILE COLUMN" >&2
    exit 2
fi
total=0
first=yes
while IFS= read -r line; do
    if [ "$first" = yes ]; then
        first=no
        continue
    fi
    field=$(printf '%s\n' "$line" | cut -d, -f"$2")
    case $field in
        '') field=0 ;;
        *[!0-9-]*)
            echo "sum.sh: '$field' is no whole number" >&2
            exit 1
            ;;
    esac
    total=$((total + field))
done <"$1"
echo "$total"
