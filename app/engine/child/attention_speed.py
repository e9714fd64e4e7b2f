"""Whether the processor computes a model's attention faster with flash attention or without.

It depends on the instructions for 16-bit numbers, the width of heads and the memory: flash attention has taken four
times as long for a generated token on one machine, and three quarters of the time for a prompt on another.  Signatures
from ggml.h, ggml-alloc.h and ggml-backend.h of the llama.cpp revision inside llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import math
import time
from ctypes import c_bool, c_float, c_int, c_int64, c_size_t, c_uint8, c_void_p

from app.engine.child.ggml import GGML_TYPE_F16, GGML_TYPE_F32, Ggml
from model_manager.plan.model_shape import AttentionShape
from model_manager.plan.speed import TURN_ANSWER, TURN_PROMPT

CELLS, ROWS = TURN_PROMPT // 2 // 256 * 256, 4096
"""Cells that tokens attend to on average while a typical prompt is read, and those that the cache has."""
BATCH = 512
CACHE_BYTES = 96 << 20
"""Of the layers that are computed: more than processors cache, as in an answer, where each layer has its own."""
ROUNDS, TRIES = 2, 8
UNDISTURBED = 0.85
"""Least part of its threads' time for which a computation has the processor, or other programs decide the result."""
_ROOM = 4 << 20
"""Bytes for the descriptions of tensors and the graphs."""
_NODES = 2048


def flash_attention_gain(ggml: Ggml, shape: AttentionShape, threads: int) -> float | None:
    """Time of the attention of a typical turn without flash attention over that with it, for a cache of 16 bits.

    Takes some tenths of a second and 100 MB.  None where this engine has no backend for the CPU, or others use it.
    """
    backend = ggml.cpu_backend(threads)
    if backend is None:
        return None
    row_bytes = 2 * shape.key_heads * shape.width
    layers = max(1, min(shape.layers, CACHE_BYTES // (2 * ROWS * row_bytes)))
    context = ggml.new_context(_ROOM)
    caches = [_cache(ggml, context, shape) for _ in range(layers)]
    graphs = [
        [_graph(ggml, context, shape, some, tokens, flash=flash) for flash in (True, False)]
        for some, tokens in ((caches[:1], BATCH), (caches, 1))
    ]
    buffer = ggml.function("backend_alloc_ctx_tensors", c_void_p, c_void_p, c_void_p)(context, backend)
    gain = None
    if buffer:
        ggml.function("backend_buffer_clear", None, c_void_p, c_uint8)(buffer, 0)
        (read_flash, read), (write_flash, write) = (_seconds(ggml, backend, pair, threads) for pair in graphs)
        reads, writes = TURN_PROMPT / BATCH, TURN_ANSWER / layers
        gain = (reads * read + writes * write) / (reads * read_flash + writes * write_flash)
        ggml.function("backend_buffer_free", None, c_void_p)(buffer)
    ggml.free(context, backend)
    return gain if gain is not None and math.isfinite(gain) else None


def _seconds(ggml: Ggml, backend: int, graphs: list[int], threads: int) -> list[float]:
    """Return the best time of each graph among those in which nothing else used the processor; infinite without one."""
    compute = ggml.function("backend_graph_compute", c_int, c_void_p, c_void_p)
    found: list[list[float]] = [[] for _ in graphs]
    for _ in range(TRIES):
        for graph, times in zip(graphs, found, strict=True):
            if len(times) < ROUNDS:
                begin, used = time.perf_counter(), time.process_time()
                compute(backend, graph)
                took = time.perf_counter() - begin
                if time.process_time() - used > UNDISTURBED * threads * took:
                    times.append(took)
    return [min(times, default=math.inf) for times in found]


def _cache(ggml: Ggml, context: int, shape: AttentionShape) -> tuple[int, int]:
    new = ggml.function("new_tensor_2d", c_void_p, c_void_p, c_int, c_int64, c_int64)
    keys, values = (new(context, GGML_TYPE_F16, shape.key_heads * shape.width, ROWS) for _ in range(2))
    return keys, values


def _graph(
    ggml: Ggml, context: int, shape: AttentionShape, caches: list[tuple[int, int]], tokens: int, *, flash: bool
) -> int:
    """Attention of some tokens in layers with these caches, as llama.cpp's ``build_attn_mha`` makes it."""
    new = ggml.function("new_tensor_3d", c_void_p, c_void_p, c_int, c_int64, c_int64, c_int64)
    view = ggml.function("view_3d", c_void_p, c_void_p, c_void_p, *(c_int64,) * 3, *(c_size_t,) * 3)
    multiply = ggml.function("mul_mat", c_void_p, c_void_p, c_void_p, c_void_p)
    soft_max = ggml.function("soft_max_ext", c_void_p, *(c_void_p,) * 3, c_float, c_float)
    attend = ggml.function("flash_attn_ext", c_void_p, *(c_void_p,) * 5, c_float, c_float, c_float)
    expand = ggml.function("build_forward_expand", None, c_void_p, c_void_p)
    graph: int = ggml.function("new_graph_custom", c_void_p, c_void_p, c_size_t, c_bool)(context, _NODES, False)
    width, key_heads, scale = shape.width, shape.key_heads, 1 / math.sqrt(shape.width)
    head, row = 2 * width, 2 * width * key_heads
    queries = new(context, GGML_TYPE_F32, width, tokens, shape.heads)
    mask = new(context, GGML_TYPE_F16 if flash else GGML_TYPE_F32, CELLS, tokens, 1)
    for key_cache, value_cache in caches:
        keys = view(context, key_cache, width, CELLS, key_heads, row, head, 0)
        if flash:
            values = view(context, value_cache, width, CELLS, key_heads, row, head, 0)
            expand(graph, attend(context, queries, keys, values, mask, scale, 0.0, 0.0))
        else:
            # The engine's cache has the values transposed then.
            values = view(context, value_cache, CELLS, width, key_heads, 2 * ROWS, 2 * ROWS * width, 0)
            weights = soft_max(context, multiply(context, keys, queries), mask, scale, 0.0)
            expand(graph, multiply(context, values, weights))
    return graph
