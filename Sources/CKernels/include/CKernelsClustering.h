/// Kernels of k-means (Sources/Initializers): Lloyd's iterations under Hamerly's bounds, greedy k-means++, and the transforms of
/// the Fourier distances.
///
/// Points are `[n][dimension]` in single precision. A squared distance is a chain of additions over the coordinates in
/// order, without fused multiply-add; sums over points are chains in the order of the points. So every level, and any
/// split of the points or clusters, gives the same bits. A level is one of sower_product's; NONE is portable.
#ifndef SOWER_CKERNELS_CLUSTERING_H
#define SOWER_CKERNELS_CLUSTERING_H

#include <stddef.h>
#include <stdint.h>

/// One pass over the points: what they are, where the centres are now, and what is known of each point.
typedef struct {
    const float *points;
    ptrdiff_t dimension, clusters;
    /// [clusters][dimension]
    const float *centres;
    /// Of each cluster four numbers: how much `upper` grows and `lower` shrinks for its points since the centres moved, how near
    /// its centre a point stays its own (half the distance to the next centre), and one that is not read.
    const float *looseness;
    /// Of each point: its cluster before the pass, and after it.
    const uint8_t *assignments;
    uint8_t *next;
    /// Bounds of the distance to the own centre, and to any other; infinity in `upper` says that nothing is known.
    float *upper, *lower;
} sower_kmeans_pass;

/// Assigns points first..<last to the nearest centre, the lower of equals; those whose bounds leave no doubt are not read.
/// `scratch` holds 16 × dimension floats.
void sower_kmeans_reassign(int level, const sower_kmeans_pass *pass, ptrdiff_t first, ptrdiff_t last, float *scratch);

/// Moves what points first..<last add to their clusters' sums [clusters][dimension] (rows `stride` apart) and counts from the
/// old assignments to the next ones, in the order of the points. Only clusters from..<to are touched, so that threads can
/// share them; there are at most 256. Returns how many points have changed, of whatever cluster.
ptrdiff_t sower_kmeans_transfer(int level, const sower_kmeans_pass *pass, ptrdiff_t first, ptrdiff_t last, ptrdiff_t from,
                                ptrdiff_t to, double *sums, ptrdiff_t stride, ptrdiff_t *counts);

/// squares[point − first] = the squared distance, in double precision, of each point to the centre it is assigned to.
void sower_kmeans_squares(int level, const sower_kmeans_pass *pass, ptrdiff_t first, ptrdiff_t last, double *squares);

/// sums[dimension] += Σ(x − origin), squares[dimension] += Σ(x − origin)² over the points, for each coordinate; squares may be
/// NULL.
void sower_kmeans_moments(int level, const float *points, ptrdiff_t count, ptrdiff_t dimension, const float *origin, double *sums,
                          double *squares);

/// Whether all of the numbers are finite.
int sower_all_finite(int level, const float *x, ptrdiff_t count);

/// y[n][area] = scale · x[n][area] · matrix[area][area], each sum a chain in double precision in the order of x, scaled and rounded at the end.
void sower_image_products(int level, const float *x, ptrdiff_t count, ptrdiff_t area, const double *matrix, double scale,
                          float *y);

/// The most candidates that are tried at once.
enum { SOWER_KMEANS_TRIALS = 8 };

/// y[n / 16, rounded up][dimension][16] from points[n][dimension]; zeros behind the last point.
void sower_kmeans_blocks(const float *points, ptrdiff_t count, ptrdiff_t dimension, float *y);

/// sums[trials] = Σ over the points, in order, of the least of `nearest` and the squared distance to each candidate
/// [trials][dimension]. Points in blocks as above.
void sower_kmeans_try(int level, const float *blocks, ptrdiff_t count, ptrdiff_t dimension, const float *nearest,
                      const float *candidates, ptrdiff_t trials, double *sums);

/// nearest[n] = the least of itself and the squared distance to `centre`.
void sower_kmeans_lower(int level, const float *blocks, ptrdiff_t count, ptrdiff_t dimension, const float *centre, float *nearest);

/// For each of the trials: the first point at which rest, less the weights up to there one after the other, is negative;
/// `count` if there is none.
void sower_kmeans_draw(int level, const float *weights, ptrdiff_t count, const double *rests, ptrdiff_t trials, ptrdiff_t *points);

#endif
