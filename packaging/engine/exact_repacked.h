// Batches of 1 to 8 tokens times matrices and stacks of experts in Q4_0, in ggml's buffers "CPU_REPACK", which interleave
// 8 rows. Each sum is that of ggml_gemv_q4_0_8x8_q8_0 (arch/x86/repack.cpp).
//
// ggml multiplies a stack of experts with one token after the other. Here the weights are read and unpacked once for all
// tokens that chose the same expert. The sums within a block are integers, so that their order does not matter; those of
// the blocks are added in the same order. Included by exact_batches.h, for ggml-cpu.c.
#if defined(GGML_USE_CPU_REPACK)
#define _USE_MATH_DEFINES  // as ggml-cpu.c does before the first header
#include <string.h>
#include "ggml-cpu.h"
#include "traits.h"

// Blocks of 8 rows that are fetched in advance: the processor's own prefetching is too slow for these loops.
#define EXACT_AHEAD 64

typedef struct { uint16_t d[8]; uint8_t qs[128]; } exact_q4_0x8;

// Columns of the batch that are multiplied with the same matrix.
typedef struct {
    int count;
    const exact_q8_0 * y[EXACT_COLUMNS];
    float * out[EXACT_COLUMNS];
    float d[EXACT_BLOCKS * EXACT_COLUMNS];
    // The sum of a block's values times -8, where sums of products begin: weights are -8 to 7, those unpacked 0 to 15.
    int64_t start[EXACT_BLOCKS * EXACT_COLUMNS];
} exact_group;

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__) && defined(__AVX512VL__)
#define EXACT_PARTS 4
typedef __m512i exact_part;  // 8 bytes of each of the 8 rows

static inline void exact_unpack(const exact_q4_0x8 * x, exact_part * w) {
    const __m512i low = _mm512_set1_epi8(15), signs = _mm512_set1_epi8((char) 0x88);
    for (int i = 0; i < 2; ++i) {
        const __m512i packed = _mm512_xor_si512(_mm512_loadu_si512(x->qs + 64 * i), signs);
        w[i] = _mm512_and_si512(packed, low);
        w[i + 2] = _mm512_and_si512(_mm512_srli_epi16(packed, 4), low);
    }
}

// Integer sums of the 8 rows.
static inline __m256i exact_rows(const exact_part * w, const int8_t * y, int64_t start) {
    __m512i sums = _mm512_set1_epi64(start);
    for (int i = 0; i < 4; ++i) {
        int64_t values;
        memcpy(&values, y + 8 * i, 8);
        sums = _mm512_dpbusd_epi32(sums, w[i], _mm512_set1_epi64(values));
    }
    return _mm512_cvtepi64_epi32(_mm512_add_epi32(sums, _mm512_srli_epi64(sums, 32)));
}

static inline __m256 exact_order(__m256 x) {
    return x;
}
#else
#define EXACT_PARTS 8
typedef __m256i exact_part;  // 8 bytes of each of 4 rows

static inline void exact_unpack(const exact_q4_0x8 * x, exact_part * w) {
    const __m256i low = _mm256_set1_epi8(15), signs = _mm256_set1_epi8((char) 0x88);
    for (int i = 0; i < 4; ++i) {
        const __m256i packed = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *) x->qs + i), signs);
        w[i] = _mm256_and_si256(packed, low);
        w[i + 4] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), low);
    }
}

// Integer sums of rows 0, 1, 4, 5, 2, 3, 6 and 7.
static inline __m256i exact_rows(const exact_part * w, const int8_t * y, int64_t start) {
    // At most 4 times 2 * 15 * 127: the 16 bits suffice.
    __m256i first = _mm256_setzero_si256(), second = first;
    for (int i = 0; i < 4; ++i) {
        int64_t bytes;
        memcpy(&bytes, y + 8 * i, 8);
        const __m256i values = _mm256_set1_epi64x(bytes);
        first = _mm256_add_epi16(first, _mm256_maddubs_epi16(w[2 * i], values));
        second = _mm256_add_epi16(second, _mm256_maddubs_epi16(w[2 * i + 1], values));
    }
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i sums = _mm256_hadd_epi32(_mm256_madd_epi16(first, ones), _mm256_madd_epi16(second, ones));
    return _mm256_add_epi32(sums, _mm256_set1_epi32((int) start));
}

static inline __m256 exact_order(__m256 x) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
#endif

// 8 rows of weights times `count` columns of the group; `row` is the first one.
static inline void exact_rows_q4_0(const exact_q4_0x8 * x, const exact_group * group, int64_t k, int count, int64_t row) {
    __m256 sums[EXACT_COLUMNS];
    for (int c = 0; c < count; ++c) {
        sums[c] = _mm256_setzero_ps();
    }
    for (int64_t i = 0; i < k; ++i) {
        exact_part weights[EXACT_PARTS];
        for (int line = 0; line < 3; ++line) {
            _mm_prefetch((const char *) (x + i + EXACT_AHEAD) + 64 * line, _MM_HINT_T0);
        }
        exact_unpack(x + i, weights);
        const __m256 scales = exact_order(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) x[i].d)));
        const float * d = group->d + i * EXACT_COLUMNS;
        const int64_t * start = group->start + i * EXACT_COLUMNS;
        for (int c = 0; c < count; ++c) {
            const __m256 products = _mm256_cvtepi32_ps(exact_rows(weights, group->y[c][i].qs, start[c]));
            sums[c] = _mm256_fmadd_ps(products, _mm256_mul_ps(scales, _mm256_set1_ps(d[c])), sums[c]);
        }
    }
    for (int c = 0; c < count; ++c) {
        _mm256_storeu_ps(group->out[c] + row, exact_order(sums[c]));
    }
}

static void exact_group_prepare(exact_group * group, int64_t k) {
    for (int c = 0; c < group->count; ++c) {
        for (int64_t i = 0; i < k; ++i) {
            const exact_q8_0 * y = group->y[c] + i;
            int sum = 0;
            for (int j = 0; j < 32; ++j) {
                sum += y->qs[j];
            }
            group->d[i * EXACT_COLUMNS + c] = exact_float(y->d);
            group->start[i * EXACT_COLUMNS + c] = (int64_t) (uint32_t) (-8 * sum);
        }
    }
}

static void exact_group_rows(const exact_q4_0x8 * x, const exact_group * group, int64_t k, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row += 8) {
        const exact_q4_0x8 * rows = x + row / 8 * k;
        // Constant numbers of columns are unrolled.
        switch (group->count) {
            case 1: exact_rows_q4_0(rows, group, k, 1, row); break;
            case 2: exact_rows_q4_0(rows, group, k, 2, row); break;
            case 3: exact_rows_q4_0(rows, group, k, 3, row); break;
            case 4: exact_rows_q4_0(rows, group, k, 4, row); break;
            case 5: exact_rows_q4_0(rows, group, k, 5, row); break;
            case 6: exact_rows_q4_0(rows, group, k, 6, row); break;
            case 7: exact_rows_q4_0(rows, group, k, 7, row); break;
            default: exact_rows_q4_0(rows, group, k, 8, row);
        }
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
    return weights->type == GGML_TYPE_Q4_0 && values->type == GGML_TYPE_F32 && values->ne[3] == 1
        && tokens <= EXACT_COLUMNS
        && weights->ne[0] <= 32 * EXACT_BLOCKS && weights->ne[1] % 8 == 0 && weights->ne[3] == 1
        && (is_stack || weights->ne[2] == 1) && weights->buffer
        && strcmp(ggml_backend_buft_name(ggml_backend_buffer_get_type(weights->buffer)), "CPU_REPACK") == 0;
}

// Arguments and result as those of ggml_cpu_extra_compute_forward, whose work buffer begins with the quantised columns too.
static bool exact_compute_forward(struct ggml_compute_params * params, struct ggml_tensor * op) {
    if (!exact_is_repacked(op)) {
        return false;
    }
    const struct ggml_tensor * weights = op->src[0], * values = op->src[1], * ids = op->src[2];
    const int64_t k = weights->ne[0] / 32, columns = values->ne[1] * values->ne[2];
    const ggml_from_float_t quantise = ggml_get_type_traits_cpu(GGML_TYPE_Q8_0)->from_float;
    exact_q8_0 * quantised = (exact_q8_0 *) params->wdata;
    for (int64_t c = params->ith; c < columns; c += params->nth) {
        const char * column = (const char *) values->data + c % values->ne[1] * values->nb[1] + c / values->ne[1] * values->nb[2];
        quantise((const float *) column, quantised + c * k, weights->ne[0]);
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
        const exact_q4_0x8 * x = (const exact_q4_0x8 *) ((const char *) weights->data + expert * weights->nb[2]);
        for (int64_t place = 0; place < places;) {
            group.count = 0;
            for (; place < places && group.count < EXACT_COLUMNS; ++place) {
                const int64_t choice = place % choices, token = place / choices;
                const char * id = ids ? (const char *) ids->data + choice * ids->nb[0] + token * ids->nb[1] : NULL;
                if (id == NULL || *(const int32_t *) id == expert) {
                    group.y[group.count] = quantised + (choice % values->ne[1] + token * values->ne[1]) * k;
                    group.out[group.count++] = (float *) ((char *) op->data + choice * op->nb[1] + token * op->nb[2]);
                }
            }
            bool is_prepared = false;
            for (const int64_t end = chunk + (group.count ? chunks : 0); chunk < end; ++chunk) {
                if (chunk != next) {
                    continue;
                }
                if (!is_prepared) {
                    exact_group_prepare(&group, k);
                    is_prepared = true;
                }
                const int64_t part = chunks - (end - chunk);
                exact_group_rows(x, &group, k, rows * part / chunks * 8, rows * (part + 1) / chunks * 8);
                next = ggml_threadpool_chunk_add(params->threadpool, 1);
            }
        }
    }
    return true;
}

#define ggml_cpu_extra_compute_forward(params, op) \
    (exact_compute_forward(params, op) || ggml_cpu_extra_compute_forward(params, op))
#endif
