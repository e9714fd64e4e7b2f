"""The engine's device list: ggml's own functions, which llama-cpp-python does not wrap.

Signatures from ggml-backend.h and ggml-rpc.h of the llama.cpp revision inside llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import ctypes
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import llama_cpp

from app.engine.protocol import EngineDevice
from model_manager.errors import UserError

_KINDS = {0: "cpu", 1: "gpu", 2: "gpu", 3: "accelerator"}
"""enum ggml_backend_dev_type: CPU, GPU, IGPU, ACCEL."""

RPC_CONNECT_S = 5.0


@dataclass(frozen=True)
class DeviceHandle:
    """A device with the engine's pointer to it."""

    pointer: int
    facts: EngineDevice


class Ggml:
    """The ggml library that libllama uses."""

    def __init__(self) -> None:
        self._folder = Path(llama_cpp.__file__).parent / "lib"
        self._lib = self._open("ggml")
        self._base = self._open("ggml-base")
        self._lib.ggml_backend_dev_count.restype = ctypes.c_size_t
        self._lib.ggml_backend_dev_get.restype = ctypes.c_void_p
        self._lib.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
        self._lib.ggml_backend_register.restype = None
        self._lib.ggml_backend_register.argtypes = [ctypes.c_void_p]
        results: tuple[tuple[str, type[ctypes._SimpleCData[Any]]], ...] = (
            ("ggml_backend_dev_name", ctypes.c_char_p),
            ("ggml_backend_dev_description", ctypes.c_char_p),
            ("ggml_backend_dev_type", ctypes.c_int),
            ("ggml_backend_dev_backend_reg", ctypes.c_void_p),
            ("ggml_backend_reg_name", ctypes.c_char_p),
        )
        for name, result in results:
            function = getattr(self._base, name)
            function.restype, function.argtypes = result, [ctypes.c_void_p]
        self._base.ggml_backend_dev_memory.restype = None
        self._base.ggml_backend_dev_memory.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_size_t),
            ctypes.POINTER(ctypes.c_size_t),
        ]

    def devices(self) -> list[DeviceHandle]:
        """All devices with memory as it is now, in the engine's order."""
        handles = []
        for index in range(self._lib.ggml_backend_dev_count()):
            pointer = self._lib.ggml_backend_dev_get(index)
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            self._base.ggml_backend_dev_memory(pointer, ctypes.byref(free), ctypes.byref(total))
            registry = self._base.ggml_backend_dev_backend_reg(pointer)
            handles.append(
                DeviceHandle(
                    pointer,
                    EngineDevice(
                        name=self._base.ggml_backend_dev_name(pointer).decode(),
                        description=self._base.ggml_backend_dev_description(pointer).decode(errors="replace"),
                        backend=self._base.ggml_backend_reg_name(registry).decode(),
                        kind=_KINDS.get(self._base.ggml_backend_dev_type(pointer), "accelerator"),
                        total_bytes=total.value,
                        free_bytes=free.value,
                    ),
                )
            )
        return handles

    def add_rpc_servers(self, servers: Sequence[str]) -> None:
        """Make the devices of llama.cpp RPC servers (HOST:PORT) part of the list.

        Raises:
            UserError: ``rpc_not_in_build``, or ``rpc_server_unreachable`` with ``server``.
        """
        known = {device.facts.description for device in self.devices()}
        for server in servers:
            if server in known:
                continue
            _check_listening(server)
            add = self._rpc.ggml_backend_rpc_add_server
            add.restype, add.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
            registry = add(server.encode())
            if not registry:
                raise UserError("rpc_server_unreachable", server=server)
            self._lib.ggml_backend_register(registry)

    def cpu_buffer_type(self) -> int:
        """The buffer type of plain host memory."""
        function = self._base.ggml_backend_cpu_buffer_type
        function.restype = ctypes.c_void_p
        return int(function())

    @cached_property
    def _rpc(self) -> ctypes.CDLL:
        try:
            return self._open("ggml-rpc")
        except OSError:
            raise UserError("rpc_not_in_build") from None

    def _open(self, name: str) -> ctypes.CDLL:
        # The wheel holds copies of the libraries, not links: by the versioned name one gets the copy that libllama has
        # loaded, by the plain name a second registry of devices.
        pattern = {"win32": f"{name}.dll", "darwin": f"lib{name}.0.dylib"}.get(sys.platform, f"lib{name}.so.0")
        path = self._folder / pattern
        if not path.exists() and sys.platform == "darwin":
            path = self._folder / f"lib{name}.dylib"
        return ctypes.CDLL(str(path))


def _check_listening(server: str) -> None:
    # The engine aborts the whole process where nobody listens.
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), RPC_CONNECT_S):
            return
    except (OSError, ValueError):
        raise UserError("rpc_server_unreachable", server=server) from None
