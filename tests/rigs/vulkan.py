"""Two Vulkan devices that are this CPU: Mesa's llvmpipe, listed twice.

The engine sees Vulkan0 and Vulkan1: device list, free memory, layer offload, tensor split and experts in RAM use the
code path of real GPUs.  The first tokens of a child compile its shaders: half a minute, some seconds once cached.  Use
small models with tensors below 128 MiB, the limit of llvmpipe's buffers.

A limit on the child's address space (``APUS_CHAT_ENGINE_WRAPPER``) makes allocations fail as on a full GPU.  Observed
with the starter, 8k context and all layers on the two devices, which needs 1030 MiB of address space:

    880 to 1000 MiB    abort: an assertion in the engine, or no thread for the driver
    660 to 830 MiB     segmentation fault: the driver returns invalid memory
    550 to 630 MiB     abort; with no layer on the devices a refusal, "failed to allocate buffer for kv cache"
    below 530 MiB      the driver's device does not start

Real drivers fail in the same three ways.  ``.ci/run`` installs Mesa's drivers and builds the engine.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHADERS = ROOT / ".start" / "vulkan-shaders"
BUILD = "python3 start.py --backend vulkan devices"
INSTALL = "apt-get install libvulkan-dev glslc spirv-headers mesa-vulkan-drivers"


def lacking() -> str | None:
    """Return the command that installs what is missing, None if the rig is complete."""
    if ctypes.util.find_library("vulkan") is None or not list(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json")):
        return INSTALL
    engine = importlib.util.find_spec("llama_cpp")
    folders = map(Path, (engine and engine.submodule_search_locations) or ())
    return None if any((folder / "lib" / "libggml-vulkan.so.0").exists() for folder in folders) else BUILD


def environment() -> dict[str, str]:
    """Return the environment in which engine children see the two devices."""
    return {
        "GGML_VK_VISIBLE_DEVICES": "0,0",
        "VK_DRIVER_FILES": ":".join(map(str, Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))),
        "MESA_SHADER_CACHE_DIR": str(SHADERS),
        # Otherwise the C library reserves 64 MiB of address space per thread.
        "MALLOC_ARENA_MAX": "1",
    }
