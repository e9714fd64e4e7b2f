"""How fast this machine reads its RAM, measured in a fraction of a second: with every core, and with one alone.

Reading is the measure, by the C library's search for a byte that is not there.  The buffers are larger than what of a
large server's cache falls to one program; the engine reaches seven tenths of that with weights.
"""

from __future__ import annotations

import ctypes
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from model_manager.devices.devices import RamSpeed, usable_cores

_BYTES = 256 << 20
_MOST_THREADS = 16
"""Fewer cores than that take all a memory gives."""
_ROUNDS = 3
_ROUNDS_TOGETHER = 8
"""More of them, for it takes one other program to hold all cores up."""
_REACHED = 0.7
_SOUGHT = 1


def measure_ram() -> RamSpeed:
    """What all cores and what one core read of RAM.  Takes 256 MiB for a moment."""
    threads = min(usable_cores(), _MOST_THREADS)
    buffer = (ctypes.c_char * _BYTES)()
    # Pages that nobody wrote are all the same one.
    ctypes.memset(buffer, 0, _BYTES)
    alone = _measured(buffer, 1, _ROUNDS)
    return RamSpeed(
        all_cores=alone if threads == 1 else max(alone, _measured(buffer, threads, _ROUNDS_TOGETHER)), one_core=alone
    )


def _measured(buffer: ctypes.Array[ctypes.c_char], threads: int, rounds: int) -> float:
    """The best of some rounds; ``ctypes`` gives up Python's lock meanwhile, so the threads run side by side."""
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
