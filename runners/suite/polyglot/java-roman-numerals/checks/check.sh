#!/bin/sh
# Runs the hidden tests and prints `ok NAME` or `not ok NAME` for each: one that says nothing has failed.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
log=$scratch/log
: >"$log"
names=$(sed -n 's/^ *check("\([a-z0-9-]*\)".*/\1/p' Hidden.java)
if javac -Xlint:none -d "$scratch/classes" src/*.java Hidden.java >&2; then
    java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$scratch/classes" Hidden >"$log"
fi

status=0
for name in $names; do
    if grep -qx "ok $name" "$log" && ! grep -qx "not ok $name" "$log"; then
        echo "ok $name"
    else
        echo "not ok $name"
        status=1
    fi
done
exit "$status"
