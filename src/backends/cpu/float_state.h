/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * float_state.h - the caller's floating-point state, set aside where work begins on a thread, because kernels compare floats,
 * and estimate with them: with denormals taken for zero, another rounding, or traps, answers would not be the same everywhere.
 */
#ifndef ST_CPU_FLOAT_STATE_H
#define ST_CPU_FLOAT_STATE_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

/*
 * All traps off, rounding to nearest, denormals as they are: the state a process starts with. The flags beside it say what
 * was met on the way; they may be left raised, as by any arithmetic. Writing the register takes longer than looking.
 */
enum { ST_FLOAT_STATE = 0x1f80, ST_FLOAT_FLAGS = 0x3f };

static inline uint32_t st_float_begin(void) {
    const uint32_t before = _mm_getcsr();
    if ((before & ~(uint32_t)ST_FLOAT_FLAGS) != ST_FLOAT_STATE) _mm_setcsr(ST_FLOAT_STATE);
    return before;
}

static inline void st_float_end(uint32_t before) {
    if ((before & ~(uint32_t)ST_FLOAT_FLAGS) != ST_FLOAT_STATE) _mm_setcsr(before);
}
#else
/* Elsewhere kernels compare integers alone. */
static inline uint32_t st_float_begin(void) { return 0; }
static inline void st_float_end(uint32_t before) { (void)before; }
#endif

#endif
