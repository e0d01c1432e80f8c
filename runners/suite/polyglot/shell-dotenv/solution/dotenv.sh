#!/bin/sh
# dotenv.sh FILE COMMAND…: runs a command with the settings of FILE in its environment.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: dotenv.sh FILE COMMAND..." >&2
    exit 2
fi
file=$1
shift
number=0

# strip TEXT: TEXT without white space at its end
strip() {
    stripped=$1
    while :; do
        case $stripped in
            *[[:space:]]) stripped=${stripped%?} ;;
            *) return ;;
        esac
    done
}

refuse() {
    echo "dotenv.sh: line $number of $file is no setting" >&2
    exit 3
}

while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    strip "$line"
    line=$stripped
    while :; do
        case $line in
            [[:space:]]*) line=${line#?} ;;
            *) break ;;
        esac
    done
    case $line in
        '' | '#'*) continue ;;
        'export '*=*) line=${line#export } ;;
        *=*) ;;
        *) refuse ;;
    esac
    name=${line%%=*}
    value=${line#*=}
    case $name in
        '' | [!A-Za-z_]* | *[!A-Za-z0-9_]*) refuse ;;
    esac
    case $value in
        \"*\" | \'*\')
            if [ "${#value}" -ge 2 ]; then
                value=${value#?}
                value=${value%?}
            fi
            ;;
    esac
    set -- "$@" "$name=$value"
    count=$((${count:-0} + 1))
done <"$file"

# the settings stand behind the command: bring them to the front, for env
words=$(($# - ${count:-0}))
while [ "$words" -gt 0 ]; do
    word=$1
    shift
    set -- "$@" "$word"
    words=$((words - 1))
done
exec env "$@"
