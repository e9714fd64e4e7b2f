// Batches of 2 to 8 tokens are computed on the CPU with the same sums as single tokens, so that guessed tokens can be
// checked without a change of the answer (app/engine/child/speculation.py).
//
// llama.cpp multiplies matrices with llamafile's kernels from 2 columns on, and these add in another order than the
// kernels for one column. Here they begin at 9 columns. Fewer columns of Q4_1 and Q8_0 are multiplied by the functions
// below on x86-64: each sum is that of ggml_vec_dot_q4_1_q8_1 and ggml_vec_dot_q8_0_q8_0 (arch/x86/quants.c), but the
// weights are unpacked once for all columns. Only ggml-cpu.c calls them.
//
// Flash attention divides the cache between threads where one token attends to 512 cells or more, which adds in another
// order than it does for several tokens. Here 1 to 8 tokens are computed as ggml's reference does: one head of one token
// after the other.
#if defined(GGML_USE_LLAMAFILE) && !defined(__cplusplus) && __has_include("llamafile/sgemm.h")
#include <stdbool.h>
#include <stdint.h>
#include "ggml-cpu-impl.h"
#include "llamafile/sgemm.h"

void ggml_compute_forward_flash_attn_ext(const struct ggml_compute_params * params, struct ggml_tensor * dst);

static inline void exact_flash_attn_ext(const struct ggml_compute_params * params, struct ggml_tensor * dst) {
    struct ggml_compute_params exact = *params;
    exact.use_ref = exact.use_ref || dst->src[0]->ne[1] <= 8;
    ggml_compute_forward_flash_attn_ext(&exact, dst);
}
#define ggml_compute_forward_flash_attn_ext exact_flash_attn_ext

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <immintrin.h>

#define EXACT_COLUMNS 8
#define EXACT_BLOCKS 1024

// block_q4_1, block_q8_1 and block_q8_0 of ggml-common.h
typedef struct { uint16_t d, m; uint8_t qs[16]; } exact_q4_1;
typedef struct { uint16_t d, s; int8_t qs[32]; } exact_q8_1;
typedef struct { uint16_t d; int8_t qs[32]; } exact_q8_0;

static inline float exact_float(uint16_t half) {
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

static inline __m256 exact_products(__m256i unsigned_bytes, __m256i signed_bytes) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return _mm256_cvtepi32_ps(_mm256_dpbusd_epi32(_mm256_setzero_si256(), unsigned_bytes, signed_bytes));
#else
    const __m256i pairs = _mm256_maddubs_epi16(unsigned_bytes, signed_bytes);
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_set1_epi16(1), pairs));
#endif
}

static inline float exact_sum(__m256 x) {
    __m128 sum = _mm_add_ps(_mm256_extractf128_ps(x, 1), _mm256_castps256_ps128(x));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

// One row of weights times `count` columns; `d` and `s` are the columns' scales and sums, EXACT_COLUMNS for each block.
static inline void exact_row_q4_1(
        const exact_q4_1 * x, const exact_q8_1 * y, int64_t k, int64_t ldb, int count, const float * d, const float * s,
        float * out) {
    __m256 sums[EXACT_COLUMNS];
    float offsets[EXACT_COLUMNS];
    for (int c = 0; c < count; ++c) {
        sums[c] = _mm256_setzero_ps();
        offsets[c] = 0;
    }
    for (int64_t i = 0; i < k; ++i, d += EXACT_COLUMNS, s += EXACT_COLUMNS) {
        const __m128i nibbles = _mm_loadu_si128((const __m128i *) x[i].qs);
        const __m256i both = _mm256_set_m128i(_mm_srli_epi16(nibbles, 4), nibbles);
        const __m256i weights = _mm256_and_si256(both, _mm256_set1_epi8(15));
        const __m256 scale = _mm256_set1_ps(exact_float(x[i].d));
        const float m = exact_float(x[i].m);
        for (int c = 0; c < count; ++c) {
            const __m256i values = _mm256_loadu_si256((const __m256i *) y[c * ldb + i].qs);
            const __m256 both_scales = _mm256_mul_ps(scale, _mm256_set1_ps(d[c]));
            sums[c] = _mm256_fmadd_ps(both_scales, exact_products(weights, values), sums[c]);
            offsets[c] += m * s[c];
        }
    }
    for (int c = 0; c < count; ++c) {
        out[c] = exact_sum(sums[c]) + offsets[c];
    }
}

static inline void exact_row_q8_0(
        const exact_q8_0 * x, const exact_q8_0 * y, int64_t k, int64_t ldb, int count, const float * d, float * out) {
    __m256 sums[EXACT_COLUMNS];
    for (int c = 0; c < count; ++c) {
        sums[c] = _mm256_setzero_ps();
    }
    for (int64_t i = 0; i < k; ++i, d += EXACT_COLUMNS) {
        const __m256i weights = _mm256_loadu_si256((const __m256i *) x[i].qs);
        const __m256i magnitudes = _mm256_sign_epi8(weights, weights);
        const __m256 scale = _mm256_set1_ps(exact_float(x[i].d));
        for (int c = 0; c < count; ++c) {
            const __m256i values = _mm256_sign_epi8(_mm256_loadu_si256((const __m256i *) y[c * ldb + i].qs), weights);
            const __m256 both_scales = _mm256_mul_ps(scale, _mm256_set1_ps(d[c]));
            sums[c] = _mm256_fmadd_ps(both_scales, exact_products(magnitudes, values), sums[c]);
        }
    }
    for (int c = 0; c < count; ++c) {
        out[c] = exact_sum(sums[c]);
    }
}

// Arguments as those of llamafile_sgemm; returns false for types and sizes that it leaves to ggml.
static bool exact_sgemm(
        const void * params, int64_t m, int64_t n, int64_t k, const void * A, int64_t lda, const void * B, int64_t ldb,
        void * C, int64_t ldc, int Atype, int Btype, int Ctype) {
    const bool is_q4_1 = Atype == 3 && Btype == 9, is_q8_0 = Atype == 8 && Btype == 8;
    if (n < 2 || n > EXACT_COLUMNS || k > EXACT_BLOCKS || Ctype != 0 || !(is_q4_1 || is_q8_0)) {
        return false;
    }
    // The first fields of ggml_compute_params: number of the thread, and of threads.
    const int64_t thread = ((const int *) params)[0], threads = ((const int *) params)[1];
    const int64_t first = m * thread / threads, last = m * (thread + 1) / threads;
    const exact_q8_1 * y1 = (const exact_q8_1 *) B;
    const exact_q8_0 * y0 = (const exact_q8_0 *) B;
    float d[EXACT_BLOCKS * EXACT_COLUMNS], s[EXACT_BLOCKS * EXACT_COLUMNS], out[EXACT_COLUMNS];
    for (int64_t c = 0; c < n; ++c) {
        for (int64_t i = 0; i < k; ++i) {
            d[i * EXACT_COLUMNS + c] = exact_float(is_q4_1 ? y1[c * ldb + i].d : y0[c * ldb + i].d);
            s[i * EXACT_COLUMNS + c] = is_q4_1 ? exact_float(y1[c * ldb + i].s) : 0;
        }
    }
    for (int64_t row = first; row < last; ++row) {
        if (is_q4_1) {
            const exact_q4_1 * x = (const exact_q4_1 *) A + row * lda;
            // Constant numbers of columns are unrolled.
            switch (n) {
                case 8: exact_row_q4_1(x, y1, k, ldb, 8, d, s, out); break;
                case 4: exact_row_q4_1(x, y1, k, ldb, 4, d, s, out); break;
                default: exact_row_q4_1(x, y1, k, ldb, (int) n, d, s, out);
            }
        } else {
            const exact_q8_0 * x = (const exact_q8_0 *) A + row * lda;
            switch (n) {
                case 8: exact_row_q8_0(x, y0, k, ldb, 8, d, out); break;
                case 4: exact_row_q8_0(x, y0, k, ldb, 4, d, out); break;
                default: exact_row_q8_0(x, y0, k, ldb, (int) n, d, out);
            }
        }
        for (int64_t c = 0; c < n; ++c) {
            ((float *) C)[c * ldc + row] = out[c];
        }
    }
    return true;
}

#include "exact_repacked.h"
#else
#define exact_sgemm(...) false
#endif

#define llamafile_sgemm(params, m, n, ...) \
    ((n) > 8 ? llamafile_sgemm(params, m, n, __VA_ARGS__) : exact_sgemm(params, m, n, __VA_ARGS__))
#endif
