# hidden.sh SCRATCH: prints a line a check.
set -u
script=$PWD/dotenv.sh
cd "$1" || exit 1

check() {
    if "$2" >/dev/null 2>&1; then echo "ok $1"; else echo "not ok $1"; fi
}

# value TEXT NAME: what NAME is with the settings TEXT
value() {
    printf '%s\n' "$1" >settings
    sh "$script" ./settings printenv "$2"
}

plain() { [ "$(value 'A=b c' A)" = 'b c' ] && [ "$(value 'export A=x=y' A)" = 'x=y' ] && [ "$(value '_a1=' _a1)" = '' ]; }
quotes() { [ "$(value 'A="b  "' A)" = 'b  ' ] && [ "$(value "A='b # c'" A)" = 'b # c' ]; }
spaces() { [ "$(value 'A=b   ' A)" = b ] && [ "$(value '  # x
A=1' A)" = 1 ]; }
literal() { [ "$(value 'A=$HOME `id` \n "x' A)" = '$HOME `id` \n "x' ] && [ "$(value 'A="$HOME"' A)" = '$HOME' ]; }
no_command() {
    rm -f ran
    value 'A=$(touch ran)' A && value 'A="`touch ran`"' A && ! value 'touch ran' A && ! value 'A=1; touch ran
x; touch ran' A && [ ! -e ran ]
}
bad_line() {
    rm -f ran
    printf 'A=1\n\nno setting\n' >settings
    sh "$script" ./settings touch ran 2>message
    [ $? -eq 3 ] && [ ! -e ran ] && grep -q 3 message
}
bad_name() {
    for line in '1A=x' 'A-B=x' '=x' 'A =x' 'export' 'é=x'; do
        value "$line" A
        [ $? -eq 3 ] || return 1
    done
}
last_line() {
    printf 'A=1\nB=2' >settings
    [ "$(sh "$script" ./settings printenv B)" = 2 ]
}
exit_code() {
    printf 'A=1\n' >settings
    sh "$script" ./settings sh -c 'exit 7'
    [ $? -eq 7 ]
}
arguments() {
    printf 'A=1\n' >settings
    [ "$(sh "$script" ./settings printf '%s|' 'a b' '*')" = 'a b|*|' ]
}

check plain-values plain
check quoted-values quotes
check white-space spaces
check nothing-is-expanded literal
check nothing-is-run no_command
check bad-line bad_line
check bad-name bad_name
check last-line last_line
check exit-code exit_code
check arguments-stay arguments
