"""Rehearsed graphs are split over devices as in a load.

Where all layers are on devices, the engine pins the norms and the last operation of each layer to the layer's own
device (``llama_context::graph_get_cb``).  A rehearsal loses that: ``ggml_backend_sched_reserve_size`` resets the
scheduler after the graph was built, and the norm at the beginning of a device's layers goes to the device before, which
changes the inputs and buffers of both.  Here a device supports none of the pinned operations of another one meanwhile,
nor what follows such an operation until the scheduler goes on to another device.  Then it comes to the same split.

The first device that is asked about such an operation is the layer's own: the engine asks it while it builds the graph.
Names and order as in llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.engine.child.ggml import POINTER_BYTES, DeviceHandle, Ggml, pointer_at

_PINNED = (b"norm-", b"l_last-")
_SUPPORTS = 9 * POINTER_BYTES
"""Offset of ``supports_op`` in ggml_backend_device."""
_Supports = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)


@contextmanager
def pinned_layers(ggml: Ggml, devices: Sequence[DeviceHandle]) -> Iterator[None]:
    """Keep pinned operations on their devices meanwhile; graphs of a model with all layers on these devices.

    Nothing changes where the engine's structures are not as expected.
    """
    owners: dict[bytes, int] = {}
    refusing: set[int] = set()
    """The device that refuses operations now, if any."""

    def replacement(device: int, own: ctypes._CFunctionType) -> ctypes._CFunctionType:
        def supports(asked: int, operation: int) -> bool:
            if not own(asked, operation):
                return False
            name = ggml.tensor_name(operation)
            is_pinned = name.startswith(_PINNED)
            is_own = owners.setdefault(name, device) == device if is_pinned else device not in refusing
            refusing.clear()
            if not is_own:
                refusing.add(device)
            return is_own

        return _Supports(supports)

    known = [each.pointer for each in devices if ggml.has_known_interface(each.pointer)]
    slots = {device: pointer_at(device + _SUPPORTS) for device in known if len(known) == len(devices) > 1}
    own = {device: slot.value for device, slot in slots.items()}
    kept = {device: replacement(device, _Supports(own[device] or 0)) for device in slots}
    try:
        for device, slot in slots.items():
            slot.value = ctypes.cast(kept[device], ctypes.c_void_p).value
        yield
    finally:
        for device, slot in slots.items():
            slot.value = own[device]
