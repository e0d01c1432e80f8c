#include <assert.h>
#include <stdio.h>
#include "bitset.h"

int main(void) {
    bitset set;
    bitset_clear(&set);
    assert(bitset_next(&set, 0) == BITSET_BITS);
    bitset_add(&set, 3);
    bitset_add(&set, 200);
    assert(bitset_next(&set, 0) == 3);
    assert(bitset_next(&set, 3) == 3);
    assert(bitset_next(&set, 4) == 200);
    puts("all tests passed");
    return 0;
}
