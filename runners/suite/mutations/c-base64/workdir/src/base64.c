#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const unsigned char *data, size_t length, char *out) {
    char *start = out;
    while (length >= 3) {
        *out++ = digits[data[0] >> 2];
        *out++ = digits[(data[0] & 0x03) << 4 | data[1] >> 4];
        *out++ = digits[(data[1] & 0x0f) << 2 | data[2] >> 6];
        *out++ = digits[data[2] & 0x3f];
        data += 3;
        length -= 3;
    }
    if (length == 1) {
        *out++ = digits[data[0] >> 2];
        *out++ = digits[(data[0] & 0x03) << 4];
        *out++ = '=';
        *out++ = '=';
    } else if (length == 2) {
        *out++ = digits[data[0] >> 2];
        *out++ = digits[(data[0] & 0x03) << 4 | data[1] >> 4];
        *out++ = digits[(data[1] & 0x07) << 2];
        *out++ = '=';
    }
    *out = '\0';
    return (size_t)(out - start);
}
