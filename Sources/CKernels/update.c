#include "vector.h"

SOWER_CLONES
void sower_sgd_update(float *w, const float *g, float *v, ptrdiff_t count, float learning_rate, float momentum,
                      float weight_decay, int nesterov) {
    if (nesterov) {
        for (ptrdiff_t i = 0; i < count; i++) {
            const float d = g[i] + weight_decay * w[i], velocity = momentum * v[i] + d;
            v[i] = velocity;
            w[i] -= learning_rate * (d + momentum * velocity);
        }
    } else {
        for (ptrdiff_t i = 0; i < count; i++) {
            const float velocity = momentum * v[i] + (g[i] + weight_decay * w[i]);
            v[i] = velocity;
            w[i] -= learning_rate * velocity;
        }
    }
}

SOWER_CLONES
void sower_fill_rows(const float *bias, float *y, ptrdiff_t rows, ptrdiff_t n) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t i = 0; i < n; i++) y[r * n + i] = bias[r];
}

SOWER_CLONES
void sower_row_sums(const float *x, float *sums, ptrdiff_t rows, ptrdiff_t n) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        v16 sum = {0};
        ptrdiff_t i = 0;
        for (; i + LANES <= n; i += LANES) sum += load(x + r * n + i);
        if (i < n) sum += load_part(x + r * n + i, n - i);
        sums[r] = total(sum);
    }
}
