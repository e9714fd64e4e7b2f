// Batches of 2 to 8 tokens are computed on the CPU with the same sums as single tokens, so that guessed tokens can be
// checked without a change of the answer (app/engine/child/speculation.py).
//
// llama.cpp multiplies matrices with llamafile's kernels from 2 columns on, and these add in another order than the
// kernels for one column. Here they begin at 9 columns. Only ggml-cpu.c calls them.
#if defined(GGML_USE_LLAMAFILE) && !defined(__cplusplus) && __has_include("llamafile/sgemm.h")
struct ggml_compute_params;
#include "llamafile/sgemm.h"
#define llamafile_sgemm(params, m, n, ...) ((n) > 8 && llamafile_sgemm(params, m, n, __VA_ARGS__))
#endif
