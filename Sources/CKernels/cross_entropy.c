#include "vector.h"
#include <math.h>

double sower_cross_entropy(const float *logits, const int32_t *labels, ptrdiff_t classes, ptrdiff_t n, float *gradient,
                           float gradient_scale, float *scratch, ptrdiff_t *correct) {
    float *largest = scratch, *sum = scratch + n;
    ptrdiff_t right = 0;
    double loss = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t best = 0;
        for (ptrdiff_t k = 1; k < classes; k++)
            if (logits[k * n + i] > logits[best * n + i]) best = k;
        largest[i] = logits[best * n + i];
        right += best == labels[i];
        sum[i] = 0;
    }
    for (ptrdiff_t k = 0; k < classes; k++)
        for (ptrdiff_t i = 0; i < n; i++) {
            const float e = expf(logits[k * n + i] - largest[i]);
            sum[i] += e;
            if (gradient) gradient[k * n + i] = e;
        }
    for (ptrdiff_t i = 0; i < n; i++)
        loss += (double)logf(sum[i]) - (double)(logits[labels[i] * n + i] - largest[i]);
    if (gradient)
        for (ptrdiff_t k = 0; k < classes; k++)
            for (ptrdiff_t i = 0; i < n; i++) {
                const float probability = gradient[k * n + i] / sum[i];
                gradient[k * n + i] = (probability - (labels[i] == k ? 1.0f : 0.0f)) * gradient_scale;
            }
    *correct = right;
    return loss;
}
