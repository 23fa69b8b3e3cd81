/// Elementwise kernels of the training engine.
///
/// Activations are `[H][W][C][N]`, batch innermost: a *position* is one (y, x) of a map, and holds a C×N matrix. N is
/// the number of images in this batch and may be anything from 1 up.
///
/// Every kernel is compiled once for each x86-64 instruction set level and the best is picked when the program is
/// loaded. They are written on explicit 16-lane vectors, without fused multiply-add and with a fixed order of
/// summation, so all copies (and other architectures) give the same bits; only BLAS differs between CPUs.
#ifndef SOWER_CKERNELS_H
#define SOWER_CKERNELS_H

#include "CKernelsClustering.h"
#include "CKernelsImages.h"
#include <stddef.h>
#include <stdint.h>

// MARK: Batch normalization (Ioffe & Szegedy 2015, arXiv:1502.03167), per channel over N and all positions.

/// shifts[C] = the mean of each of the C rows of x[C][N]; a value near the mean, so that sums about it lose nothing.
void sower_row_means(const float *x, ptrdiff_t channels, ptrdiff_t n, float *shifts);

/// sums[C] += Σ(x − shift), squares[C] += Σ(x − shift)² over the rows of one position x[C][N].
void sower_bn_accumulate(const float *x, ptrdiff_t channels, ptrdiff_t n, const float *shifts, double *sums,
                         double *squares);

/// y = x·scale + bias, then 0 where negative; y may be x. NaN stays NaN.
void sower_bn_relu(const float *x, const float *scale, const float *bias, float *y, ptrdiff_t positions,
                   ptrdiff_t channels, ptrdiff_t n);

/// y = relu(x·scale + bias + residual).
void sower_bn_add_relu(const float *x, const float *scale, const float *bias, const float *residual, float *y,
                       ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n);

/// y = relu(x·scale + bias + (residual·residual_scale + residual_bias)): a block whose shortcut has its own batch norm.
void sower_bn_add_bn_relu(const float *x, const float *scale, const float *bias, const float *residual,
                          const float *residual_scale, const float *residual_bias, float *y, ptrdiff_t positions,
                          ptrdiff_t channels, ptrdiff_t n);

/// First pass of the backward of relu(bn(x)): with g = dy where x·scale + bias > 0, else 0,
/// sums[C] += Σ g, products[C] += Σ g·(x − mean).
void sower_bn_relu_backward_reduce(const float *dy, const float *x, const float *scale, const float *bias,
                                   const float *means, double *sums, double *products, ptrdiff_t positions,
                                   ptrdiff_t channels, ptrdiff_t n);

/// Second pass of the same: dx = a·g + b·(x − mean) + c, coefficients per channel; dx may be dy.
void sower_bn_relu_backward_apply(const float *dy, const float *x, const float *scale, const float *bias,
                                  const float *means, const float *a, const float *b, const float *c, float *dx,
                                  ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n);

/// First pass of the backward of y = relu(bn(x) + residual): dy is masked in place where y is not positive, which makes
/// it the gradient of the residual too; the sums are taken of the masked gradient.
void sower_bn_add_relu_backward_reduce(float *dy, const float *y, const float *x, const float *means, double *sums,
                                       double *products, ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n);

/// sums[C] += Σ dy, products[C] += Σ dy·(x − mean), no activation in between.
void sower_bn_backward_reduce(const float *dy, const float *x, const float *means, double *sums, double *products,
                              ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n);

/// dx = a·dy + b·(x − mean) + c; dx may be dy.
void sower_bn_backward_apply(const float *dy, const float *x, const float *means, const float *a, const float *b,
                             const float *c, float *dx, ptrdiff_t positions, ptrdiff_t channels, ptrdiff_t n);

// MARK: Pooling

/// The geometry of a square pooling window over an H×W map.
typedef struct {
    ptrdiff_t height, width, out_height, out_width, kernel, stride, padding;
} sower_pool;

/// y = max over the window of x·scale + bias, then, if `with_relu`, 0 where negative; winners = the window tap
/// (ky·kernel + kx) that won, the first on a tie, as torch's max_pool2d.
///
/// Only channels first..<last are computed, so that threads can share a map.
void sower_max_pool(const float *x, const float *scale, const float *bias, int with_relu, float *y, uint8_t *winners,
                    const sower_pool *pool, ptrdiff_t channels, ptrdiff_t first, ptrdiff_t last, ptrdiff_t n);

/// dx = the gradient of x·scale + bias in the above; sums[C] += Σ dx, products[C] += Σ dx·(x − mean): the gradient of the
/// bias, and the first pass of a batch norm's backward, done while the rows are at hand. Channels as above.
void sower_max_pool_backward(const float *dy, const uint8_t *winners, const float *x, const float *scale,
                             const float *bias, const float *means, int with_relu, float *dx, double *sums,
                             double *products, const sower_pool *pool, ptrdiff_t channels, ptrdiff_t first,
                             ptrdiff_t last, ptrdiff_t n);

/// y[C·N] = the mean over positions of x.
void sower_average_pool(const float *x, float *y, ptrdiff_t positions, ptrdiff_t row);

/// dx = dy / positions at every position.
void sower_average_pool_backward(const float *dy, float *dx, ptrdiff_t positions, ptrdiff_t row);

// MARK: ReLU and dropout

/// x = 0 where negative; NaN stays NaN.
void sower_relu(float *x, ptrdiff_t count);

/// d = factor·d where y is positive, else 0, in place, for `channels` rows of N; sums[C] += Σ d.
void sower_relu_backward(float *d, const float *y, float factor, double *sums, ptrdiff_t channels, ptrdiff_t n);

/// x = 2·x where the element's bit (bit i % 32 of word i / 32) is set, else 0.
void sower_drop_half(float *x, const uint32_t *bits, ptrdiff_t count);

/// y += factor·x.
void sower_add_scaled(const float *x, float factor, float *y, ptrdiff_t count);

// MARK: Linear

/// y[O][N] = bias[O] in every column.
void sower_fill_rows(const float *bias, float *y, ptrdiff_t rows, ptrdiff_t n);

/// sums[O] = Σ over N of each row of x.
void sower_row_sums(const float *x, float *sums, ptrdiff_t rows, ptrdiff_t n);

// MARK: Loss

/// Softmax cross-entropy of logits[classes][N]: returns the sum over the batch and, unless gradient is NULL, writes
/// (softmax − one-hot)·gradient_scale to it. `scratch` holds 2·N floats.
///
/// With second labels (NULL for none) the target is share·one-hot(label) + (1 − share)·one-hot(second label), as in
/// mixup (Zhang et al. 2018, arXiv:1710.09412).
double sower_cross_entropy(const float *logits, const int32_t *labels, const int32_t *second_labels, float share,
                           ptrdiff_t classes, ptrdiff_t n, float *gradient, float gradient_scale, float *scratch);

/// The number of images whose label is among their `top` largest logits; the lower class wins a tie.
ptrdiff_t sower_count_correct(const float *logits, const int32_t *labels, ptrdiff_t classes, ptrdiff_t n,
                              ptrdiff_t top);

// MARK: Update

/// torch.optim.SGD (dampening 0): d = g + weight_decay·w; v = momentum·v + d; w −= learning_rate·v, or, if `nesterov`,
/// w −= learning_rate·(d + momentum·v).
void sower_sgd_update(float *w, const float *g, float *v, ptrdiff_t count, float learning_rate, float momentum,
                      float weight_decay, int nesterov);

// MARK: Layout

/// y[H·W][C][N] from x[N][C][H·W].
void sower_nchw_to_hwcn(const float *x, float *y, ptrdiff_t n, ptrdiff_t channels, ptrdiff_t positions);

/// x[N][C][H·W] from y[H·W][C][N].
void sower_hwcn_to_nchw(const float *y, float *x, ptrdiff_t n, ptrdiff_t channels, ptrdiff_t positions);

/// y[columns][rows] from x[rows][columns].
void sower_transpose(const float *x, float *y, ptrdiff_t rows, ptrdiff_t columns);

// MARK: Products

/// A·B with `length` terms, one of several that add up: A element (row, k) at a[row·a_row + k·a_column], B's row k at
/// b + k·b_stride.
typedef struct {
    const float *a, *b;
    ptrdiff_t length;
} sower_segment;

/// What sower_product can be asked for; each element is the same chain of fused multiply-adds at either level.
enum { SOWER_PRODUCT_NONE, SOWER_PRODUCT_AVX2, SOWER_PRODUCT_AVX512 };

/// The best level of this CPU; at NONE sower_product must not be called.
int sower_product_level(void);

/// c[rows][columns] (rows c_stride apart) = Σ over segments of A·B, added to c if `accumulate`. Nothing is packed:
/// B is read where it lies, 32 columns at a time, and A one element at a time.
void sower_product(int level, const sower_segment *segments, ptrdiff_t count, ptrdiff_t a_row, ptrdiff_t a_column,
                   ptrdiff_t b_stride, float *c, ptrdiff_t c_stride, ptrdiff_t rows, ptrdiff_t columns,
                   int accumulate);

// MARK: CPU

/// The four registers of a CPUID leaf, and XCR0 (zero when the OS has not enabled XSAVE); all zero on other CPUs.
typedef struct {
    uint32_t eax, ebx, ecx, edx;
} sower_cpuid_registers;
sower_cpuid_registers sower_cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t sower_xcr0(void);

#endif
