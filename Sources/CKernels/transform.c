#include "levels.h"

typedef double d8 __attribute__((vector_size(64)));
typedef double d8_unaligned __attribute__((vector_size(64), aligned(8), may_alias));

SOWER_INLINE void products(const float *x, ptrdiff_t count, ptrdiff_t area, const double *matrix, double scale,
                           float *y) {
    for (; count > 0; count--, x += area, y += area) {
        ptrdiff_t element = 0;
        for (; element + 8 <= area; element += 8) {
            d8 sum = {0};
            for (ptrdiff_t position = 0; position < area; position++)
                sum += (double)x[position] * *(const d8_unaligned *)(matrix + position * area + element);
            for (ptrdiff_t lane = 0; lane < 8; lane++) y[element + lane] = (float)(sum[lane] * scale);
        }
        for (; element < area; element++) {
            double sum = 0;
            for (ptrdiff_t position = 0; position < area; position++) sum += (double)x[position] * matrix[position * area + element];
            y[element] = (float)(sum * scale);
        }
    }
}

SOWER_INLINE void image_products_body(const float *x, ptrdiff_t count, ptrdiff_t area, const double *matrix, double scale,
                                       float *y) {
    if (area == 9) products(x, count, 9, matrix, scale, y);
    else products(x, count, area, matrix, scale, y);
}
LEVELS(void, image_products,
       (const float *x, ptrdiff_t count, ptrdiff_t area, const double *matrix, double scale, float *y), (x, count, area, matrix, scale, y))
