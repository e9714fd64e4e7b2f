"""Weights in host memory, read by several threads, and converted into the processor's own order where the engine does.

llama.cpp fills host memory with one thread, which waits for each new page, and converts ("repacks") a tensor after it
has read the whole of it into a second buffer.  Here these tensors are empty while the engine loads, so that it reads
nothing of them.  Afterwards threads take turns in reading the file, each into a small buffer, and copy or convert from
there: no memory is new but the final one.

``alloc_buffer`` of the buffer types and ``init_tensor`` of their buffers are replaced meanwhile.  They are found by
their offsets in ``ggml_backend_buffer_type``, ``ggml_backend_buffer`` (ggml-backend-impl.h, API version 2) and
``ggml_tensor`` (ggml.h), as in llama-cpp-python 0.3.36.  The offsets are checked against public functions and the
file's header; where one differs, the engine reads and converts as usual, and so it does with small tensors.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any

from app.engine.child.ggml import POINTER_BYTES, Ggml, pointer_at
from app.engine.child.memory.weights_reader import WeightsReader, address_of, reading_buffer
from app.engine.child.stop_flag import StopFlag
from model_manager.gguf.header import GgufHeader

SLICE_BYTES = 4 << 20
"""Bytes that a thread reads and converts at once."""
LEAST_BYTES = 1 << 20
"""Smaller tensors are left to the engine."""
ROWS = 16
"""Rows of a slice are a multiple of it; the engine interleaves 4, 8 or 16."""
MAX_THREADS = 8
"""Threads at most, otherwise two more than there are cores: some wait for the disk."""
MADV_HUGEPAGE = 14
"""Advice of Linux about memory."""
_ALLOC, _DEVICE = POINTER_BYTES, 6 * POINTER_BYTES
"""Offsets in ggml_backend_buffer_type."""
_FREE, _INIT, _SET, _TYPE, _SIZE = 0, 2 * POINTER_BYTES, 4 * POINTER_BYTES, 11 * POINTER_BYTES, 13 * POINTER_BYTES
"""Offsets in ggml_backend_buffer."""
_EXTENTS, _ROW, _VIEWED, _DATA, TENSOR_BYTES = 16, 56, 232, 248, 336
"""Offsets in ggml_tensor: ``ne``, ``nb[1]``, ``view_src`` and ``data``; its size."""
_Alloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Init = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_Set = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)


@dataclass(frozen=True)
class _Tensor:
    """A tensor that the engine does not read: its place in the file, and what its structure contains."""

    path: Path
    start: int
    buffer: int
    address: int
    extents: tuple[int, ...]
    row_bytes: int


@dataclass(frozen=True)
class _Slice:
    """Rows of a tensor that are read and converted at once."""

    tensor: _Tensor
    first: int
    rows: int

    @property
    def start(self) -> int:
        """The byte of the file at which they begin."""
        return self.tensor.start + self.first * self.tensor.row_bytes

    @property
    def n_bytes(self) -> int:
        return self.rows * self.tensor.row_bytes

    def convert(self, source: int) -> None:
        """Convert the rows at an address: the engine gets them as a tensor of their own."""
        tensor = self.tensor
        structure = (ctypes.c_uint8 * TENSOR_BYTES).from_buffer_copy(ctypes.string_at(tensor.address, TENSOR_BYTES))
        address = ctypes.addressof(structure)
        _extents(address)[1:] = [self.rows, 1, 1]
        pointer_at(address + _DATA).value = (pointer_at(address + _DATA).value or 0) + self.first * tensor.row_bytes
        _Set(pointer_at(tensor.buffer + _SET).value or 0)(tensor.buffer, address, source, 0, self.n_bytes)


class HostWeights:
    """Reading and conversion of the tensors in host memory of one load."""

    def __init__(self, ggml: Ggml, headers: Sequence[GgufHeader], cores: int) -> None:
        self._ggml = ggml
        self._threads = min(cores + 2, MAX_THREADS)
        self._places = {
            tensor.name: (header.path, header.data_offset + tensor.offset, tensor.n_bytes)
            for header in headers
            for tensor in header.tensors
        }
        self._tensors: list[_Tensor] = []
        self._buffers: dict[int, dict[int, int | None]] = {}
        """The engine's own functions by buffer and offset; plain buffers have no ``init_tensor``."""
        self._is_nested = False
        """Whether a buffer is being made."""
        self._callbacks: list[Any] = []
        """Replacements, to which the engine has pointers."""

    @contextmanager
    def during_load(self) -> Iterator[None]:
        """Keep the engine from reading the tensors in a load inside."""
        repacked = self._ggml.repacked_buffer_type()
        kinds = set[int]()
        if repacked is not None and self._is_known(repacked):
            kinds = {repacked, *self._ggml.host_buffer_types()}
        own = {kind: pointer_at(kind + _ALLOC).value for kind in kinds}
        for kind, address in own.items():
            self._replace(kind + _ALLOC, _Alloc(partial(self._alloc, _Alloc(address or 0))))
        try:
            yield
        finally:
            for kind, address in own.items():
                pointer_at(kind + _ALLOC).value = address
            for buffer, functions in self._buffers.items():
                for offset, address in functions.items():
                    pointer_at(buffer + offset).value = address

    def read(self, stop: StopFlag, on_progress: Callable[[float], None]) -> None:
        """Read and convert the tensors of the loaded model; ``on_progress`` gets the share of the model that is there.

        Raises:
            OSError: a file cannot be read, or ends before.
            Cancelled: ``stop`` was set.
        """
        for tensor in self._tensors:
            _extents(tensor.address)[0] = tensor.extents[0]
        # In the order of the file, not of the engine.
        in_order = sorted(self._tensors, key=lambda tensor: (tensor.path, tensor.start))
        slices = deque(part for tensor in in_order for part in _slices(tensor))
        reader = WeightsReader({tensor.path for tensor in in_order})
        total = sum(n_bytes for _path, _start, n_bytes in self._places.values())
        missing = sum(part.n_bytes for part in slices)
        progress = Lock()

        def work(buffer: memoryview) -> None:
            nonlocal missing
            while not stop.is_set():
                try:
                    part = slices.popleft()
                except IndexError:
                    break
                try:
                    read = reader.read(part.tensor.path, part.start, part.n_bytes, buffer)
                except OSError:
                    slices.clear()
                    raise
                part.convert(address_of(read))
                with progress:
                    missing -= part.n_bytes
                    on_progress(1 - missing / total)

        largest = max((part.n_bytes for part in slices), default=0)
        try:
            with ThreadPoolExecutor(self._threads, "host weights") as workers:
                list(workers.map(work, [reading_buffer(largest) for _ in range(self._threads)]))
        finally:
            reader.close()
        stop.raise_if_set()

    def _is_known(self, kind: int) -> bool:
        device = self._ggml.buffer_device(kind)
        return (
            device is not None
            and pointer_at(kind + _DEVICE).value == device
            and self._ggml.has_known_interface(device)
            and self._ggml.tensor_bytes() == TENSOR_BYTES
        )

    def _alloc(self, own: Callable[[int, int], int | None], kind: int, size: int) -> int | None:
        # The functions for converted and for pinned buffers call that for plain ones, and change what it returns.
        is_outer, self._is_nested = not self._is_nested, True
        buffer = own(kind, size)
        self._is_nested = not is_outer
        if not is_outer or not buffer or pointer_at(buffer + _TYPE).value != kind:
            return buffer
        if pointer_at(buffer + _SIZE).value != size:
            return buffer
        _use_huge_pages(self._ggml.buffer_base(buffer), size)
        own_functions = {offset: pointer_at(buffer + offset).value for offset in (_FREE, _INIT)}
        free, init_address = _Free(own_functions[_FREE] or 0), own_functions[_INIT]
        init = _Init(init_address) if init_address else None

        def free_buffer(buffer: int) -> None:
            # The engine reads what goes to devices through buffers that it frees in the load.
            self._buffers.pop(buffer, None)
            free(buffer)

        def init_tensor(buffer: int, tensor: int) -> int:
            status = int(init(buffer, tensor)) if init is not None else 0
            if status == 0 and not pointer_at(tensor + _VIEWED).value:
                self._empty(buffer, tensor)
            return status

        self._buffers[buffer] = own_functions
        self._replace(buffer + _FREE, _Free(free_buffer))
        self._replace(buffer + _INIT, _Init(init_tensor))
        return buffer

    def _empty(self, buffer: int, address: int) -> None:
        """Make a tensor empty until the engine has loaded; one that the header describes otherwise is left to it."""
        extents, row_bytes = _extents(address), ctypes.c_size_t.from_address(address + _ROW).value
        place = self._places.get(self._ggml.tensor_name(address).decode())
        if place is not None and place[2] == prod(extents[1:]) * row_bytes and place[2] >= LEAST_BYTES:
            self._tensors.append(_Tensor(*place[:2], buffer, address, tuple(extents), row_bytes))
            extents[0] = 0

    def _replace(self, address: int, function: Any) -> None:
        self._callbacks.append(function)
        pointer_at(address).value = ctypes.cast(function, ctypes.c_void_p).value


def _slices(tensor: _Tensor) -> Iterator[_Slice]:
    rows = prod(tensor.extents[1:])
    step = max(1, SLICE_BYTES // tensor.row_bytes // ROWS) * ROWS
    for first in range(0, rows, step):
        yield _Slice(tensor, first, min(step, rows - first))


def _extents(tensor: int) -> Any:
    return (ctypes.c_int64 * 4).from_address(tensor + _EXTENTS)


def _use_huge_pages(address: int, size: int) -> None:
    """Ask for huge pages, on Linux: a page fault for every 4 KiB takes as long as reading them."""
    if sys.platform == "linux":
        start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        # Refused where the system has none.
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(address + size - start), MADV_HUGEPAGE)
