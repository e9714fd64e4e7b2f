"""The engine's kernels for 1 to 8 tokens and interleaved weights: bitwise the sums of ggml's kernel for one token."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from llama_cpp import llama_cpp

from app.engine.child.ggml import Ggml
from model_manager.devices.devices import repacked_types

F32, I32 = 0, 26
"""enum ggml_type."""
FOLDER = Path(llama_cpp.__file__).parent / "lib"
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    """A type of weights, its blocks, and ggml's kernel for one token, which has columns of another type."""

    number: int
    values: int
    bytes: int
    column: str
    column_bytes: int
    kernel: str


KINDS = {
    "Q4_0": Kind(2, 32, 18, "q8_0", 34, "q4_0_8x8_q8_0"),
    "Q4_K": Kind(12, 256, 144, "q8_K", 292, "q4_K_8x8_q8_K"),
}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not {"Q4_0", "Q4_K"} <= set(repacked_types()),
    reason="needs the symbols of an engine for this machine",
)


class Weights:
    """A stack of matrices, which the engine keeps with 8 rows interleaved."""

    def __init__(self, kind: str, experts: int, rows: int, width: int) -> None:
        self.kind, self.rows, self.width = KINDS[kind], rows, width
        buffers = Ggml().repacked_buffer_type()
        assert buffers is not None
        self._base, self._cpu = (ctypes.CDLL(str(FOLDER / f"libggml-{name}.so.0")) for name in ("base", "cpu"))
        self._backend = _call(self._cpu, "backend_cpu_init")
        self._context = self._new_context()
        extents = (width, rows, experts)[: 3 if experts > 1 else 2]
        self.tensor = self._tensor(self._context, self.kind.number, *extents)
        self._buffer = self._base_call("backend_alloc_ctx_tensors_from_buft", self._context, ctypes.c_void_p(buffers))
        random = np.random.default_rng(0)
        blocks = random.integers(0, 256, (experts * self._matrix_bytes // self.kind.bytes, self.kind.bytes), np.uint8)
        # One or two scales of 16 bits.
        scales = random.uniform(-0.1, 0.1, (len(blocks), 2)).astype(np.float16).view(np.uint8)
        end = 2 if kind == "Q4_0" else 4
        blocks[:, :end] = scales[:, :end]
        self._set(self.tensor, blocks)

    def close(self) -> None:
        """Free the memory."""
        self._base_call("backend_free", self._backend)
        self._base_call("backend_buffer_free", self._buffer)
        self._base_call("free", self._context)

    def multiply(self, values: Floats, threads: int, chosen: npt.NDArray[np.int32] | None = None) -> Floats:
        """Return the product with each row of ``values``, or for each token with the experts that it chose."""
        context = self._new_context()
        inputs = self._tensor(context, F32, *reversed(values.shape))
        if chosen is None:
            result = self._base_call("mul_mat", context, self.tensor, inputs)
        else:
            ids = self._tensor(context, I32, *reversed(chosen.shape))
            result = self._base_call("mul_mat_id", context, self.tensor, inputs, ids)
        plain = ctypes.c_void_p(self._base_call("backend_cpu_buffer_type").value)
        graph = self._base_call("new_graph", context)
        self._base_call("build_forward_expand", graph, result)
        buffer = self._base_call("backend_alloc_ctx_tensors_from_buft", context, plain)
        self._set(inputs, values)
        if chosen is not None:
            self._set(ids, chosen)
        _call(self._cpu, "backend_cpu_set_n_threads", self._backend, threads)
        self._base_call("backend_graph_compute", self._backend, graph)
        shape = (*(values.shape[:1] if chosen is None else chosen.shape), self.rows)
        out = np.empty(shape, np.float32)
        size = ctypes.c_size_t(out.nbytes)
        self._base_call("backend_tensor_get", result, out.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(0), size)
        self._base_call("backend_buffer_free", buffer)
        self._base_call("free", context)
        return out

    def product(self, values: Floats, expert: int) -> Floats:
        """Return the product of a matrix with one token, by ggml's kernel."""
        quantised = ctypes.create_string_buffer(self.width // self.kind.values * self.kind.column_bytes)
        inputs = np.ascontiguousarray(values)
        count = ctypes.c_int64(self.width)
        quantise = getattr(self._cpu, f"quantize_row_{self.kind.column}")
        quantise(inputs.ctypes.data_as(ctypes.c_void_p), quantised, count)
        out = np.empty(self.rows, np.float32)
        matrix = ctypes.c_void_p(
            (self._base_call("get_data", self.tensor).value or 0) + int(expert) * self._matrix_bytes
        )
        pointer = out.ctypes.data_as(ctypes.c_void_p)
        stride = ctypes.c_size_t(self.rows)
        getattr(self._cpu, f"ggml_gemv_{self.kind.kernel}")(
            self.width, pointer, stride, matrix, quantised, 1, self.rows
        )
        return out

    @property
    def _matrix_bytes(self) -> int:
        return self.rows * self.width // self.kind.values * self.kind.bytes

    def _new_context(self) -> ctypes.c_void_p:
        class Parameters(ctypes.Structure):
            _fields_ = (("size", ctypes.c_size_t), ("memory", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))

        return self._base_call("init", Parameters(1 << 20, None, True))

    def _tensor(self, context: ctypes.c_void_p, kind: int, *extents: int) -> ctypes.c_void_p:
        sizes = (ctypes.c_int64 * len(extents))(*extents)
        return self._base_call("new_tensor", context, kind, len(extents), sizes)

    def _set(self, tensor: ctypes.c_void_p, values: npt.NDArray[Any]) -> None:
        data, size = values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(values.nbytes)
        self._base_call("backend_tensor_set", tensor, data, ctypes.c_size_t(0), size)

    def _base_call(self, name: str, *arguments: object) -> ctypes.c_void_p:
        return _call(self._base, name, *arguments)


def _call(library: ctypes.CDLL, name: str, *arguments: object) -> ctypes.c_void_p:
    function = getattr(library, f"ggml_{name}")
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "rows", "width"),
    [("Q4_0", 8, 32), ("Q4_0", 88, 4096), ("Q4_0", 264, 2080), ("Q4_K", 8, 256), ("Q4_K", 88, 4096)],
)
def test_batches_have_the_sums_of_single_tokens(kind: str, rows: int, width: int, threads: int) -> None:
    weights = Weights(kind, 1, rows, width)
    values = np.random.default_rng(1).normal(size=(8, width)).astype(np.float32)
    values[3] = 0
    single = np.array([weights.product(each, 0) for each in values])
    assert np.count_nonzero(single) == 7 * rows
    for count in range(1, 9):
        assert weights.multiply(values[:count], threads).tobytes() == single[:count].tobytes()
    weights.close()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("experts", [4, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_experts_have_the_sums_of_single_tokens(kind: str, experts: int, threads: int) -> None:
    """Each token has its own columns for the experts that it chose, or one for all of them."""
    weights = Weights(kind, experts, 88, 1024)
    random = np.random.default_rng(2)
    for count in range(1, 9):
        # The last tokens choose the same experts.
        chosen = np.array([random.permutation(experts)[:3] for _ in range(count)], np.int32)
        chosen[count // 2 :] = chosen[-1]
        for columns in (1, 3):
            values = random.normal(size=(count, columns, weights.width)).astype(np.float32)
            places = np.ndindex(*chosen.shape)
            single = [
                weights.product(values[token, place % columns], int(chosen[token, place])) for token, place in places
            ]
            assert weights.multiply(values, threads, chosen).tobytes() == np.array(single).tobytes()
    weights.close()
