"""Which of the engine's devices get layers where nobody chose: one rule for the child, the plan and the picture."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.protocol import EngineDevice


def usual_devices(devices: Sequence[EngineDevice]) -> tuple[EngineDevice, ...]:
    """What llama.cpp takes by itself (``llama_prepare_model_devices`` in its ``src/llama.cpp``).

    RPC servers first, then GPUs, each card once though two backends know it, and integrated GPUs of one backend only
    where there is no other GPU.
    """
    servers: list[EngineDevice] = []
    gpus: dict[str, EngineDevice] = {}
    integrated: list[EngineDevice] = []
    for device in devices:
        if device.backend.startswith("RPC"):
            servers.append(device)
        elif device.kind == "gpu":
            gpus.setdefault(device.pci_bus_id or device.name, device)
        elif device.kind == "integrated_gpu" and (not integrated or integrated[0].backend == device.backend):
            integrated.append(device)
    return (*servers, *(gpus.values() or integrated))
