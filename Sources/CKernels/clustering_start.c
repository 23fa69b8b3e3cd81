#include "levels.h"
#include <math.h>

typedef double d8 __attribute__((vector_size(64)));
typedef int64_t l8 __attribute__((vector_size(64)));
typedef float v8 __attribute__((vector_size(32)));
typedef double d8_unaligned __attribute__((vector_size(64), aligned(8), may_alias));
typedef float v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

SOWER_INLINE void kmeans_moments_body(const float *points, ptrdiff_t count, ptrdiff_t d, const float *origin, double *sums,
                                      double *squares) {
    // A few points at a time, so that they are still in cache for the next coordinates.
    enum { TOGETHER = 256 };
    for (ptrdiff_t start = 0; start < count; start += TOGETHER) {
        const float *block = points + start * d;
        const ptrdiff_t n = count - start < TOGETHER ? count - start : TOGETHER;
        ptrdiff_t axis = 0;
        for (; axis + 8 <= d; axis += 8) {
            const d8 o = __builtin_convertvector(*(const v8_unaligned *)(origin + axis), d8);
            d8 sum = *(const d8_unaligned *)(sums + axis), square = {0};
            if (squares) square = *(const d8_unaligned *)(squares + axis);
            for (ptrdiff_t i = 0; i < n; i++) {
                const d8 x = __builtin_convertvector(*(const v8_unaligned *)(block + i * d + axis), d8) - o;
                sum += x;
                square += x * x;
            }
            *(d8_unaligned *)(sums + axis) = sum;
            if (squares) *(d8_unaligned *)(squares + axis) = square;
        }
        for (; axis < d; axis++) {
            double sum = sums[axis], square = squares ? squares[axis] : 0;
            for (ptrdiff_t i = 0; i < n; i++) {
                const double x = (double)block[i * d + axis] - (double)origin[axis];
                sum += x;
                square += x * x;
            }
            sums[axis] = sum;
            if (squares) squares[axis] = square;
        }
    }
}
LEVELS(void, kmeans_moments,
       (const float *points, ptrdiff_t count, ptrdiff_t d, const float *origin, double *sums, double *squares),
       (points, count, d, origin, sums, squares))

SOWER_INLINE int all_finite_body(const float *x, ptrdiff_t count) {
    // Everything from the bits of infinity up, without the sign, is not a finite number.
    const i16 magnitude = (i16){0} + 0x7FFFFFFF;
    i16 bad = {0};
    ptrdiff_t i = 0;
    for (; i + LANES <= count; i += LANES) bad |= ((i16)load(x + i) & magnitude) >= 0x7F800000;
    bad |= ((i16)load_part(x + i, count - i) & magnitude) >= 0x7F800000;
    return __builtin_reduce_or(bad) == 0;
}
LEVELS(int, all_finite, (const float *x, ptrdiff_t count), (x, count))

void sower_kmeans_blocks(const float *points, ptrdiff_t count, ptrdiff_t d, float *y) {
    for (ptrdiff_t start = 0; start < count; start += LANES, y += d * LANES) {
        for (ptrdiff_t lane = 0; lane < LANES; lane++)
            for (ptrdiff_t axis = 0; axis < d; axis++)
                y[axis * LANES + lane] = start + lane < count ? points[(start + lane) * d + axis] : 0;
    }
}

// The least of `old` and the squared distances of a block's points to `centre`.
SOWER_INLINE v16 lowered(const float *block, ptrdiff_t d, const float *centre, v16 old) {
    v16 square;
    for (ptrdiff_t axis = 0; axis < d; axis++) {
        const v16 difference = load(block + axis * LANES) - splat(centre[axis]);
        square = axis == 0 ? difference * difference : square + difference * difference;
    }
    return choose(old < square, old, square);
}

SOWER_INLINE void add_in_order(const double (*values)[LANES], ptrdiff_t lanes, ptrdiff_t trials, double *sums) {
    // A chain for each trial: they do not wait for each other.
    double chains[SOWER_KMEANS_TRIALS];
    for (ptrdiff_t t = 0; t < trials; t++) chains[t] = sums[t];
    for (ptrdiff_t lane = 0; lane < lanes; lane++)
        for (ptrdiff_t t = 0; t < trials; t++) chains[t] += values[t][lane];
    for (ptrdiff_t t = 0; t < trials; t++) sums[t] = chains[t];
}

SOWER_INLINE void try(const float *blocks, ptrdiff_t count, ptrdiff_t d, const float *nearest, const float *candidates,
                      ptrdiff_t trials, double *sums) {
    double values[SOWER_KMEANS_TRIALS][LANES];
    for (ptrdiff_t t = 0; t < trials; t++) sums[t] = 0;
    for (ptrdiff_t start = 0; start < count; start += LANES, blocks += d * LANES) {
        const ptrdiff_t lanes = count - start < LANES ? count - start : LANES;
        const v16 old = lanes == LANES ? load(nearest + start) : load_part(nearest + start, lanes);
        for (ptrdiff_t t = 0; t < trials; t++) {
            float squares[LANES];
            store(squares, lowered(blocks, d, candidates + t * d, old));
            for (ptrdiff_t lane = 0; lane < LANES; lane++) values[t][lane] = (double)squares[lane];
        }
        add_in_order(values, lanes == LANES ? LANES : lanes, trials, sums);
    }
}

SOWER_INLINE void try_some(const float *blocks, ptrdiff_t count, ptrdiff_t d, const float *nearest, const float *candidates,
                           ptrdiff_t trials, double *sums) {
    switch (trials) {
    case 1: try(blocks, count, d, nearest, candidates, 1, sums); break;
    case 2: try(blocks, count, d, nearest, candidates, 2, sums); break;
    case 3: try(blocks, count, d, nearest, candidates, 3, sums); break;
    case 4: try(blocks, count, d, nearest, candidates, 4, sums); break;
    case 5: try(blocks, count, d, nearest, candidates, 5, sums); break;
    default: try(blocks, count, d, nearest, candidates, trials, sums); break;
    }
}

SOWER_INLINE void kmeans_try_body(const float *blocks, ptrdiff_t count, ptrdiff_t d, const float *nearest,
                                  const float *candidates, ptrdiff_t trials, double *sums) {
    if (d == 9) try_some(blocks, count, 9, nearest, candidates, trials, sums);
    else try(blocks, count, d, nearest, candidates, trials, sums);
}
LEVELS(void, kmeans_try,
       (const float *blocks, ptrdiff_t count, ptrdiff_t d, const float *nearest, const float *candidates,
        ptrdiff_t trials, double *sums),
       (blocks, count, d, nearest, candidates, trials, sums))

SOWER_INLINE void kmeans_lower_body(const float *blocks, ptrdiff_t count, ptrdiff_t d, const float *centre, float *nearest) {
    for (ptrdiff_t start = 0; start < count; start += LANES, blocks += d * LANES) {
        const ptrdiff_t lanes = count - start;
        if (lanes >= LANES) store(nearest + start, lowered(blocks, d, centre, load(nearest + start)));
        else store_part(nearest + start, lowered(blocks, d, centre, load_part(nearest + start, lanes)), lanes);
    }
}
LEVELS(void, kmeans_lower, (const float *blocks, ptrdiff_t count, ptrdiff_t d, const float *centre, float *nearest),
       (blocks, count, d, centre, nearest))

SOWER_INLINE void kmeans_draw_body(const float *weights, ptrdiff_t count, const double *rests, ptrdiff_t trials,
                                   ptrdiff_t *points) {
    d8 rest = {0};
    memcpy(&rest, rests, (size_t)trials * sizeof(double));
    // Weights are not negative, so what is below zero stays there: the steps before are counted.
    l8 steps = {0};
    for (ptrdiff_t i = 0; i < count; i++) {
        rest -= (d8){0} + (double)weights[i];
        steps -= ~(rest < 0);
    }
    for (ptrdiff_t t = 0; t < trials; t++) points[t] = steps[t];
}
LEVELS(void, kmeans_draw,
       (const float *weights, ptrdiff_t count, const double *rests, ptrdiff_t trials, ptrdiff_t *points),
       (weights, count, rests, trials, points))
