#include "bitset.h"

void bitset_clear(bitset *set) {
    for (size_t word = 0; word < BITSET_WORDS; word++) set->words[word] = 0;
}

void bitset_add(bitset *set, size_t bit) {
    set->words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static size_t lowest(uint64_t word) {
    size_t bit = 0;
    while (!(word & 1)) {
        word >>= 1;
        bit++;
    }
    return bit;
}

size_t bitset_next(const bitset *set, size_t from) {
    if (from >= BITSET_BITS) return BITSET_BITS;
    size_t place = from / 64;
    uint64_t word = set->words[place] & (UINT64_MAX << (from % 64));
    while (word == 0) {
        if (++place == BITSET_WORDS) return BITSET_BITS;
        word = set->words[place];
    }
    return 64 * place + lowest(word);
}
