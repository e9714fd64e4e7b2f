"""Computation of devices' graphs in slices, so that a stop takes effect inside a batch.

The engine's abort callback is called by the CPU and Metal only.  On other devices a batch of a prompt takes seconds
where experts are in RAM.  Here ``graph_compute`` of their backends is replaced by a function that returns "aborted"
once the stop flag is set, which the scheduler passes on at once (``ggml_backend_sched_compute_splits``), and that
computes a graph in slices of some tenths of a second while a prompt is read.

The replaced functions are found by their offsets in ``ggml_backend_device`` and ``ggml_backend`` (ggml-backend-impl.h,
API version 2) and ``ggml_cgraph`` (ggml-impl.h), as in llama-cpp-python 0.3.36.  Each offset is checked against public
functions; where one differs, devices stay as they are.
"""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from app.engine.child.ggml import POINTER_BYTES, DeviceHandle, Ggml, pointer_at
from app.engine.child.stop_flag import StopFlag

SLICE_S = 0.2
"""Aim for the time of a slice.  Waiting for a device after each costs microseconds."""
FIRST_NODES = 8
"""Nodes of the first slice on a device of unknown speed, and of the smallest one: a quarter of a layer."""
GROWTH = 2.0
"""Most times by which a slice is larger than the one before: some nodes take a hundred times longer than others."""
REPORT_S = 1.0
"""Seconds between two reports of progress within a batch."""
_LAYER = re.compile(rb"-(\d+)$")
"""The number of a layer at the end of a node's name."""
ABORTED = 1
"""GGML_STATUS_ABORTED."""
_INIT_BACKEND = 5 * POINTER_BYTES
"""Offset in ggml_backend_device."""
_GRAPH_COMPUTE, _DEVICE = 13 * POINTER_BYTES, 17 * POINTER_BYTES
"""Offsets in ggml_backend."""
_Init = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
_Compute = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class _Graph(ctypes.Structure):
    """struct ggml_cgraph."""

    _fields_ = (
        ("size", ctypes.c_int),
        ("n_nodes", ctypes.c_int),
        ("n_leafs", ctypes.c_int),
        ("nodes", ctypes.c_void_p),
        ("grads", ctypes.c_void_p),
        ("grad_accs", ctypes.c_void_p),
        ("leafs", ctypes.c_void_p),
        ("use_counts", ctypes.c_void_p),
        ("visited_hash_set", ctypes.c_void_p * 3),
        ("order", ctypes.c_int),
        ("uid", ctypes.c_uint64),
    )


class GraphSlices:
    """Replaces ``graph_compute`` of devices.  One instance per process."""

    def __init__(self, ggml: Ggml, stop: StopFlag) -> None:
        self._ggml, self._stop = ggml, stop
        self._devices: dict[int, Any] = {}
        """Replacements of ``init_backend`` by device; the engine has pointers to them."""
        self._computes: dict[int, Any] = {}
        """Replacements of ``graph_compute`` by the replaced function."""
        self._speeds: dict[int, float] = {}
        """Nodes times tokens per second, by backend."""
        self._tokens = 0
        """Tokens of the batch that is read, 0 outside."""
        self._on_layer: Callable[[int], None] = lambda _layer: None
        self._reported = 0.0
        self.longest_s = 0.0
        """Longest time within the last batch in which a stop had no effect."""

    def install(self, devices: Sequence[DeviceHandle]) -> bool:
        """Replace the function in backends that these devices make from now on; returns whether it is possible."""
        self._speeds.clear()
        return all(self._install(handle.pointer) for handle in devices)

    @contextmanager
    def reading(self, tokens: int, on_layer: Callable[[int], None]) -> Iterator[None]:
        """Compute graphs in slices meanwhile; ``tokens`` of the batch.

        ``on_layer`` is called with the number of the layer that is computed, every ``REPORT_S``.
        """
        self._tokens, self.longest_s = tokens, 0.0
        self._on_layer, self._reported = on_layer, time.monotonic()
        try:
            yield
        finally:
            self._tokens = 0

    def _install(self, device: int) -> bool:
        if device in self._devices:
            return True
        if not self._ggml.has_known_interface(device):
            return False
        init = _Init(pointer_at(device + _INIT_BACKEND).value or 0)

        def init_backend(own: int, parameters: bytes | None) -> int | None:
            backend: int | None = init(own, parameters)
            if backend and pointer_at(backend + _DEVICE).value == own:
                slot = pointer_at(backend + _GRAPH_COMPUTE)
                slot.value = ctypes.cast(self._replacement(slot.value or 0), ctypes.c_void_p).value
            return backend

        replacement = _Init(init_backend)
        self._devices[device] = (replacement, init)
        pointer_at(device + _INIT_BACKEND).value = ctypes.cast(replacement, ctypes.c_void_p).value
        return True

    def _replacement(self, address: int) -> Any:
        if address not in self._computes:
            compute = _Compute(address)
            self._computes[address] = _Compute(lambda backend, graph: self._compute(compute, backend, graph))
        return self._computes[address]

    def _compute(self, compute: Callable[[int, int], int], backend: int, graph: int) -> int:
        if self._stop.is_set():
            return ABORTED
        whole = _Graph.from_address(graph)
        is_known = (whole.n_nodes, whole.nodes) == self._ggml.graph_nodes(graph)
        if not self._tokens or not is_known:
            return compute(backend, graph)
        start = 0
        while start < whole.n_nodes:
            if self._stop.is_set():
                return ABORTED
            speed = self._speeds.get(backend, 0.0)
            count = min(max(FIRST_NODES, int(SLICE_S * speed / self._tokens)), whole.n_nodes - start)
            # As ggml_graph_view.
            part = _Graph(
                n_nodes=count,
                nodes=whole.nodes + start * POINTER_BYTES,
                use_counts=whole.use_counts,
                visited_hash_set=whole.visited_hash_set,
                order=whole.order,
            )
            begin = time.monotonic()
            if status := compute(backend, ctypes.addressof(part)):
                return status
            self._ggml.synchronize(backend)
            seconds = max(1e-6, time.monotonic() - begin)
            self.longest_s = max(self.longest_s, seconds)
            measured = count * self._tokens / seconds
            # A short graph says little about the speed of a long one.
            if count >= FIRST_NODES or measured < speed:
                slowest = FIRST_NODES * self._tokens / SLICE_S
                self._speeds[backend] = min(measured, GROWTH * max(speed, slowest))
            start += count
            if time.monotonic() - self._reported >= REPORT_S and (layer := _LAYER.search(self._last_name(part))):
                self._reported = time.monotonic()
                self._on_layer(int(layer[1]))
        return 0

    def _last_name(self, graph: _Graph) -> bytes:
        last = graph.nodes + (graph.n_nodes - 1) * POINTER_BYTES
        return self._ggml.tensor_name(pointer_at(last).value or 0)
