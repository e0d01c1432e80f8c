#ifndef INI_H
#define INI_H
#include <stddef.h>

/* Takes the value out of `line` and writes it to `out` with a final NUL.
 * Returns the length of the value, or
 *   -1 where the line has no `=`,
 *   -2 where a quote is not closed, or something else than a remark follows it,
 *   -3 where the value and its NUL do not fit into `size` bytes.
 * After an error `out` holds an empty text, if size is at least 1. */
long ini_value(const char *line, char *out, size_t size);

#endif
