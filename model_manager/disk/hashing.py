"""SHA-256 of a large file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import open_regular, read_error
from model_manager.errors import UserError
from model_manager.progress import OnProgress, Progress, ignore_progress

PIECE_BYTES = 8 << 20


def sha256_of(path: Path, on_progress: OnProgress = ignore_progress, cancel: CancelToken = NEVER_CANCELLED) -> str:
    """Return the SHA-256 of a file, 64 lower-case hexadecimal digits.

    Progress is reported every 8 MiB, which is also the memory used.

    Raises ``Cancelled``, and ``UserError`` as ``open_regular``, or file_changed(path) where the file is written to
    meanwhile, since the digest is then that of no version of it.
    """
    digest = hashlib.sha256()
    file, before = open_regular(path)
    with file:
        piece = memoryview(bytearray(min(PIECE_BYTES, max(1, before.st_size))))
        done = 0
        # Ends for a file that another program appends to.
        while done <= before.st_size:
            cancel.raise_if_cancelled()
            try:
                count = file.readinto(piece)  # type: ignore[attr-defined]
            except OSError as error:
                raise read_error(error, path) from error
            if not count:
                break
            digest.update(piece[:count])
            done += count
            on_progress(Progress(done, before.st_size))
        after = os.fstat(file.fileno())
    if done != before.st_size or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise UserError("file_changed", path=path)
    return digest.hexdigest()
