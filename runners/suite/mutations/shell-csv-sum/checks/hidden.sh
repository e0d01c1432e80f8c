# hidden.sh SCRATCH: prints a line a check.
set -u
script=$PWD/sum.sh
cd "$1" || exit 1

check() {
    if "$2" >/dev/null 2>&1; then echo "ok $1"; else echo "not ok $1"; fi
}

unended() (
    printf 'n,c\na,1\nb,2\nc,40' >a.csv
    [ "$(sh "$script" a.csv 2)" = 43 ]
)

only_line() (
    printf 'n,c\na,7' >a.csv
    [ "$(sh "$script" a.csv 2)" = 7 ]
)

ended() (
    printf 'n,c\na,1\nb,2\n' >a.csv
    [ "$(sh "$script" a.csv 2)" = 3 ]
)

nothing() (
    printf 'n,c' >a.csv
    [ "$(sh "$script" a.csv 2)" = 0 ] || return 1
    : >a.csv
    [ "$(sh "$script" a.csv 1)" = 0 ]
)

words() (
    printf 'n,c\na,1\nb,two' >a.csv
    sh "$script" a.csv 2
    [ $? -eq 1 ]
)

backslash() (
    printf 'n,c\na\\,5\nb,-1' >a.csv
    [ "$(sh "$script" a.csv 2)" = 4 ]
)

check no-final-newline unended
check one-line-without-newline only_line
check final-newline ended
check no-data nothing
check a-word-is-refused words
check backslashes backslash
