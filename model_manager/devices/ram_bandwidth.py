"""Measurement of the RAM's read bandwidth in a fraction of a second, with all cores and with one.

Method: the C library's search (``memchr``) for a byte that is not there, in buffers larger than one program's share
of a server cache.  The engine reaches seven tenths of that with weights.
"""

from __future__ import annotations

import ctypes
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from model_manager.devices.devices import RamSpeed, usable_cores

_BYTES = 256 << 20
_MAX_THREADS = 16
"""Enough cores for the full bandwidth of a memory."""
_ROUNDS = 3
_ROUNDS_TOGETHER = 8
"""More rounds, because a single other program delays all cores."""
_REACHED = 0.7
_SOUGHT = 1


def measure_ram() -> RamSpeed:
    """Measure the bandwidth of all cores and of one.  Allocates 256 MiB for a moment."""
    threads = min(usable_cores(), _MAX_THREADS)
    buffer = (ctypes.c_char * _BYTES)()
    # Pages that were never written all map to one physical page.
    ctypes.memset(buffer, 0, _BYTES)
    alone = _measured(buffer, 1, _ROUNDS)
    return RamSpeed(
        all_cores=alone if threads == 1 else max(alone, _measured(buffer, threads, _ROUNDS_TOGETHER)), one_core=alone
    )


def _measured(buffer: ctypes.Array[ctypes.c_char], threads: int, rounds: int) -> float:
    """The best of some rounds; ``ctypes`` releases the GIL, so the threads run in parallel."""
    seek = (ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)).memchr
    seek.argtypes, seek.restype = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t], ctypes.c_void_p
    size, start = _BYTES // threads, ctypes.addressof(buffer)
    parts = [start + number * size for number in range(threads)]
    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            begin = time.perf_counter()
            list(pool.map(lambda part: seek(part, _SOUGHT, size), parts))
            best = max(best, threads * size / (time.perf_counter() - begin))
    return _REACHED * best
