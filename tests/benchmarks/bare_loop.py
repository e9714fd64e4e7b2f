"""Baseline: llama.cpp's bare loop through ctypes, with the program's samplers and a fixed number of threads.

    python -m tests.benchmarks.bare_loop MODEL THREADS PROMPT_FILE TOKENS SEED [FLASH_ATTENTION KV_TYPE]

Reads the prompt in batches of 512, generates exactly TOKENS tokens, and writes one JSON object to standard output.
FLASH_ATTENTION (-1 is the engine's choice) and KV_TYPE (1 is f16, 8 is q8_0) are numbers of its enumerations.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from pathlib import Path

import llama_cpp as llama

BATCH = 512


def main(
    model_path: str, threads: int, prompt: bytes, tokens: int, seed: int, flash_attention: int = -1, kv_type: int = 1
) -> dict[str, float]:
    silent = llama.llama_log_callback(lambda _level, _text, _data: None)
    llama.llama_log_set(silent, ctypes.c_void_p(0))
    llama.llama_backend_init()
    model = llama.llama_model_load_from_file(model_path.encode(), llama.llama_model_default_params())
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch, params.no_perf = 8192, BATCH, BATCH, True
    params.flash_attn_type, params.type_k, params.type_v = flash_attention, kv_type, kv_type
    params.n_threads = params.n_threads_batch = threads
    context = llama.llama_init_from_model(model, params)
    vocab = llama.llama_model_get_vocab(model)
    room = (llama.llama_token * (len(prompt) + 8))()
    count = llama.llama_tokenize(vocab, prompt, len(prompt), room, len(room), True, True)
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    for sampler in (
        llama.llama_sampler_init_top_k(40),
        llama.llama_sampler_init_top_p(0.95, 1),
        llama.llama_sampler_init_min_p(0.05, 1),
        llama.llama_sampler_init_temp(0.7),
        llama.llama_sampler_init_dist(seed),
    ):
        llama.llama_sampler_chain_add(chain, sampler)
    pointer = ctypes.POINTER(llama.llama_token)

    begin = time.perf_counter()
    for place in range(0, count, BATCH):
        part = ctypes.cast(ctypes.byref(room, place * 4), pointer)
        assert llama.llama_decode(context, llama.llama_batch_get_one(part, min(BATCH, count - place))) == 0
    read_s = time.perf_counter() - begin

    one = (llama.llama_token * 1)()
    batch = llama.llama_batch_get_one(one, 1)
    one[0] = llama.llama_sampler_sample(chain, context, -1)
    begin = time.perf_counter()
    for _ in range(tokens - 1):
        assert llama.llama_decode(context, batch) == 0
        one[0] = llama.llama_sampler_sample(chain, context, -1)
    generated_s = time.perf_counter() - begin
    return {
        "prompt_tokens": count,
        "prompt_tokens_per_second": count / read_s,
        "tokens_per_second": (tokens - 1) / generated_s,
    }


if __name__ == "__main__":
    path, threads, prompt_file, *numbers = sys.argv[1:]
    print(json.dumps(main(path, int(threads), Path(prompt_file).read_bytes(), *map(int, numbers))))
