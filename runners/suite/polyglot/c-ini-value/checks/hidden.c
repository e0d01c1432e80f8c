#include <stdio.h>
#include <string.h>
#include "ini.h"

static void check(const char *name, int good) { printf("%s %s\n", good ? "ok" : "not ok", name); fflush(stdout); }

static int gives(const char *line, const char *wanted) {
    char out[64];
    memset(out, 'x', sizeof out);
    return ini_value(line, out, sizeof out) == (long)strlen(wanted) && strcmp(out, wanted) == 0;
}

static int fails(const char *line, long code, size_t size) {
    char out[64];
    memset(out, 'x', sizeof out);
    if (ini_value(line, out, size) != code) return 0;
    if (size > 0 && out[0] != 0) return 0;
    for (size_t index = size; index < sizeof out; index++)
        if (out[index] != 'x') return 0;
    return 1;
}

int main(void) {
    char out[8];
    check("plain", gives("a=b", "b") && gives("a =  b c\t", "b c") && gives("a=b\r\n", "b"));
    check("remarks", gives("a = b ; c", "b") && gives("a = b#c", "b") && gives("a=;c", "") && gives("a=", ""));
    check("quoted", gives("a = \"b ; c # d\"", "b ; c # d") && gives("a=\" b \"  ; c", " b ") && gives("a=\"\"", ""));
    check("escapes", gives("a=\"\\\"b\\\\\"", "\"b\\") && gives("a=\"b\\n\"", "b\\n"));
    check("equals-in-value", gives("a=b=c", "b=c") && gives("a = \"=\"", "="));
    check("quote-in-the-middle", gives("a = b\"c\"", "b\"c\""));
    check("no-value", fails("a", -1, 64) && fails("", -1, 64));
    check("open-quote", fails("a=\"b", -2, 64) && fails("a=\"b\\\"", -2, 64) && fails("a=\"b\" c", -2, 64));
    check("too-small", fails("a=abcdef", -3, 6) && fails("a=\"abcdef\"", -3, 6) && fails("a=", -3, 0) && fails("a=b", -3, 1));
    check("exact-fit", ini_value("a=abcdefg", out, 8) == 7 && strcmp(out, "abcdefg") == 0);
    return 0;
}
