#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base64.h"

static void same(const char *plain, const char *wanted) {
    char out[64];
    size_t length = base64_encode((const unsigned char *)plain, strlen(plain), out);
    assert(length == strlen(wanted) && strcmp(out, wanted) == 0);
}

int main(void) {
    same("", "");
    same("f", "Zg==");
    same("foo", "Zm9v");
    same("ab", "YWI=");
    puts("all tests passed");
    return 0;
}
