#include "levels.h"
#include <math.h>

enum { CHUNK = 1024, AHEAD = 32, SOON = 128 };

// Rounding must not make a bound wrong: what bounds from above is rounded up, and from below, down.
static const float UP = 1.00001f, DOWN = 0.99999f;

typedef float v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));
typedef float v4_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

SOWER_INLINE v16 square_root(v16 v) { return __builtin_elementwise_sqrt(v); }
// The old one where either is not a number.
SOWER_INLINE v16 lesser(v16 old, v16 candidate) { return choose(candidate < old, candidate, old); }

// tile[8][16] from the first eight numbers of sixteen rows.
SOWER_INLINE void transpose_eight(const float *const *rows, float *tile) {
    v16 r[8], s[8];
    for (int i = 0; i < 8; i++)
        r[i] = __builtin_shufflevector(*(const v8_unaligned *)rows[i], *(const v8_unaligned *)rows[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 8,
                                       9, 10, 11, 12, 13, 14, 15);
    // Pairs, fours and eights change places, in both halves alike.
    for (int i = 0; i < 8; i += 2) {
        s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
        s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    }
    for (int i = 0; i < 8; i += i % 4 == 1 ? 3 : 1) {
        r[i] = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
        r[i + 2] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
    for (int i = 0; i < 4; i++) {
        store(tile + i * LANES,
              __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27));
        store(tile + (i + 4) * LANES,
              __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31));
    }
}

// tile[d][16] from sixteen rows.
SOWER_INLINE void transpose(const float *const *rows, ptrdiff_t d, float *tile) {
    ptrdiff_t axis = 0;
    for (; axis + 8 <= d; axis += 8) {
        const float *parts[LANES];
        for (ptrdiff_t lane = 0; lane < LANES; lane++) parts[lane] = rows[lane] + axis;
        transpose_eight(parts, tile + axis * LANES);
    }
    for (; axis < d; axis++) {
        v16 v;
        for (ptrdiff_t lane = 0; lane < LANES; lane++) v[lane] = rows[lane][axis];
        store(tile + axis * LANES, v);
    }
}

// The three numbers of `looseness` [clusters][4] that belong to sixteen clusters.
SOWER_INLINE void look_up(const float *looseness, const uint8_t *clusters, v16 *rise, v16 *fall, v16 *separation) {
    typedef float v4 __attribute__((vector_size(16)));
    typedef float v8 __attribute__((vector_size(32)));
    v16 r[4];
    for (int i = 0; i < 4; i++) {
        v4 parts[4];
        for (int part = 0; part < 4; part++) parts[part] = *(const v4_unaligned *)(looseness + 4 * clusters[4 * part + i]);
        const v8 low = __builtin_shufflevector(parts[0], parts[1], 0, 1, 2, 3, 4, 5, 6, 7);
        const v8 high = __builtin_shufflevector(parts[2], parts[3], 0, 1, 2, 3, 4, 5, 6, 7);
        r[i] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    const v16 a = __builtin_shufflevector(r[0], r[1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const v16 b = __builtin_shufflevector(r[2], r[3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const v16 c = __builtin_shufflevector(r[0], r[1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const v16 d = __builtin_shufflevector(r[2], r[3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    *rise = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    *fall = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    *separation = __builtin_shufflevector(c, d, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
}

// Sixteen points: what is known of them, and what `upper` has to be below for a point to stay.
typedef struct {
    i16 cluster;
    v16 upper, lower, safe;
} known;

// Compares the points of a tile with every centre.
SOWER_INLINE known settle(const sower_kmeans_pass *p, ptrdiff_t d, const float *tile, known k) {
    v16 nearest = splat(INFINITY), second = nearest, own = nearest;
    i16 cluster = {0};
    const float *centre = p->centres;
    for (int32_t candidate = 0; candidate < p->clusters; candidate++, centre += d) {
        v16 square;
        for (ptrdiff_t axis = 0; axis < d; axis++) {
            const v16 difference = load(tile + axis * LANES) - splat(centre[axis]);
            square = axis == 0 ? difference * difference : square + difference * difference;
        }
        const i16 closer = square < nearest, number = (i16){0} + candidate;
        own = choose(k.cluster == number, square, own);
        second = choose(closer, nearest, lesser(second, square));
        nearest = choose(closer, square, nearest);
        cluster = (closer & number) | (~closer & cluster);
    }
    // Where the bounds, or else the distance to the own centre, say that a point stays, the others are as if they had not been
    // compared: often they are not, and no result may depend on whether they were.
    own = square_root(own) * UP;
    const i16 undoubted = k.upper < k.safe, stays = undoubted | ((k.upper < splat(INFINITY)) & (own < k.safe));
    k.cluster = (stays & k.cluster) | (~stays & cluster);
    k.upper = choose(undoubted, k.upper, choose(stays, own, square_root(nearest) * UP));
    k.lower = choose(stays, k.lower, square_root(second) * DOWN);
    return k;
}

SOWER_INLINE i16 bytes(const uint8_t *x) { return __builtin_convertvector(*(const b16_unaligned *)x, i16); }
SOWER_INLINE void store_bytes(uint8_t *x, i16 v) { *(b16_unaligned *)x = __builtin_convertvector(v, b16); }

// Up to CHUNK points, from `start` on; `streams` says that many of them are likely to be read. Returns whether many were.
SOWER_INLINE int reassign_chunk(const sower_kmeans_pass *p, ptrdiff_t d, ptrdiff_t start, ptrdiff_t count, int streams,
                                float *tile) {
    const float *points = p->points + start * d;
    uint8_t *next = p->next + start;
    float *upper = p->upper + start, *lower = p->lower + start;
    float safe[CHUNK];
    // Behind the last point there may be none: a copy of the last vector's part.
    uint8_t old[CHUNK] = {0};
    memcpy(old, p->assignments + start, (size_t)count);
    memcpy(next, old, (size_t)count);

    // Those whose bounds, after the centres moved, say that they stay are not read at all.
    // Neighbours are compared together when many of them are in doubt; the others wait until there are sixteen. (Measured: to
    // bring a point alone costs as much as to compare one of sixteen neighbours with 45 centres.)
    const ptrdiff_t many = LANES * (10 + p->clusters) / (55 + p->clusters);
    uint16_t list[CHUNK + LANES];
    ptrdiff_t doubts = 0, together = 0;
    for (ptrdiff_t i = 0; i < count; i += LANES) {
        const ptrdiff_t lanes = count - i;
        v16 rise, fall, separation;
        look_up(p->looseness, old + i, &rise, &fall, &separation);
        const v16 u = (lanes < LANES ? load_part(upper + i, lanes) : load(upper + i)) + rise;
        const v16 l = (lanes < LANES ? load_part(lower + i, lanes) : load(lower + i)) - fall;
        const v16 bound = choose(separation >= l, separation, l);
        if (lanes < LANES) {
            store_part(upper + i, u, lanes);
            store_part(lower + i, l, lanes);
        } else {
            store(upper + i, u);
            store(lower + i, l);
        }
        store(safe + i, bound);
        __builtin_prefetch(upper + i + 2 * SOON, 1);
        __builtin_prefetch(lower + i + 2 * SOON, 1);
        __builtin_prefetch(p->assignments + start + i + CHUNK);
        __builtin_prefetch(next + i + CHUNK, 1);
        // Where many points are read, some are passed over, which the hardware does not foresee. (Beyond the last nothing is read.)
        for (ptrdiff_t part = 0; streams && part < d; part++)
            __builtin_prefetch((const char *)(points + (i + SOON) * d) + 64 * part);
        const i16 stays = u < bound;
        if (__builtin_reduce_and(stays) != 0) continue;
        if (lanes >= LANES && LANES + __builtin_reduce_add(stays) >= many) {
            const float *rows[LANES];
            for (ptrdiff_t lane = 0; lane < LANES; lane++) rows[lane] = points + (i + lane) * d;
            transpose(rows, d, tile);
            const known k = settle(p, d, tile, (known){bytes(old + i), u, l, bound});
            store(upper + i, k.upper);
            store(lower + i, k.lower);
            store_bytes(next + i, k.cluster);
            together++;
            continue;
        }
        uint8_t doubtful[LANES];
        store_bytes(doubtful, stays + 1);
        for (ptrdiff_t lane = 0; lane < LANES && lane < lanes; lane++) {
            list[doubts] = (uint16_t)(i + lane);
            doubts += doubtful[lane];
        }
    }

    for (ptrdiff_t j = 0; j < doubts; j += LANES) {
        const ptrdiff_t lanes = doubts - j < LANES ? doubts - j : LANES;
        for (ptrdiff_t lane = lanes; lane < LANES; lane++) list[j + lane] = list[j];
        const float *rows[LANES];
        known k;
        for (ptrdiff_t lane = 0; lane < LANES; lane++) {
            const ptrdiff_t i = list[j + lane];
            rows[lane] = points + i * d;
            k.cluster[lane] = old[i];
            k.upper[lane] = upper[i];
            k.lower[lane] = lower[i];
            k.safe[lane] = safe[i];
        }
        // Too far apart for the hardware to foresee.
        for (ptrdiff_t ahead = j + AHEAD; ahead < j + AHEAD + LANES && ahead < doubts; ahead++) {
            __builtin_prefetch(points + list[ahead] * d);
            __builtin_prefetch(points + list[ahead] * d + d - 1);
        }
        transpose(rows, d, tile);
        k = settle(p, d, tile, k);
        float uppers[LANES], lowers[LANES];
        uint8_t clusters[LANES];
        store(uppers, k.upper);
        store(lowers, k.lower);
        store_bytes(clusters, k.cluster);
        for (ptrdiff_t lane = 0; lane < lanes; lane++) {
            const ptrdiff_t i = list[j + lane];
            upper[i] = uppers[lane];
            lower[i] = lowers[lane];
            next[i] = clusters[lane];
        }
    }
    return 4 * LANES * together >= count;
}

SOWER_INLINE void reassign(const sower_kmeans_pass *p, ptrdiff_t d, ptrdiff_t first, ptrdiff_t last, float *tile) {
    int streams = 1;
    for (ptrdiff_t start = first; start < last; start += CHUNK)
        streams = reassign_chunk(p, d, start, last - start < CHUNK ? last - start : CHUNK, streams, tile);
}

SOWER_INLINE void kmeans_reassign_body(const sower_kmeans_pass *p, ptrdiff_t first, ptrdiff_t last, float *scratch) {
    // 3×3 kernels are the usual points: known at compile time, their coordinates stay in registers.
    if (p->dimension == 9) {
        float tile[9 * LANES];
        reassign(p, 9, first, last, tile);
    } else {
        reassign(p, p->dimension, first, last, scratch);
    }
}
LEVELS(void, kmeans_reassign, (const sower_kmeans_pass *p, ptrdiff_t first, ptrdiff_t last, float *scratch),
       (p, first, last, scratch))

SOWER_INLINE ptrdiff_t transfer(const sower_kmeans_pass *p, ptrdiff_t d, ptrdiff_t first, ptrdiff_t last, ptrdiff_t from,
                                ptrdiff_t to, double *sums, ptrdiff_t stride, ptrdiff_t *counts) {
    // So many that a list of few changes is long enough to look ahead in.
    enum { MANY = 1 << 14 };
    // Not in `counts` itself: another thread may be writing its neighbours.
    ptrdiff_t gains[256] = {0}, changed = 0;
    for (ptrdiff_t start = first; start < last; start += MANY) {
        const ptrdiff_t count = last - start < MANY ? last - start : MANY;
        const uint8_t *old = p->assignments + start, *next = p->next + start;
        const float *points = p->points + start * d;
        uint16_t list[MANY + 1];
        ptrdiff_t changes = 0;
        for (ptrdiff_t i = 0; i < count; i += LANES) {
            if (count - i >= LANES) {
                const b16 differ = *(const b16_unaligned *)(old + i) ^ *(const b16_unaligned *)(next + i);
                if (__builtin_reduce_or(differ) == 0) continue;
            }
            const ptrdiff_t end = count - i >= LANES ? i + LANES : count;
            for (ptrdiff_t lane = i; lane < end; lane++) {
                list[changes] = (uint16_t)lane;
                changes += old[lane] != next[lane];
            }
        }
        for (ptrdiff_t j = 0; j < changes; j++) {
            const ptrdiff_t i = list[j], a = old[i], b = next[i];
            const float *point = points + i * d, *soon = points + list[j + AHEAD < changes ? j + AHEAD : changes - 1] * d;
            __builtin_prefetch(soon);
            __builtin_prefetch(soon + d - 1);
            if (from <= a && a < to) {
                for (ptrdiff_t axis = 0; axis < d; axis++) sums[a * stride + axis] -= (double)point[axis];
                gains[a]--;
            }
            if (from <= b && b < to) {
                for (ptrdiff_t axis = 0; axis < d; axis++) sums[b * stride + axis] += (double)point[axis];
                gains[b]++;
            }
        }
        changed += changes;
    }
    for (ptrdiff_t cluster = from; cluster < to; cluster++) counts[cluster] += gains[cluster];
    return changed;
}

SOWER_INLINE ptrdiff_t kmeans_transfer_body(const sower_kmeans_pass *p, ptrdiff_t first, ptrdiff_t last, ptrdiff_t from,
                                            ptrdiff_t to, double *sums, ptrdiff_t stride, ptrdiff_t *counts) {
    return p->dimension == 9 ? transfer(p, 9, first, last, from, to, sums, stride, counts)
                             : transfer(p, p->dimension, first, last, from, to, sums, stride, counts);
}
LEVELS(ptrdiff_t, kmeans_transfer,
       (const sower_kmeans_pass *p, ptrdiff_t first, ptrdiff_t last, ptrdiff_t from, ptrdiff_t to, double *sums,
        ptrdiff_t stride, ptrdiff_t *counts),
       (p, first, last, from, to, sums, stride, counts))

SOWER_INLINE void squares_to_centres(const sower_kmeans_pass *p, ptrdiff_t d, ptrdiff_t first, ptrdiff_t last, double *squares) {
    for (ptrdiff_t i = first; i < last; i++) {
        const float *point = p->points + i * d, *centre = p->centres + p->assignments[i] * d;
        double square = 0;
        for (ptrdiff_t axis = 0; axis < d; axis++) {
            const double difference = (double)point[axis] - (double)centre[axis];
            square += difference * difference;
        }
        squares[i - first] = square;
    }
}

SOWER_INLINE void kmeans_squares_body(const sower_kmeans_pass *p, ptrdiff_t first, ptrdiff_t last, double *squares) {
    if (p->dimension == 9) squares_to_centres(p, 9, first, last, squares);
    else squares_to_centres(p, p->dimension, first, last, squares);
}
LEVELS(void, kmeans_squares, (const sower_kmeans_pass *p, ptrdiff_t first, ptrdiff_t last, double *squares),
       (p, first, last, squares))
