// Batches of 1 to 8 tokens times matrices and stacks of experts in Q4_0 and Q4_K, in ggml's buffers "CPU_REPACK", which
// interleave 8 rows. Each sum is that of ggml_gemv_q4_0_8x8_q8_0 or ggml_gemv_q4_K_8x8_q8_K (arch/x86/repack.cpp).
//
// ggml multiplies a stack of experts with one token after the other. Here the weights are read and unpacked once for
// all tokens that chose the same expert. The sums within a block are integers, so that their order does not matter;
// those of the blocks are added in the same order. Included by exact_batches.h, for ggml-cpu.c.
#if defined(GGML_USE_CPU_REPACK)
#define _USE_MATH_DEFINES  // as ggml-cpu.c does before the first header
#include <string.h>
#include "ggml-cpu.h"
#include "traits.h"

// Bytes of weights that are fetched in advance: the processor's own prefetching is too slow for these loops.
#define EXACT_AHEAD 9216

// block_q8_K of ggml-common.h, block_q4_0x8 and block_q4_Kx8 of repack.h
typedef struct { float d; int8_t qs[256]; int16_t sums[16]; } exact_q8_k;
typedef struct { uint16_t d[8]; uint8_t qs[128]; } exact_q4_0x8;
typedef struct { uint16_t d[8], dmin[8]; uint8_t scales[8][12], qs[4][256]; } exact_q4_kx8;

// Columns of the batch that are multiplied with the same matrix.
typedef struct {
    int count;
    const void * y[EXACT_COLUMNS];
    float * out[EXACT_COLUMNS];
    // For Q4_0: the scales of the columns' blocks, and the sums of their values times -8, where sums of products begin:
    // weights are -8 to 7, those unpacked 0 to 15.
    float d[EXACT_BLOCKS * EXACT_COLUMNS];
    int64_t start[EXACT_BLOCKS * EXACT_COLUMNS];
} exact_group;

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define EXACT_HALVES 1
#define EXACT_VECTOR(operation) _mm512_##operation
typedef __m512i exact_vector;  // 8 bytes of each of the 8 rows

static inline exact_vector exact_load(const uint8_t * x) {
    return _mm512_loadu_si512(x);
}

static inline exact_vector exact_repeat(int64_t value) {
    return _mm512_set1_epi64(value);
}

static inline exact_vector exact_low_bits(exact_vector x) {
    return _mm512_and_si512(x, _mm512_set1_epi8(15));
}

static inline exact_vector exact_flip(exact_vector x) {
    return _mm512_xor_si512(x, _mm512_set1_epi8((char) 0x88));
}

// A number of 8 bits for each row, in all 16 bits of it.
static inline exact_vector exact_spread(__m128i numbers, int half) {
    (void) half;
    const __m512i places = _mm512_set4_epi32(-0x7ff77ff8, -0x7ff77ff8, -0x7fff8000, -0x7fff8000);
    return _mm512_shuffle_epi8(_mm512_cvtepu8_epi64(numbers), places);
}

// Sums of the rows, in the order of exact_order.
static inline __m256i exact_row_sums(const exact_vector * sums) {
    return _mm512_cvtepi64_epi32(_mm512_add_epi32(sums[0], _mm512_srli_epi64(sums[0], 32)));
}

static inline __m256 exact_order(__m256 x) {
    return x;
}
#else
#define EXACT_HALVES 2
#define EXACT_VECTOR(operation) _mm256_##operation
typedef __m256i exact_vector;  // 8 bytes of each of 4 rows

static inline exact_vector exact_load(const uint8_t * x) {
    return _mm256_loadu_si256((const __m256i *) x);
}

static inline exact_vector exact_repeat(int64_t value) {
    return _mm256_set1_epi64x(value);
}

static inline exact_vector exact_low_bits(exact_vector x) {
    return _mm256_and_si256(x, _mm256_set1_epi8(15));
}

static inline exact_vector exact_flip(exact_vector x) {
    return _mm256_xor_si256(x, _mm256_set1_epi8((char) 0x88));
}

static inline exact_vector exact_spread(__m128i numbers, int half) {
    const __m256i places = _mm256_set_epi32(
        -0x7ff77ff8, -0x7ff77ff8, -0x7fff8000, -0x7fff8000, -0x7ff77ff8, -0x7ff77ff8, -0x7fff8000, -0x7fff8000);
    return _mm256_shuffle_epi8(_mm256_cvtepu8_epi64(half ? _mm_srli_si128(numbers, 4) : numbers), places);
}

static inline __m256i exact_row_sums(const exact_vector * sums) {
    return _mm256_hadd_epi32(sums[0], sums[1]);
}

static inline __m256 exact_order(__m256 x) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
#endif

// Products of 32 values in sums of 8, which fit 16 bits: 8 * 15 * 128.
static inline exact_vector exact_eighths(const exact_vector * w, const int8_t * y) {
    exact_vector sums = exact_repeat(0);
    for (int i = 0; i < 4; ++i) {
        int64_t values;
        memcpy(&values, y + 8 * i, 8);
        sums = EXACT_VECTOR(add_epi16)(sums, EXACT_VECTOR(maddubs_epi16)(w[i], exact_repeat(values)));
    }
    return sums;
}

// The same in sums of 16, added to `sums`.
static inline exact_vector exact_halves(const exact_vector * w, const int8_t * y, exact_vector sums) {
#if EXACT_HALVES == 1 && defined(__AVX512VNNI__)
    for (int i = 0; i < 4; ++i) {
        int64_t values;
        memcpy(&values, y + 8 * i, 8);
        sums = _mm512_dpbusd_epi32(sums, w[i], exact_repeat(values));
    }
    return sums;
#else
    return EXACT_VECTOR(add_epi32)(sums, EXACT_VECTOR(madd_epi16)(exact_eighths(w, y), EXACT_VECTOR(set1_epi16)(1)));
#endif
}

// Fetch lines of 64 bytes in advance.
static inline void exact_fetch(const void * x, int lines) {
    for (int line = 0; line < lines; ++line) {
        _mm_prefetch((const char *) x + EXACT_AHEAD + 64 * line, _MM_HINT_T0);
    }
}

// 8 rows of weights times `count` columns of the group; `row` is the first one.
static inline void exact_rows_q4_0(
        const exact_q4_0x8 * x, const exact_group * group, int64_t k, int count, int64_t row) {
    __m256 sums[EXACT_COLUMNS];
    for (int c = 0; c < count; ++c) {
        sums[c] = _mm256_setzero_ps();
    }
    for (int64_t i = 0; i < k; ++i) {
        exact_fetch(x + i, 3);
        exact_vector weights[EXACT_HALVES][4];
        for (int half = 0; half < EXACT_HALVES; ++half) {
            for (int j = 0; j < 2; ++j) {
                const exact_vector packed = exact_flip(exact_load(x[i].qs + 64 * j + 32 * half));
                weights[half][j] = exact_low_bits(packed);
                weights[half][j + 2] = exact_low_bits(EXACT_VECTOR(srli_epi16)(packed, 4));
            }
        }
        const __m256 scales = exact_order(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) x[i].d)));
        const float * d = group->d + i * EXACT_COLUMNS;
        const int64_t * start = group->start + i * EXACT_COLUMNS;
        for (int c = 0; c < count; ++c) {
            const int8_t * y = ((const exact_q8_0 *) group->y[c])[i].qs;
            exact_vector products[EXACT_HALVES];
            for (int half = 0; half < EXACT_HALVES; ++half) {
                products[half] = exact_halves(weights[half], y, exact_repeat(start[c]));
            }
            const __m256 both_scales = _mm256_mul_ps(scales, _mm256_set1_ps(d[c]));
            sums[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(exact_row_sums(products)), both_scales, sums[c]);
        }
    }
    for (int c = 0; c < count; ++c) {
        _mm256_storeu_ps(group->out[c] + row, exact_order(sums[c]));
    }
}

// Scales, or for `first` 4 the minima, of one sub-block in 8 rows, 6 bits each: the 2 upper ones of rows 4 to 7 are
// those of rows 0 to 3.
static inline __m128i exact_scales(const uint8_t * scales, int first) {
    uint32_t own, rest;
    memcpy(&own, scales + first, 4);
    memcpy(&rest, scales + 8, 4);
    const uint32_t upper = ((rest >> first) & 0x0f0f0f0f) | ((own >> 2) & 0x30303030);
    return _mm_set_epi32(0, 0, (int) upper, (int) (own & 0x3f3f3f3f));
}

static inline void exact_rows_q4_k(
        const exact_q4_kx8 * x, const exact_group * group, int64_t k, int count, int64_t row) {
    __m256 sums[EXACT_COLUMNS], minima[EXACT_COLUMNS];
    for (int c = 0; c < count; ++c) {
        sums[c] = minima[c] = _mm256_setzero_ps();
    }
    for (int64_t i = 0; i < k; ++i) {
        exact_vector products[EXACT_COLUMNS][EXACT_HALVES];
        __m256i offsets[EXACT_COLUMNS];
        for (int c = 0; c < count; ++c) {
            offsets[c] = _mm256_setzero_si256();
            for (int half = 0; half < EXACT_HALVES; ++half) {
                products[c][half] = exact_repeat(0);
            }
        }
        // Two sub-blocks of 32 values in each.
        for (int pair = 0; pair < 4; ++pair) {
            exact_fetch(x[i].qs[pair], 5);
            const uint8_t * first = x[i].scales[2 * pair], * second = x[i].scales[2 * pair + 1];
            const __m256i m = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(exact_scales(first, 4), exact_scales(second, 4)));
            for (int c = 0; c < count; ++c) {
                const int16_t * y = ((const exact_q8_k *) group->y[c])[i].sums + 4 * pair;
                const int32_t pair_sums = (int32_t) ((uint16_t) (y[0] + y[1]) | (uint32_t) (y[2] + y[3]) << 16);
                offsets[c] = _mm256_add_epi32(offsets[c], _mm256_madd_epi16(m, _mm256_set1_epi32(pair_sums)));
            }
            for (int half = 0; half < EXACT_HALVES; ++half) {
                exact_vector low[4], high[4];
                for (int j = 0; j < 4; ++j) {
                    const exact_vector packed = exact_load(x[i].qs[pair] + 64 * j + 32 * half);
                    low[j] = exact_low_bits(packed);
                    high[j] = exact_low_bits(EXACT_VECTOR(srli_epi16)(packed, 4));
                }
                const exact_vector s1 = exact_spread(exact_scales(first, 0), half);
                const exact_vector s2 = exact_spread(exact_scales(second, 0), half);
                for (int c = 0; c < count; ++c) {
                    const int8_t * y = ((const exact_q8_k *) group->y[c])[i].qs + 64 * pair;
                    const exact_vector a = EXACT_VECTOR(madd_epi16)(exact_eighths(low, y), s1);
                    const exact_vector b = EXACT_VECTOR(madd_epi16)(exact_eighths(high, y + 32), s2);
                    products[c][half] = EXACT_VECTOR(add_epi32)(products[c][half], EXACT_VECTOR(add_epi32)(a, b));
                }
            }
        }
        const __m256 d = exact_order(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) x[i].d)));
        const __m256 dmin = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) x[i].dmin));
        for (int c = 0; c < count; ++c) {
            const __m256 scale = _mm256_set1_ps(((const exact_q8_k *) group->y[c])[i].d);
            const __m256 p = _mm256_cvtepi32_ps(exact_row_sums(products[c])), o = _mm256_cvtepi32_ps(offsets[c]);
            sums[c] = _mm256_fmadd_ps(p, _mm256_mul_ps(d, scale), sums[c]);
            minima[c] = _mm256_fmadd_ps(o, _mm256_mul_ps(dmin, scale), minima[c]);
        }
    }
    for (int c = 0; c < count; ++c) {
        _mm256_storeu_ps(group->out[c] + row, _mm256_sub_ps(exact_order(sums[c]), minima[c]));
    }
}

static void exact_group_prepare(exact_group * group, int64_t k) {
    for (int c = 0; c < group->count; ++c) {
        for (int64_t i = 0; i < k; ++i) {
            const exact_q8_0 * y = (const exact_q8_0 *) group->y[c] + i;
            int sum = 0;
            for (int j = 0; j < 32; ++j) {
                sum += y->qs[j];
            }
            group->d[i * EXACT_COLUMNS + c] = exact_float(y->d);
            group->start[i * EXACT_COLUMNS + c] = (int64_t) (uint32_t) (-8 * sum);
        }
    }
}

// 8 rows of weights times the columns of the group. Constant numbers of columns are unrolled.
static void exact_group_rows(const void * x, bool is_k, const exact_group * group, int64_t k, int64_t row) {
#define EXACT_CASE(n) \
    case n: \
        if (is_k) { \
            exact_rows_q4_k((const exact_q4_kx8 *) x, group, k, n, row); \
        } else { \
            exact_rows_q4_0((const exact_q4_0x8 *) x, group, k, n, row); \
        } \
        break;
    switch (group->count) {
        EXACT_CASE(1)
        EXACT_CASE(2)
        EXACT_CASE(3)
        EXACT_CASE(4)
        EXACT_CASE(5)
        EXACT_CASE(6)
        EXACT_CASE(7)
        EXACT_CASE(8)
    }
}

// Whether the functions here compute this operation: MUL_MAT with a matrix, or MUL_MAT_ID with a stack of experts.
static bool exact_is_repacked(const struct ggml_tensor * op) {
    const bool is_stack = op->op == GGML_OP_MUL_MAT_ID;
    if (!is_stack && op->op != GGML_OP_MUL_MAT) {
        return false;
    }
    const struct ggml_tensor * weights = op->src[0], * values = op->src[1];
    const int64_t tokens = is_stack ? values->ne[2] : values->ne[1] * values->ne[2];
    return (weights->type == GGML_TYPE_Q4_0 || weights->type == GGML_TYPE_Q4_K)
        && values->type == GGML_TYPE_F32 && values->ne[3] == 1 && tokens <= EXACT_COLUMNS
        && weights->ne[0] <= 32 * EXACT_BLOCKS && weights->ne[1] % 8 == 0 && weights->ne[3] == 1
        && (is_stack || weights->ne[2] == 1) && weights->buffer
        && strcmp(ggml_backend_buft_name(ggml_backend_buffer_get_type(weights->buffer)), "CPU_REPACK") == 0;
}

// Arguments, result and size of the work buffer are those of ggml_cpu_extra_compute_forward.
static bool exact_compute_forward(struct ggml_compute_params * params, struct ggml_tensor * op) {
    if (!exact_is_repacked(op)) {
        return false;
    }
    const struct ggml_tensor * weights = op->src[0], * values = op->src[1], * ids = op->src[2];
    const bool is_k = weights->type == GGML_TYPE_Q4_K;
    const int64_t k = weights->ne[0] / (is_k ? 256 : 32), columns = values->ne[1] * values->ne[2];
    const size_t column_bytes = k * (is_k ? sizeof(exact_q8_k) : sizeof(exact_q8_0));
    const ggml_from_float_t quantise = ggml_get_type_traits_cpu(is_k ? GGML_TYPE_Q8_K : GGML_TYPE_Q8_0)->from_float;
    char * quantised = (char *) params->wdata;
    for (int64_t c = params->ith; c < columns; c += params->nth) {
        const int64_t offset = c % values->ne[1] * values->nb[1] + c / values->ne[1] * values->nb[2];
        quantise((const float *) ((const char *) values->data + offset), quantised + c * column_bytes, weights->ne[0]);
    }
    if (params->ith == 0) {
        ggml_threadpool_chunk_set(params->threadpool, params->nth);
    }
    ggml_barrier(params->threadpool);

    // Each thread takes one chunk of rows after the other. A matrix is a stack of one, which all columns choose.
    const int64_t choices = ids ? ids->ne[0] : values->ne[1], places = choices * (ids ? ids->ne[1] : values->ne[2]);
    const int64_t rows = weights->ne[1] / 8, chunks = rows < 4 * params->nth ? rows : 4 * params->nth;
    int64_t chunk = 0, next = params->ith;
    exact_group group;
    for (int64_t expert = 0; expert < weights->ne[2]; ++expert) {
        const char * x = (const char *) weights->data + expert * weights->nb[2];
        for (int64_t place = 0; place < places;) {
            group.count = 0;
            for (; place < places && group.count < EXACT_COLUMNS; ++place) {
                const int64_t choice = place % choices, token = place / choices;
                const char * id = ids ? (const char *) ids->data + choice * ids->nb[0] + token * ids->nb[1] : NULL;
                if (id == NULL || *(const int32_t *) id == expert) {
                    group.y[group.count] = quantised + (choice % values->ne[1] + token * values->ne[1]) * column_bytes;
                    group.out[group.count++] = (float *) ((char *) op->data + choice * op->nb[1] + token * op->nb[2]);
                }
            }
            bool is_prepared = false;
            for (const int64_t end = chunk + (group.count ? chunks : 0); chunk < end; ++chunk) {
                if (chunk != next) {
                    continue;
                }
                if (!is_prepared && !is_k) {
                    exact_group_prepare(&group, k);
                    is_prepared = true;
                }
                const int64_t part = chunks - (end - chunk);
                for (int64_t row = rows * part / chunks * 8; row < rows * (part + 1) / chunks * 8; row += 8) {
                    exact_group_rows(x + row * weights->nb[1], is_k, &group, k, row);
                }
                next = ggml_threadpool_chunk_add(params->threadpool, 1);
            }
        }
    }
    return true;
}

#define ggml_cpu_extra_compute_forward(params, op) \
    (exact_compute_forward(params, op) || ggml_cpu_extra_compute_forward(params, op))

// ggml's tiled kernels for K-quants add in another order than those for one column. Here they begin at 9 columns.
#include "tiled/tiled.h"
#define ggml_compute_forward_mul_mat_tiled(params, op) \
    ((op)->src[1]->ne[1] > EXACT_COLUMNS && ggml_compute_forward_mul_mat_tiled(params, op))
#define ggml_compute_forward_mul_mat_id_tiled(params, op, ...) \
    ((op)->src[1]->ne[2] > EXACT_COLUMNS && ggml_compute_forward_mul_mat_id_tiled(params, op, __VA_ARGS__))
#endif
