#include <stdio.h>
#include "bitset.h"

static void check(const char *name, int good) { printf("%s %s\n", good ? "ok" : "not ok", name); fflush(stdout); }

static int all_pairs(void) {
    for (size_t bit = 0; bit < BITSET_BITS; bit++) {
        bitset set;
        bitset_clear(&set);
        bitset_add(&set, bit);
        for (size_t from = 0; from < BITSET_BITS; from++) {
            if (bitset_next(&set, from) != (from <= bit ? bit : BITSET_BITS)) return 0;
        }
    }
    return 1;
}

static int walk(void) {
    bitset set;
    size_t count = 0, sum = 0;
    bitset_clear(&set);
    for (size_t bit = 0; bit < BITSET_BITS; bit += 5) bitset_add(&set, bit);
    for (size_t bit = bitset_next(&set, 0); bit < BITSET_BITS && count < 1000; bit = bitset_next(&set, bit + 1)) {
        sum += bit;
        count++;
    }
    return count == 103 && sum == 5 * 102 * 103 / 2;
}

int main(void) {
    bitset set;
    bitset_clear(&set);
    bitset_add(&set, 2);
    bitset_add(&set, 70);
    check("upper-half-of-a-word", bitset_next(&set, 40) == 70);
    check("word-boundary", bitset_next(&set, 64) == 70 && bitset_next(&set, 63) == 70);
    check("end", bitset_next(&set, 71) == BITSET_BITS && bitset_next(&set, BITSET_BITS + 7) == BITSET_BITS);
    check("all-pairs", all_pairs());
    check("walk", walk());
    return 0;
}
