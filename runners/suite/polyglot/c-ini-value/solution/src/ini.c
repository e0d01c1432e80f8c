#include "ini.h"

#include <string.h>

static int is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static long failed(char *out, size_t size, long code) {
    if (size > 0) out[0] = '\0';
    return code;
}

static long quoted(const char *text, char *out, size_t size) {
    size_t length = 0;
    while (*text != '"') {
        if (text[0] == '\\' && (text[1] == '"' || text[1] == '\\')) text++;
        if (*text == '\0') return failed(out, size, -2);
        if (length + 1 < size) out[length] = *text;
        length++;
        text++;
    }
    text++;
    while (is_space(*text)) text++;
    if (*text != '\0' && *text != ';' && *text != '#') return failed(out, size, -2);
    if (length + 1 > size) return failed(out, size, -3);
    out[length] = '\0';
    return (long)length;
}

long ini_value(const char *line, char *out, size_t size) {
    const char *text = strchr(line, '=');
    if (text == NULL) return failed(out, size, -1);
    text++;
    while (is_space(*text)) text++;
    if (*text == '"') return quoted(text + 1, out, size);
    size_t length = strcspn(text, ";#");
    while (length > 0 && is_space(text[length - 1])) length--;
    if (length + 1 > size) return failed(out, size, -3);
    memcpy(out, text, length);
    out[length] = '\0';
    return (long)length;
}
