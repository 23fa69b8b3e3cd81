#include "vector.h"

// One (output position, channel) row: the largest tap so far and which it was. The first tap wins a tie; a NaN wins
// over everything, as in torch.
SOWER_INLINE void take_larger(v16 z, int32_t tap, v16 *best, i16 *winner) {
    const i16 better = (z > *best) | (z != z);
    *best = choose(better, z, *best);
    *winner = (better & tap) | (~better & *winner);
}

SOWER_INLINE void pool_vector(const float *x, ptrdiff_t count, v16 s, v16 b, int with_relu, const ptrdiff_t *offsets,
                              const uint8_t *taps, ptrdiff_t live, float *y, uint8_t *winners) {
    v16 best = {0};
    i16 winner = {0};
    for (ptrdiff_t t = 0; t < live; t++) {
        v16 v = count == LANES ? load(x + offsets[t]) : load_part(x + offsets[t], count);
        v16 z = v * s + b;
        if (t == 0) {
            best = z;
            winner = winner + taps[0];
        } else {
            take_larger(z, taps[t], &best, &winner);
        }
    }
    const b16 small = __builtin_convertvector(winner, b16);
    if (with_relu) best = relu(best);
    if (count == LANES) {
        store(y, best);
        *(b16_unaligned *)winners = small;
    } else {
        store_part(y, best, count);
        memcpy(winners, &small, (size_t)count);
    }
}

enum { MAXIMUM_TAPS = 64 };

SOWER_CLONES
void sower_max_pool(const float *x, const float *scale, const float *bias, int with_relu, float *y, uint8_t *winners,
                    const sower_pool *pool, ptrdiff_t channels, ptrdiff_t first, ptrdiff_t last, ptrdiff_t n) {
    const ptrdiff_t row = channels * n;
    ptrdiff_t offsets[MAXIMUM_TAPS];
    uint8_t taps[MAXIMUM_TAPS];
    for (ptrdiff_t oy = 0; oy < pool->out_height; oy++)
        for (ptrdiff_t ox = 0; ox < pool->out_width; ox++) {
            ptrdiff_t live = 0;
            for (ptrdiff_t ky = 0; ky < pool->kernel; ky++)
                for (ptrdiff_t kx = 0; kx < pool->kernel; kx++) {
                    ptrdiff_t iy = oy * pool->stride - pool->padding + ky, ix = ox * pool->stride - pool->padding + kx;
                    if (iy < 0 || iy >= pool->height || ix < 0 || ix >= pool->width) continue;
                    offsets[live] = (iy * pool->width + ix) * row;
                    taps[live++] = (uint8_t)(ky * pool->kernel + kx);
                }
            for (ptrdiff_t c = first; c < last; c++) {
                const v16 s = splat(scale[c]), b = splat(bias[c]);
                const ptrdiff_t in = c * n, out = (oy * pool->out_width + ox) * row + c * n;
                ptrdiff_t i = 0;
                for (; i + LANES <= n; i += LANES)
                    pool_vector(x + in + i, LANES, s, b, with_relu, offsets, taps, live, y + out + i, winners + out + i);
                if (i < n)
                    pool_vector(x + in + i, n - i, s, b, with_relu, offsets, taps, live, y + out + i, winners + out + i);
            }
        }
}

SOWER_INLINE v16 unpool_vector(const float *dy, const uint8_t *winners, ptrdiff_t count, const ptrdiff_t *offsets,
                               const uint8_t *taps, ptrdiff_t windows) {
    v16 sum = {0};
    for (ptrdiff_t w = 0; w < windows; w++) {
        b16 small = {0};
        v16 g;
        if (count == LANES) {
            small = *(const b16_unaligned *)(winners + offsets[w]);
            g = load(dy + offsets[w]);
        } else {
            memcpy(&small, winners + offsets[w], (size_t)count);
            g = load_part(dy + offsets[w], count);
        }
        sum += keep(g, __builtin_convertvector(small, i16) == (int32_t)taps[w]);
    }
    return sum;
}

SOWER_CLONES
void sower_max_pool_backward(const float *dy, const uint8_t *winners, const float *x, const float *scale,
                             const float *bias, const float *means, int with_relu, float *dx, double *sums,
                             double *products, const sower_pool *pool, ptrdiff_t channels, ptrdiff_t first,
                             ptrdiff_t last, ptrdiff_t n) {
    const ptrdiff_t row = channels * n;
    ptrdiff_t offsets[MAXIMUM_TAPS];
    uint8_t taps[MAXIMUM_TAPS];
    for (ptrdiff_t iy = 0; iy < pool->height; iy++)
        for (ptrdiff_t ix = 0; ix < pool->width; ix++) {
            // The windows this position lies in, and which tap of each it is.
            ptrdiff_t windows = 0;
            for (ptrdiff_t ky = pool->kernel - 1; ky >= 0; ky--)
                for (ptrdiff_t kx = pool->kernel - 1; kx >= 0; kx--) {
                    const ptrdiff_t sy = iy + pool->padding - ky, sx = ix + pool->padding - kx;
                    if (sy < 0 || sx < 0 || sy % pool->stride || sx % pool->stride) continue;
                    const ptrdiff_t oy = sy / pool->stride, ox = sx / pool->stride;
                    if (oy >= pool->out_height || ox >= pool->out_width) continue;
                    offsets[windows] = (oy * pool->out_width + ox) * row;
                    taps[windows++] = (uint8_t)(ky * pool->kernel + kx);
                }
            const ptrdiff_t here = (iy * pool->width + ix) * row;
            for (ptrdiff_t c = first; c < last; c++) {
                const float *xc = x + here + c * n;
                float *dxc = dx + here + c * n;
                const v16 s = splat(scale[c]), b = splat(bias[c]), m = splat(means[c]);
                v16 sum = {0}, product = {0};
                ptrdiff_t i = 0;
                for (; i + LANES <= n; i += LANES) {
                    v16 g = unpool_vector(dy + c * n + i, winners + c * n + i, LANES, offsets, taps, windows);
                    v16 v = load(xc + i);
                    if (with_relu) g = keep(g, positive(v * s + b));
                    store(dxc + i, g);
                    sum += g;
                    product += g * (v - m);
                }
                if (i < n) {
                    v16 g = unpool_vector(dy + c * n + i, winners + c * n + i, n - i, offsets, taps, windows);
                    v16 v = load_part(xc + i, n - i);
                    if (with_relu) g = keep(g, positive(v * s + b));
                    store_part(dxc + i, g, n - i);
                    sum += g;
                    product += g * (v - m);
                }
                sums[c] += total(sum);
                products[c] += total(product);
            }
        }
}

SOWER_CLONES
void sower_average_pool(const float *x, float *y, ptrdiff_t positions, ptrdiff_t row) {
    const float factor = 1.0f / (float)positions;
    for (ptrdiff_t i = 0; i < row; i++) y[i] = x[i];
    for (ptrdiff_t p = 1; p < positions; p++)
        for (ptrdiff_t i = 0; i < row; i++) y[i] += x[p * row + i];
    for (ptrdiff_t i = 0; i < row; i++) y[i] *= factor;
}

SOWER_CLONES
void sower_average_pool_backward(const float *dy, float *dx, ptrdiff_t positions, ptrdiff_t row) {
    const float factor = 1.0f / (float)positions;
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t i = 0; i < row; i++) dx[p * row + i] = dy[i] * factor;
}
