/// Kernels that assemble batches of images.
///
/// Images are handled sixteen at a time, in *lanes*: a block is `[positions][16]`, a 32-bit word for each position and
/// lane, which is what one row of a batch `[H][W][C][N]` takes from sixteen images. A *source map* gives the pixel that
/// each output position is taken from, row by row, or −1 for black. Bits are the same on every instruction set.
#ifndef SOWER_CKERNELS_IMAGES_H
#define SOWER_CKERNELS_IMAGES_H

#include <stddef.h>
#include <stdint.h>

/// pixels[position] = the bytes of planes[channels][positions], the first channel lowest; `channels` is 1 to 4.
void sower_pack_pixels(const uint8_t *planes, ptrdiff_t channels, ptrdiff_t positions, uint32_t *pixels);

/// The source map of rows first_row ..< first_row + rows of an image of side×side pixels, flipped left to right if
/// `flips` and then rotated: torchvision's affine grid, with cosine and sine divided by side / 2, and the nearest pixel,
/// ties to the even one. `side` is below 2¹⁵.
void sower_rotation_sources(ptrdiff_t side, ptrdiff_t first_row, ptrdiff_t rows, float cosine, float sine, int flips,
                            int32_t *sources);

/// The source map of the same rows of the image whose top left pixel is (top, left), either may be negative, flipped
/// left to right afterwards if `flips`.
void sower_crop_sources(ptrdiff_t side, ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t top, ptrdiff_t left, int flips,
                        int32_t *sources);

/// One lane of a block: lane[16·i] = pixels[stride·sources[i]], or pixels[stride·i] where `sources` is NULL. −1 reads
/// pixels[−stride], where the caller keeps a zero. Words, of any kind.
void sower_gather_lane(const void *pixels, ptrdiff_t stride, const int32_t *sources, ptrdiff_t positions, void *lane);

/// y[position·channels + c][n] = (byte / 255 − means[c]) / deviations[c] for the first `lanes` lanes of a block of packed
/// pixels; rows of y are n floats apart.
void sower_normalize_pixels(const uint32_t *block, ptrdiff_t positions, ptrdiff_t channels, const float *means,
                            const float *deviations, float *y, ptrdiff_t n, ptrdiff_t lanes);

/// y[position] = (value / 255 − mean) / deviation for the first `lanes` lanes of a block of floats; rows of y are
/// `row_stride` floats apart.
void sower_normalize_values(const float *block, ptrdiff_t positions, float mean, float deviation, float *y,
                            ptrdiff_t row_stride, ptrdiff_t lanes);

/// The weights of a resize in one direction: output i is Σ over t < taps of weights[i·taps + t] · input[first[i] + t].
typedef struct {
    const int32_t *first;
    const float *weights;
    ptrdiff_t taps, outputs;
} sower_resampling;

/// y[rows][outputs][16]: channel `channel` of the packed pixels x[rows][columns][16], resized along each row.
void sower_resample_columns(const uint32_t *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channel,
                            const sower_resampling *resampling, float *y);

/// y[rows][columns][16]: rows first_row ..< first_row + rows of x[…][columns][16] resized down its columns.
void sower_resample_rows(const float *x, ptrdiff_t columns, ptrdiff_t first_row, ptrdiff_t rows,
                         const sower_resampling *resampling, float *y);

/// x[r][i] = weight·x[r][i] + partner_weight·x[r][partners[i]] for each of the rows of n; `scratch` holds n floats.
void sower_mix_rows(float *x, ptrdiff_t rows, ptrdiff_t n, const int32_t *partners, float weight, float partner_weight,
                    float *scratch);

#endif
