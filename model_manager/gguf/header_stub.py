"""Files that have a true header and nothing behind it: a model at its full size, at the cost of its header.

The engine rehearses a load on them, before the first byte of the tensors is there.  They are no models: they live in a
folder of their own and go with it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from model_manager.disk.space import make_sparse


@dataclass(frozen=True)
class Hollow:
    """One file: its name, its head (bytes from 0 up to where the tensor data begins) and its full size in bytes.

    For a file that is laid down otherwise than published these are ``target_head`` and ``target_bytes`` of its layout.
    """

    name: str
    head: bytes = field(repr=False)
    file_bytes: int


def write_sparse(head: bytes, file_bytes: int, path: Path) -> None:
    """Write ``head`` and let the file be ``file_bytes`` long, with a hole behind it.

    Where the file system knows no holes the length takes its room, or is refused.

    Raises OSError.
    """
    with path.open("wb") as file:
        make_sparse(file)
        file.write(head)
        file.truncate(max(file_bytes, len(head)))


@contextmanager
def hollow_model(files: Sequence[Hollow], folder: Path | None = None) -> Iterator[Path]:
    """The files of a model side by side, in a new folder in ``folder`` (the system's for short-lived files without
    one); yields the first, which stands for the model.  They are gone afterwards.

    Raises OSError.
    """
    with contextlib.ExitStack() as stack:
        # A child process that was ended a moment ago may still hold a file open on Windows.
        place = Path(
            stack.enter_context(tempfile.TemporaryDirectory("-rehearsal", dir=folder, ignore_cleanup_errors=True))
        )
        for each in files:
            write_sparse(each.head, each.file_bytes, place / Path(each.name).name)
        yield place / Path(files[0].name).name
