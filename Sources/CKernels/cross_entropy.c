#include "vector.h"
#include <math.h>

double sower_cross_entropy(const float *logits, const int32_t *labels, const int32_t *second_labels, float share,
                           ptrdiff_t classes, ptrdiff_t n, float *gradient, float gradient_scale, float *scratch) {
    float *largest = scratch, *sum = scratch + n;
    const float rest = 1.0f - share;
    double loss = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t best = 0;
        for (ptrdiff_t k = 1; k < classes; k++)
            if (logits[k * n + i] > logits[best * n + i]) best = k;
        largest[i] = logits[best * n + i];
        sum[i] = 0;
    }
    for (ptrdiff_t k = 0; k < classes; k++)
        for (ptrdiff_t i = 0; i < n; i++) {
            const float e = expf(logits[k * n + i] - largest[i]);
            sum[i] += e;
            if (gradient) gradient[k * n + i] = e;
        }
    for (ptrdiff_t i = 0; i < n; i++) {
        const double first = (double)(logits[labels[i] * n + i] - largest[i]);
        double target = first;
        if (second_labels)
            target = (double)share * first + (double)rest * (double)(logits[second_labels[i] * n + i] - largest[i]);
        loss += (double)logf(sum[i]) - target;
    }
    if (gradient)
        for (ptrdiff_t k = 0; k < classes; k++)
            for (ptrdiff_t i = 0; i < n; i++) {
                const float probability = gradient[k * n + i] / sum[i];
                float target = labels[i] == k ? 1.0f : 0.0f;
                if (second_labels) target = share * target + (second_labels[i] == k ? rest : 0.0f);
                gradient[k * n + i] = (probability - target) * gradient_scale;
            }
    return loss;
}

ptrdiff_t sower_count_correct(const float *logits, const int32_t *labels, ptrdiff_t classes, ptrdiff_t n,
                              ptrdiff_t top) {
    ptrdiff_t right = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float own = logits[labels[i] * n + i];
        ptrdiff_t before = 0;
        for (ptrdiff_t k = 0; k < classes; k++) {
            const float other = logits[k * n + i];
            before += other > own || (other == own && k < labels[i]);
        }
        right += before < top;
    }
    return right;
}
