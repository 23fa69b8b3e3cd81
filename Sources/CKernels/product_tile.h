// One register tile of a segmented matrix product; included once for each instruction set and number of rows, with
// VECTOR, VECTOR_UNALIGNED, VECTORS, LANES_WIDE, MASK, LOAD_MASKED, STORE_MASKED, TARGET, ROWS and NAME defined.
//
// ROWS·VECTORS accumulators stay in registers over all segments. Each element is one chain of fused multiply-adds in the
// order of the segments, so every instruction set gives the same bits.
TARGET static void NAME(const sower_segment *segments, ptrdiff_t count, ptrdiff_t first_row, ptrdiff_t first_column,
                        ptrdiff_t a_row, ptrdiff_t a_column, ptrdiff_t b_stride, float *c, ptrdiff_t c_stride,
                        ptrdiff_t columns, int accumulate) {
    VECTOR sum[ROWS][VECTORS];
    MASK mask[VECTORS];
    const int whole = columns >= VECTORS * LANES_WIDE;
    for (int v = 0; v < VECTORS; v++) mask[v] = MASK_BELOW(columns - v * LANES_WIDE);
#pragma unroll
    for (int m = 0; m < ROWS; m++)
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
            sum[m][v] = accumulate ? LOAD_MASKED(c + m * c_stride + v * LANES_WIDE, mask[v]) : (VECTOR){0};
#define STEP(LOAD_B)                                                                                                   \
    {                                                                                                                  \
        VECTOR row[VECTORS];                                                                                           \
        _Pragma("unroll") for (int v = 0; v < VECTORS; v++) row[v] = LOAD_B;                                           \
        _Pragma("unroll") for (int m = 0; m < ROWS; m++) {                                                             \
            const VECTOR factor = SPLAT(a[m * a_row]);                                                                 \
            _Pragma("unroll") for (int v = 0; v < VECTORS; v++) sum[m][v] =                                            \
                __builtin_elementwise_fma(factor, row[v], sum[m][v]);                                                  \
        }                                                                                                              \
        a += a_column;                                                                                                 \
        b += b_stride;                                                                                                 \
    }
    for (ptrdiff_t s = 0; s < count; s++) {
        const float *a = segments[s].a + first_row * a_row, *b = segments[s].b + first_column;
        const ptrdiff_t length = segments[s].length;
        if (whole) {
#pragma unroll 2
            for (ptrdiff_t k = 0; k < length; k++) STEP(*(const VECTOR_UNALIGNED *)(b + v * LANES_WIDE))
        } else {
            for (ptrdiff_t k = 0; k < length; k++) STEP(LOAD_MASKED(b + v * LANES_WIDE, mask[v]))
        }
    }
#undef STEP
#pragma unroll
    for (int m = 0; m < ROWS; m++)
#pragma unroll
        for (int v = 0; v < VECTORS; v++) STORE_MASKED(c + m * c_stride + v * LANES_WIDE, mask[v], sum[m][v]);
}
#undef ROWS
#undef NAME
