"""ggml functions that llama-cpp-python does not wrap: devices, backends and buffers.

The bundles have the engine's backends as modules (``GGML_BACKEND_DL``): the CPU's code several times, one module per
generation of processors, of which ggml loads the best.  Modules for GPUs may be in an external folder
(``app.engine.external_engine``).  An engine that was built for this machine (``start.py``) contains its backends.

Signatures from ggml-backend.h and ggml-rpc.h of the llama.cpp revision inside llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp

from app.engine.child.rpc import check_server
from app.engine.external_engine import VARIABLE
from model_manager.devices.devices import Device, DeviceKind
from model_manager.errors import UserError

API_VERSION = 2
"""Of the backends' interface (ggml-backend-impl.h), whose functions are found by their offsets."""
POINTER_BYTES = ctypes.sizeof(ctypes.c_void_p)
_REGISTRY = 15 * POINTER_BYTES
"""Offset in ggml_backend_device."""
MODULES = (".so", ".dll", ".dylib")
_KINDS: dict[int, DeviceKind] = {0: "cpu", 1: "gpu", 2: "integrated_gpu", 3: "accelerator"}
"""enum ggml_backend_dev_type: CPU, GPU, IGPU, ACCEL."""


GGML_TYPE_F32, GGML_TYPE_F16 = 0, 1
OBJECT_BYTES = 32
"""Size of ``ggml_object``, which precedes a tensor."""
OFFLOAD_WIDTH, OFFLOAD_TOKENS = 256, 4096
"""A product of matrices that devices are asked about, with more tokens than any threshold."""


class _InitParameters(ctypes.Structure):
    """struct ggml_init_params of ggml.h."""

    _fields_ = (("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))


class Properties(ctypes.Structure):
    """struct ggml_backend_dev_props of ggml-backend.h, with its ggml_backend_dev_caps."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("memory_free", ctypes.c_size_t),
        ("memory_total", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("device_id", ctypes.c_char_p),
        ("asynchronous", ctypes.c_bool),
        ("host_buffer", ctypes.c_bool),
        ("buffer_from_host_ptr", ctypes.c_bool),
        ("events", ctypes.c_bool),
        ("mmap_support", ctypes.c_bool),
    )


_REGISTRY_FUNCTIONS: tuple[tuple[Any, ...], ...] = (
    ("dev_count", ctypes.c_size_t),
    ("dev_get", ctypes.c_void_p, ctypes.c_size_t),
    ("reg_count", ctypes.c_size_t),
    ("reg_get", ctypes.c_void_p, ctypes.c_size_t),
    ("register", None, ctypes.c_void_p),
)
"""Name without ``ggml_backend_``, result and arguments of functions in ``ggml``."""
_BASE_FUNCTIONS: tuple[tuple[Any, ...], ...] = (
    ("buffer_get_base", ctypes.c_void_p, ctypes.c_void_p),
    ("buft_get_device", ctypes.c_void_p, ctypes.c_void_p),
    ("cpu_buffer_type", ctypes.c_void_p),
    ("dev_backend_reg", ctypes.c_void_p, ctypes.c_void_p),
    ("dev_buffer_type", ctypes.c_void_p, ctypes.c_void_p),
    ("dev_host_buffer_type", ctypes.c_void_p, ctypes.c_void_p),
    ("dev_get_props", None, ctypes.c_void_p, ctypes.POINTER(Properties)),
    ("dev_init", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p),
    ("dev_offload_op", ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p),
    ("buft_name", ctypes.c_char_p, ctypes.c_void_p),
    ("free", None, ctypes.c_void_p),
    ("reg_get_proc_address", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p),
    ("reg_name", ctypes.c_char_p, ctypes.c_void_p),
    ("synchronize", None, ctypes.c_void_p),
)
"""The same for ``ggml-base``."""


@dataclass(frozen=True)
class DeviceHandle:
    """A device with the engine's pointer to it."""

    pointer: int
    device: Device
    buffers: str
    """Name of its buffers in the engine's log."""
    uses_host_memory: bool = False
    """Whether it computes directly with a file that is mapped into host memory."""
    splits_rows: bool = False
    """Whether its backend has buffers that span several devices."""

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name


class Ggml:
    """The ggml library that libllama uses."""

    def __init__(self) -> None:
        self._folder = Path(llama_cpp.__file__).parent / "lib"
        self._lib = self._open("ggml")
        self._base = self._open("ggml-base")
        added = os.environ.get(VARIABLE)
        _load_backends(self._lib, self._folder, Path(added) if added else None)
        for library, functions in ((self._lib, _REGISTRY_FUNCTIONS), (self._base, _BASE_FUNCTIONS)):
            for name, result, *arguments in functions:
                function = getattr(library, f"ggml_backend_{name}")
                function.restype, function.argtypes = result, arguments
        self._base.ggml_graph_n_nodes.argtypes = self._base.ggml_graph_nodes.argtypes = [ctypes.c_void_p]
        self._base.ggml_graph_nodes.restype = ctypes.c_void_p
        self._base.ggml_init.argtypes, self._base.ggml_init.restype = [_InitParameters], ctypes.c_void_p
        self._base.ggml_free.argtypes, self._base.ggml_free.restype = [ctypes.c_void_p], None
        self._base.ggml_get_name.argtypes, self._base.ggml_get_name.restype = [ctypes.c_void_p], ctypes.c_char_p
        self._base.ggml_tensor_overhead.restype = ctypes.c_size_t
        new, multiply = self._base.ggml_new_tensor_2d, self._base.ggml_mul_mat
        new.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
        multiply.argtypes = [ctypes.c_void_p] * 3
        new.restype = multiply.restype = ctypes.c_void_p

    def devices(self) -> list[DeviceHandle]:
        """List all devices with their current memory, in the engine's order."""
        count = self._lib.ggml_backend_dev_count()
        return [self._device(self._lib.ggml_backend_dev_get(index)) for index in range(count)]

    def _device(self, pointer: int) -> DeviceHandle:
        found = Properties()
        self._base.ggml_backend_dev_get_props(pointer, ctypes.byref(found))
        registry = self._base.ggml_backend_dev_backend_reg(pointer)
        buffers = self._base.ggml_backend_buft_name(self._base.ggml_backend_dev_buffer_type(pointer))
        device = Device(
            name=found.name.decode(errors="replace"),
            description=(found.description or b"").decode(errors="replace"),
            backend=self._base.ggml_backend_reg_name(registry).decode(),
            kind=_KINDS.get(found.type, "accelerator"),
            total_bytes=found.memory_total,
            free_bytes=found.memory_free,
            pci_bus_id=(found.device_id or b"").decode(errors="replace"),
            offloads=self._offloads(pointer),
        )
        split = self._base.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_split_buffer_type")
        return DeviceHandle(pointer, device, buffers.decode(), found.buffer_from_host_ptr, bool(split))

    def _offloads(self, device: int) -> bool:
        """Ask the device whether it takes a matrix out of host memory to multiply it with many tokens."""
        context = self._base.ggml_init(_InitParameters(4096, None, True))
        weights = self._base.ggml_new_tensor_2d(context, GGML_TYPE_F16, OFFLOAD_WIDTH, OFFLOAD_WIDTH)
        tokens = self._base.ggml_new_tensor_2d(context, GGML_TYPE_F32, OFFLOAD_WIDTH, OFFLOAD_TOKENS)
        found = self._base.ggml_backend_dev_offload_op(device, self._base.ggml_mul_mat(context, weights, tokens))
        self._base.ggml_free(context)
        return bool(found)

    def devices_in_use(self) -> list[DeviceHandle]:
        """List the usable devices with the memory that is free once their backend is initialised.

        A driver reserves some hundred MiB for a program that computes with it, and reports them as free before.  A
        device whose backend cannot be initialised is left out.
        """
        kept = []
        for handle in self.devices():
            if handle.device.kind not in ("gpu", "integrated_gpu"):
                kept.append(handle)
            elif backend := self._base.ggml_backend_dev_init(handle.pointer, None):
                kept.append(self._device(handle.pointer))
                self._base.ggml_backend_free(backend)
            else:
                sys.stderr.write(f"the backend of {handle.name} cannot be initialised\n")
        return kept

    def backends(self) -> tuple[str, ...]:
        """Backends of this build, with devices or without: CPU, CUDA, Vulkan, RPC, ..."""
        count = self._lib.ggml_backend_reg_count()
        names = (self._base.ggml_backend_reg_name(self._lib.ggml_backend_reg_get(i)).decode() for i in range(count))
        return tuple(name for name in names if not name.startswith("RPC["))

    def add_rpc_servers(self, servers: Sequence[str], *, are_checked: bool = False) -> None:
        """Add the devices of llama.cpp RPC servers (HOST:PORT) to the list.

        Raises:
            UserError: ``rpc_not_in_build``; as ``check_server`` with ``server``.
        """
        known = self.rpc_servers()
        for server in servers:
            if server in known:
                continue
            add = self._rpc.ggml_backend_rpc_add_server
            if not are_checked:
                check_server(server)
            add.restype, add.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
            registry = add(server.encode())
            if not registry:
                raise UserError("rpc_server_unreachable", server=server)
            self._lib.ggml_backend_register(registry)

    def serve_rpc(self, endpoint: bytes, cache: bytes, threads: int, count: int, devices: Any) -> None:
        """Run the RPC server for some devices; returns only if it cannot serve."""
        start = self._rpc.ggml_backend_rpc_start_server
        start.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
        start.restype = None
        start(endpoint, cache, threads, count, devices)

    def function(self, name: str, result: Any, *arguments: Any) -> Any:
        """Return a function of ``ggml-base`` without ``ggml_`` in its name, for these types."""
        function = self._base[f"ggml_{name}"]
        function.restype, function.argtypes = result, arguments
        return function

    def cpu_backend(self, threads: int) -> int | None:
        """Initialise a backend that computes on the processor, for ``free``; None where this engine has none."""
        for handle in self.devices():
            if handle.device.kind == "cpu" and (backend := self._base.ggml_backend_dev_init(handle.pointer, None)):
                registry = self._base.ggml_backend_dev_backend_reg(handle.pointer)
                address = self._base.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_set_n_threads")
                if address:
                    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)(address)(backend, threads)
                return int(backend)
        return None

    def new_context(self, size: int) -> int:
        """Make a context of some bytes for the descriptions of tensors and graphs, for ``free``."""
        return int(self._base.ggml_init(_InitParameters(size, None, True)))

    def free(self, context: int, backend: int) -> None:
        """Free both."""
        self._base.ggml_free(context)
        self._base.ggml_backend_free(backend)

    def buffer_type(self, device: int) -> int:
        """Return the type of a device's buffers."""
        return int(self._base.ggml_backend_dev_buffer_type(device))

    def has_rpc(self) -> bool:
        """Whether this build has the RPC backend."""
        try:
            return self._rpc is not None
        except UserError:
            return False

    def rpc_servers(self) -> set[str]:
        """The servers whose devices are in the list."""
        return {handle.device.description for handle in self.devices() if handle.device.is_rpc}

    def has_known_interface(self, device: int) -> bool:
        """Whether a device's functions are at the known offsets."""
        registry = self._base.ggml_backend_dev_backend_reg(device)
        version = ctypes.c_int.from_address(registry).value
        return version == API_VERSION and pointer_at(device + _REGISTRY).value == registry

    def graph_nodes(self, graph: int) -> tuple[int, int | None]:
        """Return the number of a graph's nodes and the address of their list."""
        return self._base.ggml_graph_n_nodes(graph), self._base.ggml_graph_nodes(graph)

    def tensor_name(self, tensor: int) -> bytes:
        """Return a tensor's name."""
        return bytes(self._base.ggml_get_name(tensor))

    def synchronize(self, backend: int) -> None:
        """Wait until a backend has computed what it was given."""
        self._base.ggml_backend_synchronize(backend)

    def cpu_buffer_type(self) -> int:
        """Buffer type of plain host memory."""
        return int(self._base.ggml_backend_cpu_buffer_type())

    def host_buffer_types(self) -> set[int]:
        """Buffer types of plain host memory, and of that which the drivers of devices pin."""
        pinned = (self._base.ggml_backend_dev_host_buffer_type(each.pointer) for each in self.devices())
        return {self.cpu_buffer_type(), *filter(None, pinned)}

    def repacked_buffer_type(self) -> int | None:
        """Buffer type of weights in the processor's own order; None where this processor or build has none."""
        for handle in self.devices():
            registry = self._base.ggml_backend_dev_backend_reg(handle.pointer)
            address = self._base.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_dev_get_extra_bufts")
            if handle.device.kind != "cpu" or not address:
                continue
            kinds = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)(address)(handle.pointer)
            for kind in takewhile(bool, kinds):
                if self._base.ggml_backend_buft_name(kind) == b"CPU_REPACK":
                    return int(kind)
        return None

    def buffer_device(self, kind: int) -> int | None:
        """Return the device of a buffer type."""
        found: int | None = self._base.ggml_backend_buft_get_device(kind)
        return found

    def buffer_base(self, buffer: int) -> int:
        """Return the address of a buffer's memory."""
        return int(self._base.ggml_backend_buffer_get_base(buffer))

    def tensor_bytes(self) -> int:
        """Return the size of ``ggml_tensor``."""
        return int(self._base.ggml_tensor_overhead()) - OBJECT_BYTES

    @cached_property
    def _rpc(self) -> ctypes.CDLL:
        try:
            return self._open("ggml-rpc")
        except OSError:
            raise UserError("rpc_not_in_build") from None

    def _open(self, name: str) -> ctypes.CDLL:
        # The wheel contains copies of the libraries, not links: the versioned name is the copy that libllama uses, the
        # plain name would be a second registry of devices.
        pattern = {"win32": f"{name}.dll", "darwin": f"lib{name}.0.dylib"}.get(sys.platform, f"lib{name}.so.0")
        path = self._folder / pattern
        if not path.exists():
            # Backend modules have no version in their names.
            ending = {"win32": "dll", "darwin": "dylib"}.get(sys.platform, "so")
            path = self._folder / f"lib{name}.{ending}"
        return ctypes.CDLL(str(path))


def pointer_at(address: int) -> ctypes.c_void_p:
    """Return the pointer at an address, to read or replace it."""
    return ctypes.c_void_p.from_address(address)


def _load_backends(registry: ctypes.CDLL, libraries: Path, added: Path | None) -> None:
    """Load the modules beside the engine's libraries, then those in ``added``.

    ``registry`` is ggml's library with the list of backends (ggml-backend-reg.cpp).
    """
    if not any(_is_cpu_module(path) for path in libraries.iterdir()):
        return
    load_all, load = registry.ggml_backend_load_all_from_path, registry.ggml_backend_load
    load_all.argtypes, load_all.restype = [ctypes.c_char_p], None
    load.argtypes, load.restype = [ctypes.c_char_p], ctypes.c_void_p
    load_all(str(libraries).encode())
    for path in sorted(added.iterdir()) if added else ():
        if path.name.removeprefix("lib").startswith("ggml-") and path.suffix in MODULES and not load(bytes(path)):
            sys.stderr.write(f"{path} could not be loaded as a backend\n")


def _is_cpu_module(path: Path) -> bool:
    # ``libggml-cpu-haswell.so``; an engine with its backends inside has ``libggml-cpu.so`` alone.
    return path.name.removeprefix("lib").startswith("ggml-cpu-") and path.suffix in MODULES
