"""Simulated CUDA devices, with which loads on other machines are rehearsed.

They hold and compute nothing: in a rehearsal the engine only asks what devices support, how large a tensor becomes on
them and what they take out of host memory.  The answers are those of ggml-cuda for a card of 2018 or later
(``supports_op``, ``offload_op``, ``get_alloc_size`` and ``fattn.cu`` in llama-cpp-python 0.3.36), so far as graphs of
language models depend on them.  Structures are those of ggml-backend-impl.h, API version 2.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from ctypes import CFUNCTYPE, c_bool, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import cache
from typing import Any

from app.engine.child.ggml import API_VERSION, POINTER_BYTES, DeviceHandle, Ggml, Properties, pointer_at
from app.engine.child.memory.host_weights import TENSOR_BYTES
from model_manager.devices.devices import Device

_MEMORY_BYTES = 1 << 40
_ALIGNMENT, _ROW_PADDING = 128, 512
_OFFLOAD_MIN_BATCH = 32
_SUPER_BLOCK = 256
_BUFFER_TYPE = 11 * POINTER_BYTES
"""Offset in ggml_backend_buffer."""
_GPU = 1
_F32, _F16, _BF16, _I32, _I64 = 0, 1, 30, 26, 27
_FLOATS = frozenset({_F32, _F16, _BF16})
_CACHE_TYPES = _FLOATS | {2, 3, 6, 7, 8}
"""Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 besides."""
_IQ4_NL, _MXFP4, _NVFP4 = 20, 39, 40
_NOT_MULTIPLIED = frozenset({34, 35})
"""TQ1_0 and TQ2_0."""
_HADAMARD = 1
"""GGML_HINT_SRC0_IS_HADAMARD."""
_PRECISE = 10
"""GGML_PREC_F32."""
_EQUAL_HEADS = frozenset({40, 64, 72, 80, 96, 112, 128, 256})
_UNLIKE_HEADS = {192: (128, 8), 320: (256, 32), 512: (512, 1), 576: (512, 1)}
"""Sizes of keys' and values' heads, and what the number of heads that share a key is a multiple of."""
_ON_CPU = frozenset(
    {"WIN_PART", "WIN_UNPART", "GET_REL_POS", "ADD_REL_POS", "MAP_CUSTOM1", "MAP_CUSTOM2", "MAP_CUSTOM3", "CUSTOM"}
)
_ROWS_OF = frozenset({"NORM", "RMS_NORM", "L2_NORM", "SUM", "SUM_ROWS", "MEAN"})


class _Tensor(ctypes.Structure):
    """struct ggml_tensor."""

    _fields_ = (
        ("type", c_int),
        ("buffer", c_void_p),
        ("ne", c_int64 * 4),
        ("nb", c_size_t * 4),
        ("op", c_int),
        ("parameters", c_int * 16),
        ("flags", c_int),
        ("src", c_void_p * 10),
    )


class SimulatedDevices:
    """Devices of these names, for ``llama_model_params``; they stay valid as long as this object.

    There are none where the engine's structures are others.
    """

    def __init__(self, ggml: Ggml, names: Sequence[str]) -> None:
        self._kept: list[Any] = []
        """What the engine has pointers to."""
        self._ggml, function = ggml, cache(ggml.function)
        self._bytes = function("nbytes", c_size_t, c_void_p)
        self._rows = function("nrows", c_int64, c_void_p)
        self._allocate = function("backend_buft_alloc_buffer", c_void_p, c_void_p, c_size_t)
        self._row_bytes = function("row_size", c_size_t, c_int, c_int64)
        self._unit = cache(function("type_size", c_size_t, c_int))
        self._is_quantised = cache(function("is_quantized", c_bool, c_int))
        self._operation = cache(function("op_name", c_char_p, c_int))
        self._contiguous, self._contiguous_1, self._contiguous_2, self._contiguous_rows = (
            function(f"is_contiguous{kind}", c_bool, c_void_p) for kind in ("", "_1", "_2", "_rows")
        )
        self._least = int(os.environ.get("GGML_OP_OFFLOAD_MIN_BATCH") or _OFFLOAD_MIN_BATCH)
        self._registry = self._registry_of(names)
        self._buffer_types: dict[int, int] = {}
        """Devices by the type of their buffers."""
        is_known = ggml.tensor_bytes() == TENSOR_BYTES
        is_known = is_known and all(ggml.has_known_interface(each.pointer) for each in ggml.devices())
        self.handles = tuple(self._device(name) for name in names) if is_known else ()

    def _function(self, result: Any, *arguments: Any) -> Callable[[Callable[..., Any]], int]:
        def keep(function: Callable[..., Any]) -> int:
            made = CFUNCTYPE(result, *arguments)(function)
            self._kept.append(made)
            return ctypes.cast(made, c_void_p).value or 0

        return keep

    def _structure(self, *values: int | None) -> int:
        made = (c_void_p * len(values))(*values)
        self._kept.append(made)
        return ctypes.addressof(made)

    def _name(self, name: str) -> int:
        text = self._text(name.encode())
        return self._function(c_void_p, c_void_p)(lambda _own: text)

    def _text(self, text: bytes) -> int:
        made = ctypes.create_string_buffer(text)
        self._kept.append(made)
        return ctypes.addressof(made)

    def _registry_of(self, names: Sequence[str]) -> int:
        count = self._function(c_size_t, c_void_p)(lambda _own: len(names))
        nothing = self._function(c_void_p, c_void_p, c_char_p)(lambda _own, _name: None)
        # The version is an int before a pointer: little-endian on all systems of the program.
        return self._structure(API_VERSION, self._name("CUDA"), count, None, nothing, None)

    def _device(self, name: str) -> DeviceHandle:
        text = self._text(name.encode())
        device = self._structure(*[None] * 17)
        own_name = self._name(name)
        size = self._function(c_size_t, c_void_p, c_void_p)(lambda _own, tensor: self._tensor_bytes(tensor))
        alignment = self._function(c_size_t, c_void_p)(lambda _own: _ALIGNMENT)
        allocated = self._function(c_void_p, c_void_p, c_size_t)(self._state)
        buffers = self._structure(own_name, allocated, alignment, None, size, None, device, None)
        self._buffer_types[buffers] = device
        host = self._host_buffers(device)

        def memory(_own: int, free: Any, total: Any) -> None:
            free[0] = total[0] = _MEMORY_BYTES

        def properties(_own: int, found: Any) -> None:
            found[0] = Properties(
                ctypes.cast(text, c_char_p).value,
                b"",
                _MEMORY_BYTES,
                _MEMORY_BYTES,
                _GPU,
                None,
                True,
                True,
                False,
                True,
            )

        def backend(_own: int, _parameters: bytes | None) -> int:
            free = self._function(None, c_void_p)(lambda _own: None)
            values = [self._structure(0, 0), own_name, free, *[None] * 14, device, None]
            return self._structure(*values)

        sizes = ctypes.POINTER(c_size_t)
        functions: tuple[int | None, ...] = (
            own_name,
            own_name,
            self._function(None, c_void_p, sizes, sizes)(memory),
            self._function(c_int, c_void_p)(lambda _own: _GPU),
            self._function(None, c_void_p, ctypes.POINTER(Properties))(properties),
            self._function(c_void_p, c_void_p, c_char_p)(backend),
            self._function(c_void_p, c_void_p)(lambda _own: buffers),
            self._function(c_void_p, c_void_p)(lambda _own: host),
            None,
            self._function(c_bool, c_void_p, c_void_p)(self._supports),
            self._function(c_bool, c_void_p, c_void_p)(lambda _own, kind: kind == buffers),
            self._function(c_bool, c_void_p, c_void_p)(lambda _own, operation: self._offloads(operation)),
            self._function(c_void_p, c_void_p)(lambda _own: None),
            None,
            None,
            self._registry,
            None,
        )
        for number, value in enumerate(functions):
            pointer_at(device + number * POINTER_BYTES).value = value
        return DeviceHandle(device, Device(name, _MEMORY_BYTES, _MEMORY_BYTES, backend="CUDA"), name)

    def _state(self, kind: int, size: int) -> int | None:
        """Memory for a recurrent model's state, which the engine takes in rehearsals too: that of the processor."""
        buffer: int | None = self._allocate(self._ggml.cpu_buffer_type(), size + _ALIGNMENT)
        if buffer:
            pointer_at(buffer + _BUFFER_TYPE).value = kind
        return buffer

    def _host_buffers(self, device: int) -> int:
        """A buffer type like that of the processor, as drivers pin memory."""
        plain = self._ggml.cpu_buffer_type()
        own = self._function(c_void_p, c_void_p, c_size_t)(lambda _own, size: self._allocate(plain, size))
        alignment, size, is_host = (pointer_at(plain + number * POINTER_BYTES).value for number in (2, 4, 5))
        return self._structure(self._name("CUDA_Host"), own, alignment, None, size, is_host, device, None)

    def _tensor_bytes(self, address: int) -> int:
        size, tensor = int(self._bytes(address)), _Tensor.from_address(address)
        if self._operation(tensor.op) == b"FLASH_ATTN_EXT":
            query, *cache = (_Tensor.from_address(tensor.src[number]) for number in range(3))
            vectors = query.ne[0] <= 256 and query.ne[0] % 64 == 0 and query.ne[0] != 192
            if query.ne[1] > 2 or not vectors:
                # The kernels for many queries need keys and values in f16.
                for each in cache:
                    if each.type != _F16:
                        n_values = each.ne[0] * each.ne[1] * each.ne[2] * each.ne[3]
                        size = -(-size // _ALIGNMENT) * _ALIGNMENT + 2 * n_values
        if self._is_quantised(tensor.type) and tensor.ne[0] % _ROW_PADDING:
            size += self._row_bytes(tensor.type, _ROW_PADDING - tensor.ne[0] % _ROW_PADDING)
        return size

    def _offloads(self, address: int) -> bool:
        tensor = _Tensor.from_address(address)
        match self._operation(tensor.op):
            case b"GET_ROWS":
                return False
            case b"MUL_MAT":
                return bool(tensor.ne[1] >= self._least)
            case b"MUL_MAT_ID" | b"ROPE" | b"ROPE_BACK":
                return bool(tensor.ne[2] >= self._least)
            case _:
                return bool(self._rows(address) >= self._least)

    def _supports(self, device: int, address: int) -> bool:
        tensor = _Tensor.from_address(address)
        sources = [_Tensor.from_address(source) for source in tensor.src if source]
        for each in sources:
            owner = self._buffer_types.get(pointer_at(each.buffer + _BUFFER_TYPE).value or 0) if each.buffer else None
            if owner is not None and owner != device:
                return False
        operation = self._operation(tensor.op).decode()
        first = tensor.src[0]
        match operation:
            case "UNARY" | "GROUP_NORM" | "ROLL":
                return bool(self._contiguous(first))
            case "GLU":
                return bool(self._contiguous_1(first))
            case "ACC" | "IM2COL" | "IM2COL_3D" | "CONV_2D":
                return all(map(self._contiguous, tensor.src[:2]))
            case "ROPE":
                return bool(sources[0].nb[0] == self._unit(sources[0].type) and self._contiguous_2(first))
            case "MUL_MAT" | "MUL_MAT_ID":
                return self._multiplies(tensor, *sources[:2])
            case "GET_ROWS":
                kind = sources[0].type
                whole = kind not in (_IQ4_NL, _MXFP4) or sources[0].ne[0] % _SUPER_BLOCK == 0
                return whole and kind not in _NOT_MULTIPLIED and kind != _NVFP4
            case "SET_ROWS":
                from_floats = sources[0].type == _F32 and tensor.type in _CACHE_TYPES | {_IQ4_NL}
                return from_floats or sources[0].type == tensor.type == _F16
            case "CPY":
                kinds = {each.type for each in sources[:2]}
                return (
                    len(kinds) == 1 or kinds <= _FLOATS or (_F32 in kinds and kinds <= _CACHE_TYPES | {_I32, _IQ4_NL})
                )
            case "REPEAT":
                return sources[0].type in (_F32, _F16)
            case "SCALE":
                return sources[0].type in (_F32, _BF16) and sources[0].type == tensor.type
            case "ADD" | "SUB" | "MUL" | "DIV":
                kinds = {tensor.type, *(each.type for each in sources[:2])}
                return kinds <= {_F32, _F16} or (tensor.type == sources[0].type == _BF16 and kinds <= {_F32, _BF16})
            case "SSM_CONV":
                return bool(sources[0].ne[1] % 128 == 0)
            case "SSM_SCAN":
                state = sources[0].ne
                if sources[3].ne[0] == 1:
                    return state[0] in (96, 128, 256) and state[1] % 16 == 0
                is_plain = tensor.parameters[0] <= 1 and sources[4].ne[1] == 1
                return is_plain and (state[0], state[1], state[2] % 128) == (16, 1, 0)
            case "LIGHTNING_INDEXER":
                aligned = all(_is_aligned(each) or self._is_quantised(each.type) for each in sources[:2])
                return sources[0].ne[0] == 128 and sources[0].ne[1] in (32, 64) and aligned
            case "FLASH_ATTN_EXT":
                return self._attends(tensor, sources)
            case _:
                return operation not in _ON_CPU and (operation not in _ROWS_OF or bool(self._contiguous_rows(first)))

    def _multiplies(self, tensor: _Tensor, matrix: _Tensor, vectors: _Tensor) -> bool:
        if any(each.nb[0] != self._unit(each.type) for each in (matrix, vectors)):
            return False
        if vectors.type == _F16 and matrix.type != _F16 and tensor.parameters[1] != _HADAMARD:
            return False
        is_precise = self._operation(tensor.op) == b"MUL_MAT_ID" and tensor.parameters[3] == _PRECISE
        return not is_precise and matrix.type not in _NOT_MULTIPLIED

    def _attends(self, tensor: _Tensor, sources: Sequence[_Tensor]) -> bool:
        query, keys, values, *others = sources
        mask = others[0] if tensor.src[3] else None
        if not {keys.type, values.type} <= _CACHE_TYPES or (mask and mask.ne[2] != 1):
            return False
        if keys.ne[0] in _EQUAL_HEADS:
            return bool(keys.ne[0] == values.ne[0])
        if keys.ne[0] not in _UNLIKE_HEADS or mask is None:
            return False
        of_values, multiple = _UNLIKE_HEADS[keys.ne[0]]
        shared = query.ne[2] // keys.ne[2]
        has_bias = ctypes.c_float.from_buffer(tensor.parameters, 4).value != 0.0
        all_aligned = all(_is_aligned(each) or self._is_quantised(each.type) for each in (query, keys, values, mask))
        is_shared = shared >= 2 and shared % multiple == 0 and not has_bias
        return values.ne[0] == of_values and is_shared and all_aligned and keys.ne[1] % _SUPER_BLOCK == 0


def _is_aligned(tensor: _Tensor) -> bool:
    return all(step % 16 == 0 for step in tensor.nb[1:])
