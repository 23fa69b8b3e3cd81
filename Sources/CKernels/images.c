#include "vector.h"

typedef uint32_t word __attribute__((may_alias));
typedef i16 i16_unaligned __attribute__((aligned(4), may_alias));

SOWER_INLINE i16 splat_int(int32_t x) { return (i16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

// MARK: Pixels

SOWER_CLONES
void sower_pack_pixels(const uint8_t *planes, ptrdiff_t channels, ptrdiff_t positions, uint32_t *pixels) {
    if (channels == 3) {
        for (ptrdiff_t i = 0; i < positions; i++)
            pixels[i] = planes[i] | (uint32_t)planes[positions + i] << 8 | (uint32_t)planes[2 * positions + i] << 16;
        return;
    }
    for (ptrdiff_t i = 0; i < positions; i++) pixels[i] = planes[i];
    for (ptrdiff_t c = 1; c < channels; c++)
        for (ptrdiff_t i = 0; i < positions; i++) pixels[i] |= (uint32_t)planes[c * positions + i] << 8 * c;
}

// MARK: Source maps

SOWER_INLINE void store_sources(int32_t *sources, i16 index, i16 inside, ptrdiff_t count) {
    const i16 result = (index & inside) | ~inside;
    if (count >= LANES)
        *(i16_unaligned *)sources = result;
    else
        memcpy(sources, &result, (size_t)count * sizeof(int32_t));
}

SOWER_INLINE i16 in_range(i16 v, int32_t side) { return (v >= 0) & (v < side); }

SOWER_CLONES
void sower_rotation_sources(ptrdiff_t side, ptrdiff_t first_row, ptrdiff_t rows, float cosine, float sine, int flips,
                            int32_t *sources) {
    const v16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const float length = (float)side, half = length * 0.5f;
    // Adding and subtracting 1.5·2²³ rounds to the nearest integer, ties to even.
    const float rounder = 12582912;
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float y = (float)(first_row + row) - half + 0.5f;
        for (ptrdiff_t column = 0; column < side; column += LANES) {
            const v16 x = (lane + (float)column) - half + 0.5f;
            const v16 source_x = ((x * cosine - y * sine + 1.0f) * length - 1.0f) * 0.5f;
            const v16 source_y = ((x * sine + y * cosine + 1.0f) * length - 1.0f) * 0.5f;
            const i16 nearest_x = __builtin_convertvector((source_x + rounder) - rounder, i16);
            const i16 nearest_y = __builtin_convertvector((source_y + rounder) - rounder, i16);
            const i16 mirrored = flips ? (int32_t)side - 1 - nearest_x : nearest_x;
            store_sources(sources + row * side + column, nearest_y * (int32_t)side + mirrored,
                          in_range(nearest_x, (int32_t)side) & in_range(nearest_y, (int32_t)side), side - column);
        }
    }
}

SOWER_CLONES
void sower_crop_sources(ptrdiff_t side, ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t top, ptrdiff_t left, int flips,
                        int32_t *sources) {
    const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (ptrdiff_t row = 0; row < rows; row++) {
        const int32_t source_y = (int32_t)(first_row + row + top);
        for (ptrdiff_t column = 0; column < side; column += LANES) {
            const i16 x = lane + (int32_t)column;
            const i16 source_x = (flips ? (int32_t)side - 1 - x : x) + (int32_t)left;
            store_sources(sources + row * side + column, source_y * (int32_t)side + source_x,
                          in_range(source_x, (int32_t)side) & in_range(splat_int(source_y), (int32_t)side), side - column);
        }
    }
}

// MARK: Blocks

// Baseline code on purpose: with AVX-512 the compiler would scatter, which is slower than sixteen stores.
void sower_gather_lane(const void *pixels, ptrdiff_t stride, const int32_t *sources, ptrdiff_t positions, void *lane) {
    const word *from = pixels;
    word *to = lane;
    if (sources && stride == 1)
        for (ptrdiff_t i = 0; i < positions; i++) to[i * LANES] = from[sources[i]];
    else if (sources)
        for (ptrdiff_t i = 0; i < positions; i++) to[i * LANES] = from[sources[i] * stride];
    else
        for (ptrdiff_t i = 0; i < positions; i++) to[i * LANES] = from[i * stride];
}

SOWER_INLINE v16 channel_value(const uint32_t *packed, ptrdiff_t channel) {
    const i16 pixels = *(const i16_unaligned *)packed;
    return __builtin_convertvector((pixels >> (int32_t)(8 * channel)) & 255, v16);
}

// Division by 255 and by the deviation, not products with their inverses: these are the bits of ToTensor and Normalize.
SOWER_INLINE void normalize(v16 value, float mean, float deviation, float *y, ptrdiff_t lanes) {
    const v16 result = (value / 255.0f - mean) / deviation;
    if (lanes == LANES)
        store(y, result);
    else
        store_part(y, result, lanes);
}

SOWER_CLONES
void sower_normalize_pixels(const uint32_t *block, ptrdiff_t positions, ptrdiff_t channels, const float *means,
                            const float *deviations, float *y, ptrdiff_t n, ptrdiff_t lanes) {
    for (ptrdiff_t i = 0; i < positions; i++)
        for (ptrdiff_t c = 0; c < channels; c++)
            normalize(channel_value(block + i * LANES, c), means[c], deviations[c], y + (i * channels + c) * n, lanes);
}

SOWER_CLONES
void sower_normalize_values(const float *block, ptrdiff_t positions, float mean, float deviation, float *y,
                            ptrdiff_t row_stride, ptrdiff_t lanes) {
    for (ptrdiff_t i = 0; i < positions; i++)
        normalize(load(block + i * LANES), mean, deviation, y + i * row_stride, lanes);
}

// MARK: Resizing

SOWER_CLONES
void sower_resample_columns(const uint32_t *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channel,
                            const sower_resampling *resampling, float *y) {
    for (ptrdiff_t row = 0; row < rows; row++)
        for (ptrdiff_t i = 0; i < resampling->outputs; i++) {
            const uint32_t *input = x + (row * columns + resampling->first[i]) * LANES;
            const float *weights = resampling->weights + i * resampling->taps;
            v16 sum = {0};
            for (ptrdiff_t t = 0; t < resampling->taps; t++)
                sum += weights[t] * channel_value(input + t * LANES, channel);
            store(y + (row * resampling->outputs + i) * LANES, sum);
        }
}

SOWER_CLONES
void sower_resample_rows(const float *x, ptrdiff_t columns, ptrdiff_t first_row, ptrdiff_t rows,
                         const sower_resampling *resampling, float *y) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float *input = x + resampling->first[first_row + row] * columns * LANES;
        const float *weights = resampling->weights + (first_row + row) * resampling->taps;
        for (ptrdiff_t i = 0; i < columns; i++) {
            v16 sum = {0};
            for (ptrdiff_t t = 0; t < resampling->taps; t++) sum += weights[t] * load(input + (t * columns + i) * LANES);
            store(y + (row * columns + i) * LANES, sum);
        }
    }
}

// MARK: Mixup

// A row is a few cache lines: gathered from a copy, 128 partners stay in the first-level cache.
SOWER_CLONES
void sower_mix_rows(float *x, ptrdiff_t rows, ptrdiff_t n, const int32_t *partners, float weight, float partner_weight,
                    float *scratch) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        float *values = x + row * n;
        memcpy(scratch, values, (size_t)n * sizeof(float));
        for (ptrdiff_t i = 0; i < n; i++) values[i] = weight * scratch[i] + partner_weight * scratch[partners[i]];
    }
}
