// One body compiled for each level of SOWER_PRODUCT, which the caller chooses: tests compare them bit for bit.
#ifndef SOWER_LEVELS_H
#define SOWER_LEVELS_H

#include "vector.h"

// LEVELS(RESULT, NAME, PARAMETERS, ARGUMENTS) defines sower_NAME, whose first parameter is `level`, from NAME_body.
#define UNWRAP(...) __VA_ARGS__
#if defined(__x86_64__)
// Features rather than a processor: x86-64-v4 as one would prefer registers of half the width.
#define LEVELS(RESULT, NAME, PARAMETERS, ARGUMENTS)                                                                      \
    static RESULT NAME##_portable(UNWRAP PARAMETERS) { return NAME##_body ARGUMENTS; }                                   \
    __attribute__((target("avx2"))) static RESULT NAME##_avx2(UNWRAP PARAMETERS) { return NAME##_body ARGUMENTS; }       \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static RESULT NAME##_avx512(UNWRAP PARAMETERS) {       \
        return NAME##_body ARGUMENTS;                                                                                    \
    }                                                                                                                    \
    RESULT sower_##NAME(int level, UNWRAP PARAMETERS) {                                                                  \
        if (level == SOWER_PRODUCT_AVX512) return NAME##_avx512 ARGUMENTS;                                               \
        if (level == SOWER_PRODUCT_AVX2) return NAME##_avx2 ARGUMENTS;                                                   \
        return NAME##_portable ARGUMENTS;                                                                                \
    }
#else
#define LEVELS(RESULT, NAME, PARAMETERS, ARGUMENTS)                                                                      \
    RESULT sower_##NAME(int level, UNWRAP PARAMETERS) {                                                                  \
        (void)level;                                                                                                     \
        return NAME##_body ARGUMENTS;                                                                                    \
    }
#endif

#endif
