#include "ini.h"

#include <string.h>

long ini_value(const char *line, char *out, size_t size) {
    const char *equals = strchr(line, '=');
    if (equals == NULL) return -1;
    strncpy(out, equals + 1, size);
    return (long)strlen(out);
}
