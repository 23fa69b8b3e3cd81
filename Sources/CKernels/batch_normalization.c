#include "vector.h"

// Each row is summed in float lanes (N terms at most) and added to a double per channel, so the error does not grow
// with the number of positions.

SOWER_CLONES
void sower_row_means(const float *x, ptrdiff_t channels, ptrdiff_t n, float *shifts) {
    for (ptrdiff_t c = 0; c < channels; c++) {
        const float *row = x + c * n;
        v16 sum = {0};
        ptrdiff_t i = 0;
        for (; i + LANES <= n; i += LANES) sum += load(row + i);
        if (i < n) sum += load_part(row + i, n - i);
        shifts[c] = total(sum) / (float)n;
    }
}

SOWER_CLONES
void sower_bn_accumulate(const float *x, ptrdiff_t channels, ptrdiff_t n, const float *shifts, double *sums,
                         double *squares) {
    for (ptrdiff_t c = 0; c < channels; c++) {
        const float *row = x + c * n;
        const v16 shift = splat(shifts[c]);
        v16 sum = {0}, square = {0};
        ptrdiff_t i = 0;
        for (; i + LANES <= n; i += LANES) {
            v16 d = load(row + i) - shift;
            sum += d;
            square += d * d;
        }
        if (i < n) {
            v16 d = keep(load_part(row + i, n - i) - shift, lanes_below(n - i));
            sum += d;
            square += d * d;
        }
        sums[c] += total(sum);
        squares[c] += total(square);
    }
}

SOWER_CLONES
void sower_bn_relu(const float *x, const float *scale, const float *bias, float *y, ptrdiff_t positions,
                   ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t c = 0; c < channels; c++, x += n, y += n) {
            const v16 s = splat(scale[c]), b = splat(bias[c]);
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES) store(y + i, relu(load(x + i) * s + b));
            if (i < n) store_part(y + i, relu(load_part(x + i, n - i) * s + b), n - i);
        }
}

SOWER_CLONES
void sower_bn_add_relu(const float *x, const float *scale, const float *bias, const float *residual, float *y,
                       ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t c = 0; c < channels; c++, x += n, y += n, residual += n) {
            const v16 s = splat(scale[c]), b = splat(bias[c]);
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES) store(y + i, relu((load(x + i) * s + b) + load(residual + i)));
            if (i < n) {
                v16 r = load_part(residual + i, n - i);
                store_part(y + i, relu((load_part(x + i, n - i) * s + b) + r), n - i);
            }
        }
}

SOWER_CLONES
void sower_bn_add_bn_relu(const float *x, const float *scale, const float *bias, const float *residual,
                          const float *residual_scale, const float *residual_bias, float *y, ptrdiff_t positions,
                          ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t c = 0; c < channels; c++, x += n, y += n, residual += n) {
            const v16 s = splat(scale[c]), b = splat(bias[c]);
            const v16 rs = splat(residual_scale[c]), rb = splat(residual_bias[c]);
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES)
                store(y + i, relu((load(x + i) * s + b) + (load(residual + i) * rs + rb)));
            if (i < n) {
                v16 r = load_part(residual + i, n - i) * rs + rb;
                store_part(y + i, relu((load_part(x + i, n - i) * s + b) + r), n - i);
            }
        }
}

SOWER_CLONES
void sower_bn_relu_backward_reduce(const float *dy, const float *x, const float *scale, const float *bias,
                                   const float *means, double *sums, double *products, ptrdiff_t positions,
                                   ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t c = 0; c < channels; c++, x += n, dy += n) {
            const v16 s = splat(scale[c]), b = splat(bias[c]), m = splat(means[c]);
            v16 sum = {0}, product = {0};
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES) {
                v16 v = load(x + i), g = keep(load(dy + i), positive(v * s + b));
                sum += g;
                product += g * (v - m);
            }
            if (i < n) {
                v16 v = load_part(x + i, n - i), g = keep(load_part(dy + i, n - i), positive(v * s + b));
                sum += g;
                product += g * (v - m);
            }
            sums[c] += total(sum);
            products[c] += total(product);
        }
}

SOWER_CLONES
void sower_bn_relu_backward_apply(const float *dy, const float *x, const float *scale, const float *bias,
                                  const float *means, const float *a, const float *b, const float *c, float *dx,
                                  ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t k = 0; k < channels; k++, x += n, dy += n, dx += n) {
            const v16 s = splat(scale[k]), o = splat(bias[k]), m = splat(means[k]);
            const v16 va = splat(a[k]), vb = splat(b[k]), vc = splat(c[k]);
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES) {
                v16 v = load(x + i), g = keep(load(dy + i), positive(v * s + o));
                store(dx + i, va * g + (vb * (v - m) + vc));
            }
            if (i < n) {
                v16 v = load_part(x + i, n - i), g = keep(load_part(dy + i, n - i), positive(v * s + o));
                store_part(dx + i, va * g + (vb * (v - m) + vc), n - i);
            }
        }
}

SOWER_CLONES
void sower_bn_add_relu_backward_reduce(float *dy, const float *y, const float *x, const float *means, double *sums,
                                       double *products, ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t c = 0; c < channels; c++, x += n, y += n, dy += n) {
            const v16 m = splat(means[c]);
            v16 sum = {0}, product = {0};
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES) {
                v16 g = keep(load(dy + i), positive(load(y + i)));
                store(dy + i, g);
                sum += g;
                product += g * (load(x + i) - m);
            }
            if (i < n) {
                v16 g = keep(load_part(dy + i, n - i), positive(load_part(y + i, n - i)));
                store_part(dy + i, g, n - i);
                sum += g;
                product += g * (load_part(x + i, n - i) - m);
            }
            sums[c] += total(sum);
            products[c] += total(product);
        }
}

SOWER_CLONES
void sower_bn_backward_reduce(const float *dy, const float *x, const float *means, double *sums, double *products,
                              ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t c = 0; c < channels; c++, x += n, dy += n) {
            const v16 m = splat(means[c]);
            v16 sum = {0}, product = {0};
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES) {
                v16 g = load(dy + i);
                sum += g;
                product += g * (load(x + i) - m);
            }
            if (i < n) {
                v16 g = load_part(dy + i, n - i);
                sum += g;
                product += g * (load_part(x + i, n - i) - m);
            }
            sums[c] += total(sum);
            products[c] += total(product);
        }
}

SOWER_CLONES
void sower_bn_backward_apply(const float *dy, const float *x, const float *means, const float *a, const float *b,
                             const float *c, float *dx, ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n) {
    for (ptrdiff_t p = 0; p < positions; p++)
        for (ptrdiff_t k = 0; k < channels; k++, x += n, dy += n, dx += n) {
            const v16 m = splat(means[k]), va = splat(a[k]), vb = splat(b[k]), vc = splat(c[k]);
            ptrdiff_t i = 0;
            for (; i + LANES <= n; i += LANES)
                store(dx + i, va * load(dy + i) + (vb * (load(x + i) - m) + vc));
            if (i < n) {
                v16 g = load_part(dy + i, n - i), v = load_part(x + i, n - i);
                store_part(dx + i, va * g + (vb * (v - m) + vc), n - i);
            }
        }
}
