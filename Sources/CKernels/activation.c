#include "vector.h"

SOWER_CLONES
void sower_relu_backward(float *d, const float *y, float factor, double *sums, ptrdiff_t channels, ptrdiff_t n) {
    const v16 f = splat(factor);
    for (ptrdiff_t c = 0; c < channels; c++, d += n, y += n) {
        v16 sum = {0};
        ptrdiff_t i = 0;
        for (; i + LANES <= n; i += LANES) {
            const v16 g = keep(f * load(d + i), positive(load(y + i)));
            store(d + i, g);
            sum += g;
        }
        if (i < n) {
            const v16 g = keep(f * load_part(d + i, n - i), positive(load_part(y + i, n - i)));
            store_part(d + i, g, n - i);
            sum += g;
        }
        sums[c] += total(sum);
    }
}

SOWER_CLONES
void sower_drop_half(float *x, const uint32_t *bits, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) x[i] = (bits[i >> 5] >> (i & 31) & 1) ? 2 * x[i] : 0;
}

SOWER_CLONES
void sower_add_scaled(const float *x, float factor, float *y, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) y[i] += factor * x[i];
}

SOWER_CLONES
void sower_relu(float *x, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; i + LANES <= count; i += LANES) store(x + i, relu(load(x + i)));
    if (i < count) store_part(x + i, relu(load_part(x + i, count - i)), count - i);
}
