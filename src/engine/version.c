/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* version.c - what this build is. */
#include "spiraltorch/context.h"

#ifndef ST_VERSION_TEXT
#define ST_VERSION_TEXT "0.1.0"
#endif
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *st_version(void) { return ST_VERSION_TEXT; }

const char *st_features(void) {
    return "threads: yes\n"
#if defined(__x86_64__)
           "kernels: portable, avx2, avx512\n"
#elif defined(__aarch64__)
           "kernels: portable, neon\n"
#else
           "kernels: portable\n"
#endif
#ifdef ST_JANSSON
           "jansson: " ST_JANSSON "\n"
#else
           "jansson: no\n"
#endif
#ifdef ST_WGPU
           "wgpu: wgpu-native " TEXT(ST_WGPU) "\n"
#else
           "wgpu: no\n"
#endif
           "cuda: no\n"
           "hip: no\n"
           "mps: no\n";
}
