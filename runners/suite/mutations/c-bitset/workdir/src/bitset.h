#ifndef BITSET_H
#define BITSET_H
#include <stddef.h>
#include <stdint.h>

#define BITSET_WORDS 8
#define BITSET_BITS (64 * BITSET_WORDS)

typedef struct {
    uint64_t words[BITSET_WORDS];
} bitset;

void bitset_clear(bitset *set);
void bitset_add(bitset *set, size_t bit);

/* Returns the first set bit at or after `from`, BITSET_BITS where there is none. */
size_t bitset_next(const bitset *set, size_t from);

#endif
