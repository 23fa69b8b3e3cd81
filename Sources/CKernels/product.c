#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

typedef float v16 __attribute__((vector_size(64)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v16_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef float v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

// AVX-512: 8 rows × 2 vectors of 16; remaining rows in tiles of 4, 2 and 1.
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define VECTOR v16
#define VECTOR_UNALIGNED v16_unaligned
#define VECTORS 2
#define LANES_WIDE 16
#define MASK __mmask16
#define MASK_BELOW(n) ((n) >= 16 ? (__mmask16)0xFFFF : (n) <= 0 ? (__mmask16)0 : (__mmask16)((1u << (n)) - 1))
#define LOAD_MASKED(p, m) ((v16)_mm512_maskz_loadu_ps(m, p))
#define STORE_MASKED(p, m, v) _mm512_mask_storeu_ps(p, m, (__m512)(v))
#define SPLAT(x) ((v16)_mm512_set1_ps(x))
#define ROWS 8
#define NAME tile512_8
#include "product_tile.h"
#define ROWS 4
#define NAME tile512_4
#include "product_tile.h"
#define ROWS 2
#define NAME tile512_2
#include "product_tile.h"
#define ROWS 1
#define NAME tile512_1
#include "product_tile.h"
// The same with one vector, for products of up to 16 columns (the weight gradients of 16-channel maps): twice the rows keep
// as many chains in flight.
#undef VECTORS
#define VECTORS 1
#define ROWS 16
#define NAME narrow512_16
#include "product_tile.h"
#define ROWS 8
#define NAME narrow512_8
#include "product_tile.h"
#define ROWS 4
#define NAME narrow512_4
#include "product_tile.h"
#define ROWS 1
#define NAME narrow512_1
#include "product_tile.h"
#undef VECTORS
#define VECTORS 2
#undef TARGET
#undef VECTOR
#undef VECTOR_UNALIGNED
#undef LANES_WIDE
#undef MASK
#undef MASK_BELOW
#undef LOAD_MASKED
#undef STORE_MASKED
#undef SPLAT

// AVX2: sixteen registers hold 6 rows × 2 vectors of 8 and the factors.
__attribute__((target("avx2"))) static inline __m256i mask_below(ptrdiff_t n) {
    const int limit = n > 8 ? 8 : n < 0 ? 0 : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(limit), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#define TARGET __attribute__((target("avx2,fma")))
#define VECTOR v8
#define VECTOR_UNALIGNED v8_unaligned
#define LANES_WIDE 8
#define MASK __m256i
#define MASK_BELOW(n) mask_below(n)
#define LOAD_MASKED(p, m) ((v8)_mm256_maskload_ps(p, m))
#define STORE_MASKED(p, m, v) _mm256_maskstore_ps(p, m, (__m256)(v))
#define SPLAT(x) ((v8)_mm256_set1_ps(x))
#define ROWS 6
#define NAME tile256_6
#include "product_tile.h"
#define ROWS 4
#define NAME tile256_4
#include "product_tile.h"
#define ROWS 2
#define NAME tile256_2
#include "product_tile.h"
#define ROWS 1
#define NAME tile256_1
#include "product_tile.h"

typedef void (*tile)(const sower_segment *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *,
                     ptrdiff_t, ptrdiff_t, int);
typedef struct {
    ptrdiff_t rows;
    tile run;
} sized_tile;

typedef struct {
    const sized_tile *tiles;
    ptrdiff_t block, a_row, a_column, b_stride, c_stride, rows, columns;
} plan;

static void run_tiles(const plan *p, const sower_segment *segments, ptrdiff_t count, float *c, int accumulate) {
    // The larger factor is walked once, the smaller again and again.
    const int rows_outside = p->rows > p->columns;
    const ptrdiff_t step = rows_outside ? p->columns : p->block;
    for (ptrdiff_t first = 0; first < p->columns; first += step) {
        const sized_tile *t = p->tiles;
        for (ptrdiff_t row = 0; row < p->rows; row += t->rows) {
            while (p->rows - row < t->rows) t++;
            for (ptrdiff_t column = first; column < first + step && column < p->columns; column += p->block)
                t->run(segments, count, row, column, p->a_row, p->a_column, p->b_stride,
                       c + row * p->c_stride + column, p->c_stride, p->columns - column, accumulate);
        }
    }
}

int sower_product_level(void) {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return SOWER_PRODUCT_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return SOWER_PRODUCT_AVX2;
    return SOWER_PRODUCT_NONE;
}

// Terms summed before a tile goes back to memory: the parts of both factors they touch stay in cache while every tile
// passes over them. A tile in memory is exact, so this does not change the result.
enum { TERMS_AT_ONCE = 512 };

void sower_product(int level, const sower_segment *segments, ptrdiff_t count, ptrdiff_t a_row, ptrdiff_t a_column,
                   ptrdiff_t b_stride, float *c, ptrdiff_t c_stride, ptrdiff_t rows, ptrdiff_t columns,
                   int accumulate) {
    static const sized_tile wide[] = {{8, tile512_8}, {4, tile512_4}, {2, tile512_2}, {1, tile512_1}};
    static const sized_tile narrow[] = {{16, narrow512_16}, {8, narrow512_8}, {4, narrow512_4}, {1, narrow512_1}};
    static const sized_tile half[] = {{6, tile256_6}, {4, tile256_4}, {2, tile256_2}, {1, tile256_1}};
    plan p = {half, 16, a_row, a_column, b_stride, c_stride, rows, columns};
    if (level == SOWER_PRODUCT_AVX512) {
        p.tiles = columns > 16 ? wide : narrow;
        p.block = columns > 16 ? 32 : 16;
    } else if (level != SOWER_PRODUCT_AVX2) {
        __builtin_trap();
    }
    for (ptrdiff_t first = 0; first < count;) {
        ptrdiff_t last = first, terms = 0;
        do terms += segments[last++].length;
        while (last < count && terms + segments[last].length <= TERMS_AT_ONCE);
        run_tiles(&p, segments + first, last - first, c, accumulate || first > 0);
        first = last;
    }
}
#else
int sower_product_level(void) { return SOWER_PRODUCT_NONE; }

void sower_product(int level, const sower_segment *segments, ptrdiff_t count, ptrdiff_t a_row, ptrdiff_t a_column,
                   ptrdiff_t b_stride, float *c, ptrdiff_t c_stride, ptrdiff_t rows, ptrdiff_t columns,
                   int accumulate) {
    (void)level, (void)segments, (void)count, (void)a_row, (void)a_column, (void)b_stride, (void)c, (void)c_stride;
    (void)rows, (void)columns, (void)accumulate;
    __builtin_trap();
}
#endif
