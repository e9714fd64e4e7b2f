"""How fast this machine reads its RAM, measured in some tens of milliseconds with every core.

Copying is the measure, since every system can do that from Python without another library.  A copy reads and writes, so
it moves twice its bytes; reading alone, which is what the engine does with weights, reached three quarters of that.
"""

from __future__ import annotations

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor

from model_manager.devices import usable_cores

_BYTES_A_THREAD = 32 << 20
_MOST_BYTES = 512 << 20
_ROUNDS = 3
_READING = 0.75


def measure_ram_bandwidth(threads: int | None = None) -> float:
    """Bytes read in a second, the best of some rounds.  Takes 64 MiB a thread for a moment, more than most caches.

    ``ctypes`` gives up Python's lock while it copies, so the threads run side by side.
    """
    count = max(1, min(threads or usable_cores(), _MOST_BYTES // (2 * _BYTES_A_THREAD)))
    buffers = [((ctypes.c_char * _BYTES_A_THREAD)(), (ctypes.c_char * _BYTES_A_THREAD)()) for _ in range(count)]
    best = 0.0
    with ThreadPoolExecutor(count) as pool:
        for _ in range(_ROUNDS + 1):  # the first touches the pages
            begin = time.perf_counter()
            list(pool.map(_copy, buffers))
            best = max(best, 2 * count * _BYTES_A_THREAD / (time.perf_counter() - begin))
    return _READING * best


def _copy(pair: tuple[ctypes.Array[ctypes.c_char], ctypes.Array[ctypes.c_char]]) -> None:
    ctypes.memmove(pair[0], pair[1], _BYTES_A_THREAD)
