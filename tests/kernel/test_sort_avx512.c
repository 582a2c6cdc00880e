/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_sort_avx512.c - sort_avx512.c: sort_cases.inc says what is checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/processor.h"

#if defined(__x86_64__)
#include "backends/cpu/sort_avx512.h"
#include "guard_pages.h"
#include "random_elements.h"

#define SORT_ISA ST_ISA_AVX512
#define SORT_CALL(operation) st_avx512_##operation
#define HALF ST_AVX512_SORT_HALF
#define WIDTH ST_AVX512_SORT_WIDTH
#include "sort_cases.inc"

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_zeros_and_ones),
                                       cmocka_unit_test(test_adversary)};
    st_processor processor;
    st_processor_detect(&processor);
    if (!(processor.isas & (1u << SORT_ISA))) {
        printf("skipped: this CPU, or this build, has no %s\n", st_isa_name(SORT_ISA));
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
#else
int main(void) {
    printf("skipped: %s is of another architecture\n", st_isa_name(ST_ISA_AVX512));
    return 0;
}
#endif
