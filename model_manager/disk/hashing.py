"""Reading and hashing of whole large files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import open_unmodified
from model_manager.errors import UserError
from model_manager.progress import OnProgress, Progress, ignore_progress

STEP_BYTES = 8 << 20
"""Read between two progress steps."""
READ_BYTES = 128 << 10
"""SHA-256 is twice as fast over 64 to 256 KiB as over 1 MiB, which exceeds the processor's cache."""


def sha256_of(path: Path, on_progress: OnProgress = ignore_progress, cancel: CancelToken = NEVER_CANCELLED) -> str:
    """Return the SHA-256 of a file, 64 lower-case hexadecimal digits.

    Progress is reported every 8 MiB.  Raises ``Cancelled``, and ``UserError`` as ``open_unmodified``, since the digest
    of a file that is written to meanwhile is that of no version of it.
    """
    digest = hashlib.sha256()
    with open_unmodified(path) as (file, status):
        done = read_all(file, status.st_size, (digest.update,), on_progress, cancel)
    if done != status.st_size:
        raise UserError("file_changed", path=path)
    return digest.hexdigest()


def read_all(
    file: BinaryIO,
    n_bytes: int,
    consumers: tuple[Callable[[memoryview], object], ...],
    on_progress: OnProgress,
    cancel: CancelToken,
) -> int:
    """Pass the content of an unbuffered file of ``n_bytes`` to each consumer; returns the bytes read.

    Raises ``Cancelled`` and ``OSError``.
    """
    done = 0
    # Ends for a file that another program appends to.
    while done <= n_bytes:
        cancel.raise_if_cancelled()
        step = read_step(file, *consumers)
        if not step:
            break
        done += step
        on_progress(Progress(min(done, n_bytes), n_bytes))
    return done


def read_step(file: BinaryIO, *consumers: Callable[[memoryview], object]) -> int:
    """Pass the next ``STEP_BYTES`` of an unbuffered file to each consumer; returns the bytes read."""
    buffer = memoryview(bytearray(READ_BYTES))
    done = 0
    while done < STEP_BYTES and (count := file.readinto(buffer)):  # type: ignore[attr-defined]
        for consumer in consumers:
            consumer(buffer[:count])
        done += count
    return done
