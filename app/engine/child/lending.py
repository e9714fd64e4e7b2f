"""llama.cpp's RPC server for this PC's devices, with a limit on the memory that other PCs can take.

The server reports what a device reports and allocates what it is asked for.  Here ``get_memory`` of the devices,
``alloc_buffer`` of their buffer types and ``free_buffer`` of the buffers are replaced by functions that count.  Their
offsets are those of ggml-backend-impl.h (API version 2), as in llama-cpp-python 0.3.36; they are checked against public
functions, and where one differs nothing is lent.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from app.config.settings import ALL_ADDRESSES
from app.engine.child.ggml import POINTER_BYTES, DeviceHandle, Ggml, pointer_at
from app.engine.child.rpc import check_server
from app.engine.protocol import Lend, Lending
from model_manager.devices.devices import read_memory, usable_cores
from model_manager.disk.files import error_detail
from model_manager.errors import UserError

START_S, CHECK_INTERVAL_S = 60.0, 0.05
"""Drivers of GPUs take some seconds."""
_GET_MEMORY, _ALLOC_BUFFER = 2 * POINTER_BYTES, POINTER_BYTES
"""Offsets in ggml_backend_device and ggml_backend_buffer_type, which both begin with ``get_name``."""
_Name = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)
_Memory = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_size_t))
_Allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def lend(command: Lend, ggml: Ggml, emit: Callable[[Lending], None]) -> None:
    """Serve until the process ends; emits ``Lending`` once other PCs can connect, and when they take or free memory.

    Raises:
        UserError: ``rpc_not_in_build``, ``lend_port_in_use`` (port), ``address_not_usable`` (host, port, detail),
            ``lend_refused`` for an engine with other structures.
    """
    if not ggml.has_rpc():
        raise UserError("rpc_not_in_build")
    try:
        # The server understands numbers only.
        host = socket.gethostbyname(command.host)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, command.port))
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise UserError("lend_port_in_use", port=command.port) from None
        detail = error_detail(error) if isinstance(error, OSError) else str(error)
        raise UserError("address_not_usable", host=command.host, port=command.port, detail=detail) from None
    handles = ggml.devices_in_use()
    lent = [each for each in handles if each.device.kind in ("gpu", "integrated_gpu") and not each.device.is_rpc]
    lent = lent or [each for each in handles if each.device.kind == "cpu"]
    meter = _MemoryMeter(ggml, lent, command.limit_bytes, emit)
    threading.Thread(target=meter.report_start, args=(host, command.port), daemon=True).start()
    pointers = (ctypes.c_void_p * len(lent))(*(each.pointer for each in lent))
    endpoint = f"{host}:{command.port}"
    ggml.serve_rpc(endpoint.encode(), command.cache.encode(), usable_cores(), len(lent), pointers)
    raise UserError("lend_port_in_use", port=command.port)


class _MemoryMeter:
    """Counts what other PCs allocate on the lent devices, and refuses what exceeds the limit."""

    def __init__(
        self, ggml: Ggml, devices: Sequence[DeviceHandle], limit_bytes: int | None, emit: Callable[[Lending], None]
    ) -> None:
        self._limit = limit_bytes
        self._emit = emit
        self._sizes: dict[int, int] = {}
        """Bytes of the buffers, by their addresses."""
        self._frees: dict[int, Any] = {}
        """Replacements of ``free_buffer`` by the replaced function."""
        self._kept: list[Any] = []
        """Functions that the engine has pointers to."""
        self._names = tuple(each.name for each in devices)
        self._total = sum(each.device.total_bytes for each in devices)
        for handle in devices:
            self._install(ggml, handle)

    def report_start(self, host: str, port: int) -> None:
        """Wait until the server accepts connections, and report it; ends the process if it does not."""
        own = "127.0.0.1" if host == ALL_ADDRESSES else host
        for _ in range(int(START_S / CHECK_INTERVAL_S)):
            try:
                check_server(f"{own}:{port}")
            except UserError:
                time.sleep(CHECK_INTERVAL_S)
            else:
                self._report()
                return
        os._exit(1)

    def _install(self, ggml: Ggml, handle: DeviceHandle) -> None:
        buffer_type = ggml.buffer_type(handle.pointer)
        named = _Name(pointer_at(handle.pointer).value or 0), _Name(pointer_at(buffer_type).value or 0)
        if not ggml.has_known_interface(handle.pointer):
            raise UserError("lend_refused")
        if (named[0](handle.pointer).decode(), named[1](buffer_type).decode()) != (handle.name, handle.buffers):
            raise UserError("lend_refused")
        share = handle.device.total_bytes / self._total if self._total else 1.0
        is_cpu = handle.device.kind == "cpu"
        memory = _Memory(pointer_at(handle.pointer + _GET_MEMORY).value or 0)

        def get_memory(device: int, free: Any, total: Any) -> None:
            memory(device, free, total)
            if is_cpu:
                free[0] = read_memory().available_bytes  # the engine reports all
            if self._limit is not None:
                most = int(self._limit * share)
                total[0] = min(total[0], most)
                free[0] = min(free[0], max(0, most - int(sum(self._sizes.values()) * share)))

        allocate = _Allocate(pointer_at(buffer_type + _ALLOC_BUFFER).value or 0)

        def alloc_buffer(type_: int, size: int) -> int | None:
            if self._limit is not None and sum(self._sizes.values()) + size > self._limit:
                return None
            buffer: int | None = allocate(type_, size)
            if buffer:
                self._sizes[buffer] = size
                slot = pointer_at(buffer)
                slot.value = ctypes.cast(self._freeing(slot.value or 0), ctypes.c_void_p).value
                self._report()
            return buffer

        for address, function in (
            (handle.pointer + _GET_MEMORY, _Memory(get_memory)),
            (buffer_type + _ALLOC_BUFFER, _Allocate(alloc_buffer)),
        ):
            self._kept.append(function)
            pointer_at(address).value = ctypes.cast(function, ctypes.c_void_p).value
        self._kept += memory, allocate

    def _freeing(self, address: int) -> Any:
        if address not in self._frees:
            free = _Free(address) if address else None

            def free_buffer(buffer: int) -> None:
                self._sizes.pop(buffer, None)
                if free is not None:
                    free(buffer)
                self._report()

            self._frees[address] = _Free(free_buffer)
        return self._frees[address]

    def _report(self) -> None:
        self._emit(Lending(self._names, sum(self._sizes.values())))
