#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "ini.h"

int main(void) {
    char out[32];
    assert(ini_value("name = value ; remark", out, sizeof out) == 5 && strcmp(out, "value") == 0);
    assert(ini_value("name = \"a ; b\"", out, sizeof out) == 5 && strcmp(out, "a ; b") == 0);
    assert(ini_value("no value here", out, sizeof out) == -1);
    puts("all tests passed");
    return 0;
}
