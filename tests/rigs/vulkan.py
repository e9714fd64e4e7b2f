"""Two real Vulkan devices that are this processor: Mesa's llvmpipe, listed twice.

To the engine they are Vulkan0 and Vulkan1, GPU backends with memory of their own kind: the device list, free memory
that falls as it is taken, layer offload, tensor split and experts in RAM run on the code path of real cards.  The
first tokens of a child compile its shaders: half a minute, and some seconds once they are cached.  Keep to small
models, and to tensors below 128 MiB, where llvmpipe's buffers end.

A limit on the child's address space (``APUS_CHAT_ENGINE_WRAPPER``) makes allocations fail as a full card does.  Seen
with the starter, 8k of context, all layers on the two devices, which takes 1030 MiB of addresses:

    880 to 1000 MiB    abort: an assertion in the engine, or no thread for the driver
    660 to 830 MiB     segmentation fault: the driver hands out memory that is not there
    550 to 630 MiB     abort; with no layer on the devices a refusal, "failed to allocate buffer for kv cache"
    below 530 MiB      the driver's device does not come up

The three ways to end are what real drivers do too.  ``.ci/run`` installs Mesa's drivers and builds the engine.
"""

from __future__ import annotations

import ctypes.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / ".start" / "engine-vulkan"
SHADERS = ROOT / ".start" / "vulkan-shaders"
BUILD = "python3 start.py --backend vulkan --engine-into .start/engine-vulkan"
INSTALL = "apt-get install libvulkan-dev glslc spirv-headers mesa-vulkan-drivers"


def lacking() -> str | None:
    """The command that mends what is missing here, None where the rig is whole."""
    if ctypes.util.find_library("vulkan") is None or not list(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json")):
        return INSTALL
    return None if (ENGINE / "llama_cpp" / "lib" / "libggml-vulkan.so.0").exists() else BUILD


def environment() -> dict[str, str]:
    """What the program has to find around it for its engine children to see the two devices."""
    return {
        "PYTHONPATH": str(ENGINE),
        "GGML_VK_VISIBLE_DEVICES": "0,0",
        "VK_DRIVER_FILES": ":".join(map(str, Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))),
        "MESA_SHADER_CACHE_DIR": str(SHADERS),
        # Otherwise every thread of the C library reserves 64 MiB of addresses, where they are to be had.
        "MALLOC_ARENA_MAX": "1",
    }
