#include <stdio.h>
#include <string.h>
#include "base64.h"

static void check(const char *name, int good) { printf("%s %s\n", good ? "ok" : "not ok", name); fflush(stdout); }

static int same(const char *plain, const char *wanted) {
    char out[64];
    size_t length = base64_encode((const unsigned char *)plain, strlen(plain), out);
    return length == strlen(wanted) && strcmp(out, wanted) == 0;
}

static int value(char digit) {
    if (digit >= 'A' && digit <= 'Z') return digit - 'A';
    if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9') return digit - '0' + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

static int round_trips(int length) {
    for (int first = 0; first < 256; first++) {
        unsigned char data[4] = {(unsigned char)first, (unsigned char)(255 - first), (unsigned char)(first * 7), 9};
        char out[16];
        memset(out, 'x', sizeof out);
        if (base64_encode(data, (size_t)length, out) != (size_t)(4 * ((length + 2) / 3))) return 0;
        for (int index = 0; index < length; index++) {
            int group = index / 3 * 4, place = index % 3;
            int high = value(out[group + place]), low = value(out[group + place + 1]);
            int byte = (high << (2 + 2 * place) | low >> (4 - 2 * place)) & 0xff;
            if (high < 0 || low < 0 || byte != data[index]) return 0;
        }
        if (out[4 * ((length + 2) / 3) + 1] != 'x') return 0;
    }
    return 1;
}

int main(void) {
    check("vectors", same("", "") && same("f", "Zg==") && same("foob", "Zm9vYg==") && same("foobar", "Zm9vYmFy"));
    check("two-bytes", same("fo", "Zm8="));
    check("five-bytes", same("hello", "aGVsbG8="));
    check("length-one", round_trips(1));
    check("length-two", round_trips(2));
    check("length-three", round_trips(3));
    check("length-four", round_trips(4));
    return 0;
}
