"""Conversion of weights into the processor's own order, in other threads than the one that reads the file.

llama.cpp converts ("repacks") a tensor in host memory after it has read the whole of it into a second buffer, with one
thread.  Here the engine takes these buffers for plain memory while it loads, so that it reads straight into them.  Each
tensor that is there is then converted in place, slice by slice, while the engine reads the next ones.

``alloc_buffer`` of the buffer type and ``init_tensor`` and ``free_buffer`` of its buffers are replaced meanwhile.  They
are found by their offsets in ``ggml_backend_buffer_type``, ``ggml_backend_buffer`` (ggml-backend-impl.h, API version 2)
and ``ggml_tensor`` (ggml.h), as in llama-cpp-python 0.3.36.  Each offset is checked against public functions; where one
differs, the engine converts as usual.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from math import prod
from typing import Any

from app.engine.child.ggml import Ggml
from app.engine.child.memory.page_cache import PageCache

API_VERSION = 2
SLICE_BYTES = 512 << 10
"""Bytes that are converted at once: they stay in the processor's cache."""
TASK_BYTES = 16 << 20
ROWS = 16
"""Rows of a slice are a multiple of it; the engine interleaves 4, 8 or 16."""
MARK = os.urandom(32)
"""The end of each tensor before it is read.  The engine reads a tensor from its beginning."""
MADV_HUGEPAGE = 14
"""Advice of Linux about memory."""
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_ALLOC, _IS_HOST, _DEVICE = _POINTER, 5 * _POINTER, 6 * _POINTER
"""Offsets in ggml_backend_buffer_type."""
_FREE, _INIT, _SET, _TYPE, _SIZE = 0, 2 * _POINTER, 4 * _POINTER, 11 * _POINTER, 13 * _POINTER
"""Offsets in ggml_backend_buffer."""
_EXTENTS, _ROW, _VIEWED, _DATA, TENSOR_BYTES = 16, 56, 232, 248, 336
"""Offsets in ggml_tensor: ``ne``, ``nb[1]``, ``view_src`` and ``data``; its size."""
_Alloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_Init = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Set = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)


class Repacking:
    """Conversion of the tensors of one load."""

    def __init__(self, ggml: Ggml, threads: int, files: PageCache) -> None:
        self._ggml, self._files = ggml, files
        self._workers = ThreadPoolExecutor(threads, "repacking")
        self._unread: deque[tuple[int, int]] = deque()
        """Buffer and tensor, in the order in which the engine reads them."""
        self._tasks: list[Future[None]] = []
        self._buffers: dict[int, tuple[Any, Any]] = {}
        """The engine's own ``init_tensor`` and ``free_buffer`` by buffer."""
        self._callbacks: list[Any] = []
        """Replacements, to which the engine has pointers."""

    @contextmanager
    def during_load(self) -> Iterator[None]:
        """Convert what a load inside reads; all of it is converted at the end."""
        kind = self._ggml.repacked_buffer_type()
        if kind is None or not self._is_known(kind):
            yield
            return
        alloc = _Alloc(_pointer(kind + _ALLOC).value or 0)
        self._replace(kind + _ALLOC, _Alloc(lambda kind, size: self._alloc(alloc, kind, size)))
        try:
            yield
            self.after_read(is_last=True)
            for task in self._tasks:
                task.result()
        finally:
            self._workers.shutdown(cancel_futures=True)
            _set_pointer(kind + _ALLOC, alloc)
            _pointer(kind + _IS_HOST).value = None
            for buffer, (init, free) in self._buffers.items():
                _set_pointer(buffer + _INIT, init)
                _set_pointer(buffer + _FREE, free)

    def after_read(self, *, is_last: bool = False) -> None:
        """Convert the tensors that were read since the last call; called in the engine's thread between two tensors."""
        while self._unread and (is_last or _is_read(self._unread[0][1])):
            buffer, tensor = self._unread.popleft()
            # The engine reads none that is not in the file.
            if not _is_read(tensor):
                continue
            rows, row_bytes = _rows(tensor)
            step = _whole_rows(TASK_BYTES, row_bytes)
            self._tasks += [
                self._workers.submit(self._convert, buffer, tensor, first, min(step, rows - first), row_bytes)
                for first in range(0, rows, step)
            ]
            name = self._ggml.tensor_name(tensor).decode()
            self._tasks.append(self._workers.submit(self._files.drop, name))

    def _convert(self, buffer: int, tensor: int, first: int, rows: int, row_bytes: int) -> None:
        """Convert rows of a tensor in place: the engine gets them as tensors of their own."""
        convert = _Set(_pointer(buffer + _SET).value or 0)
        step = _whole_rows(SLICE_BYTES, row_bytes)
        part = (ctypes.c_uint8 * TENSOR_BYTES).from_buffer_copy(ctypes.string_at(tensor, TENSOR_BYTES))
        extents, data = (ctypes.c_int64 * 4).from_buffer(part, _EXTENTS), ctypes.c_void_p.from_buffer(part, _DATA)
        copied = ctypes.create_string_buffer(step * row_bytes)
        start = (data.value or 0) + first * row_bytes
        for row in range(0, rows, step):
            data.value, extents[1:] = start + row * row_bytes, [min(step, rows - row), 1, 1]
            n_bytes = extents[1] * row_bytes
            ctypes.memmove(copied, data.value, n_bytes)
            convert(buffer, ctypes.addressof(part), ctypes.addressof(copied), 0, n_bytes)

    def _is_known(self, kind: int) -> bool:
        device = self._ggml.buffer_device(kind)
        return (
            device is not None
            and _pointer(kind + _DEVICE).value == device
            and self._ggml.api_version(device) == API_VERSION
            and not _pointer(kind + _IS_HOST).value
            and self._ggml.tensor_bytes() == TENSOR_BYTES
        )

    def _alloc(self, own: Callable[[int, int], int | None], kind: int, size: int) -> int | None:
        buffer = own(kind, size)
        if not buffer or _pointer(buffer + _TYPE).value != kind or _pointer(buffer + _SIZE).value != size:
            return buffer
        _use_huge_pages(self._ggml.buffer_base(buffer), size)
        init, free = _Init(_pointer(buffer + _INIT).value or 0), _Free(_pointer(buffer + _FREE).value or 0)

        def init_tensor(buffer: int, tensor: int) -> int:
            if (status := int(init(buffer, tensor))) == 0 and not _pointer(tensor + _VIEWED).value:
                ctypes.memmove(_end(tensor) - len(MARK), MARK, len(MARK))
                self._unread.append((buffer, tensor))
            return status

        def free_buffer(buffer: int) -> None:
            # The load fails or is stopped.
            self._workers.shutdown(cancel_futures=True)
            self._unread.clear()
            self._tasks.clear()
            del self._buffers[buffer]
            free(buffer)

        self._buffers[buffer] = init, free
        self._replace(buffer + _INIT, _Init(init_tensor))
        self._replace(buffer + _FREE, _Free(free_buffer))
        _pointer(kind + _IS_HOST).value = _pointer(self._ggml.cpu_buffer_type() + _IS_HOST).value
        return buffer

    def _replace(self, address: int, function: Any) -> None:
        self._callbacks.append(function)
        _set_pointer(address, function)


def _is_read(tensor: int) -> bool:
    return ctypes.string_at(_end(tensor) - len(MARK), len(MARK)) != MARK


def _end(tensor: int) -> int:
    rows, row_bytes = _rows(tensor)
    return (_pointer(tensor + _DATA).value or 0) + rows * row_bytes


def _rows(tensor: int) -> tuple[int, int]:
    """Return the number of a tensor's rows, and the bytes of one."""
    extents = (ctypes.c_int64 * 4).from_address(tensor + _EXTENTS)
    return prod(extents[1:]), ctypes.c_size_t.from_address(tensor + _ROW).value


def _whole_rows(n_bytes: int, row_bytes: int) -> int:
    return max(1, n_bytes // row_bytes // ROWS) * ROWS


def _use_huge_pages(address: int, size: int) -> None:
    """Ask for huge pages, on Linux: a page fault for every 4 KiB takes as long as reading them."""
    if sys.platform == "linux":
        start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        # Refused where the system has none.
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(address + size - start), MADV_HUGEPAGE)


def _pointer(address: int) -> ctypes.c_void_p:
    return ctypes.c_void_p.from_address(address)


def _set_pointer(address: int, function: Any) -> None:
    _pointer(address).value = ctypes.cast(function, ctypes.c_void_p).value
