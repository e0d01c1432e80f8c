# hidden.sh SCRATCH: prints a line a check.
set -u
script=$PWD/rotate.sh
cd "$1" || exit 1

check() {
    if "$2" >/dev/null 2>&1; then echo "ok $1"; else echo "not ok $1"; fi
}

fresh() {
    rm -rf work && mkdir work && cd work
}

rotated() (
    fresh
    for day in 1 2 3 4 5; do
        echo "day $day" >a.log
        sh "$script" a.log 3 || return 1
    done
    [ "$(cat a.log.1)" = "day 5" ] && [ "$(cat a.log.2)" = "day 4" ] && [ "$(cat a.log.3)" = "day 3" ] && [ ! -e a.log.4 ]
)

two() (
    fresh
    for day in 1 2 3; do
        echo "day $day" >a.log
        sh "$script" a.log 2 || return 1
    done
    [ "$(cat a.log.1)" = "day 3" ] && [ "$(cat a.log.2)" = "day 2" ] && [ ! -e a.log.3 ]
)

one() (
    fresh
    echo old >a.log.1
    echo new >a.log
    sh "$script" a.log 1 && [ "$(cat a.log.1)" = new ] && [ ! -s a.log ] && [ ! -e a.log.2 ]
)

gap() (
    fresh
    echo new >a.log
    echo two >a.log.2
    sh "$script" a.log 4 && [ "$(cat a.log.1)" = new ] && [ "$(cat a.log.3)" = two ] && [ ! -e a.log.2 ]
)

spaces() (
    fresh
    echo old >'a b.log.1'
    echo new >'a b.log'
    sh "$script" 'a b.log' 5 && [ "$(cat 'a b.log.2')" = old ]
)

usage() (
    fresh
    sh "$script" a.log 2 || return 1
    sh "$script" a.log
    [ $? -eq 2 ] || return 1
    sh "$script" a.log 0
    [ $? -eq 2 ]
)

check five-days rotated
check keep-two two
check keep-one one
check a-gap-moves-on gap
check names-with-spaces spaces
check usage usage
