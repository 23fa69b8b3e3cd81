#include "vector.h"

// Transposed in blocks of 16×16, so that both sides are read and written a cache line at a time.
enum { BLOCK = 16 };
SOWER_INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

SOWER_CLONES
void sower_nchw_to_hwcn(const float *x, float *y, ptrdiff_t n, ptrdiff_t channels, ptrdiff_t positions) {
    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t i0 = 0; i0 < n; i0 += BLOCK)
            for (ptrdiff_t p0 = 0; p0 < positions; p0 += BLOCK)
                for (ptrdiff_t p = p0; p < smaller(p0 + BLOCK, positions); p++)
                    for (ptrdiff_t i = i0; i < smaller(i0 + BLOCK, n); i++)
                        y[(p * channels + c) * n + i] = x[(i * channels + c) * positions + p];
}

SOWER_CLONES
void sower_hwcn_to_nchw(const float *y, float *x, ptrdiff_t n, ptrdiff_t channels, ptrdiff_t positions) {
    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t i0 = 0; i0 < n; i0 += BLOCK)
            for (ptrdiff_t p0 = 0; p0 < positions; p0 += BLOCK)
                for (ptrdiff_t i = i0; i < smaller(i0 + BLOCK, n); i++)
                    for (ptrdiff_t p = p0; p < smaller(p0 + BLOCK, positions); p++)
                        x[(i * channels + c) * positions + p] = y[(p * channels + c) * n + i];
}

// A 16×16 block in registers: four rounds, each exchanging half-blocks of 8, 4, 2 and 1 between pairs of rows.
#define EXCHANGE(R, LOW, HIGH)                                                                                         \
    _Pragma("unroll") for (int i = 0; i < 16; i++) if (!(i & R)) {                                                     \
        const v16 a = r[i], b = r[i + R];                                                                              \
        r[i] = __builtin_shufflevector(a, b, LOW);                                                                     \
        r[i + R] = __builtin_shufflevector(a, b, HIGH);                                                                \
    }

SOWER_INLINE void transpose_block(const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride) {
    v16 r[16];
#pragma unroll
    for (int i = 0; i < 16; i++) r[i] = load(x + i * x_stride);
#define LIST(...) __VA_ARGS__
#define LOW8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
    EXCHANGE(8, LIST(LOW8), LIST(HIGH8))
    EXCHANGE(4, LIST(LOW4), LIST(HIGH4))
    EXCHANGE(2, LIST(LOW2), LIST(HIGH2))
    EXCHANGE(1, LIST(LOW1), LIST(HIGH1))
#pragma unroll
    for (int i = 0; i < 16; i++) store(y + i * y_stride, r[i]);
}

SOWER_CLONES
void sower_transpose(const float *x, float *y, ptrdiff_t rows, ptrdiff_t columns) {
    const ptrdiff_t whole_rows = rows / BLOCK * BLOCK, whole_columns = columns / BLOCK * BLOCK;
    for (ptrdiff_t c = 0; c < whole_columns; c += BLOCK)
        for (ptrdiff_t r = 0; r < whole_rows; r += BLOCK)
            transpose_block(x + r * columns + c, columns, y + c * rows + r, rows);
    for (ptrdiff_t c = 0; c < columns; c++)
        for (ptrdiff_t r = c < whole_columns ? whole_rows : 0; r < rows; r++) y[c * rows + r] = x[r * columns + c];
}
