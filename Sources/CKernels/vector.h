// The 16-lane vectors all kernels are written on, and the attribute that compiles a kernel for each instruction set.
#ifndef SOWER_VECTOR_H
#define SOWER_VECTOR_H

#include "CKernels.h"
#include <string.h>

// Vectors wider than the baseline registers are passed only between inlined functions, so their ABI does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

#if defined(__x86_64__)
#define SOWER_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define SOWER_CLONES
#endif
#define SOWER_INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };
typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef uint8_t b16 __attribute__((vector_size(16)));
typedef float v16_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint8_t b16_unaligned __attribute__((vector_size(16), aligned(1), may_alias));

SOWER_INLINE v16 load(const float *p) { return *(const v16_unaligned *)p; }
SOWER_INLINE void store(float *p, v16 v) { *(v16_unaligned *)p = v; }
SOWER_INLINE v16 splat(float x) { return (v16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

// The last, partial vector of a row: lanes past `count` read as zero and are not written.
SOWER_INLINE v16 load_part(const float *p, ptrdiff_t count) {
    v16 v = {0};
    memcpy(&v, p, (size_t)count * sizeof(float));
    return v;
}
SOWER_INLINE void store_part(float *p, v16 v, ptrdiff_t count) { memcpy(p, &v, (size_t)count * sizeof(float)); }

SOWER_INLINE i16 lanes_below(ptrdiff_t count) {
    const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return lane < (int32_t)count;
}

SOWER_INLINE v16 keep(v16 v, i16 mask) { return (v16)((i16)v & mask); }
SOWER_INLINE v16 choose(i16 mask, v16 yes, v16 no) { return (v16)(((i16)yes & mask) | ((i16)no & ~mask)); }

// Not "> 0": a NaN must pass, so that a diverged network shows in its loss.
SOWER_INLINE i16 positive(v16 v) { return ~(v <= splat(0)); }
SOWER_INLINE v16 relu(v16 v) { return keep(v, positive(v)); }

// Halves are added until one lane is left: the same order on every instruction set.
SOWER_INLINE float total(v16 v) {
    typedef float v8 __attribute__((vector_size(32)));
    typedef float v4 __attribute__((vector_size(16)));
    v8 a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
           __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    v4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
    return (b[0] + b[2]) + (b[1] + b[3]);
}

#endif
