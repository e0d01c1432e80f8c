#ifndef BASE64_H
#define BASE64_H
#include <stddef.h>

/* Writes the base64 form of `data`, with padding and a final NUL, to `out`, which holds at least
 * 4 * ((length + 2) / 3) + 1 bytes. Returns the number of characters before the NUL. */
size_t base64_encode(const unsigned char *data, size_t length, char *out);

#endif
