"""Header stubs: files with the header of a model, its full size and no data, at the cost of the header.

The engine rehearses a load on them before any tensor data exists.  They are kept in a temporary folder, away from
models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from model_manager.disk.space import make_sparse


@dataclass(frozen=True)
class HeaderStub:
    """One file: its name, its head (all bytes before the tensor data) and its full size in bytes.

    For a file with stacked experts these are ``target_head`` and ``target_bytes`` of its layout.
    """

    name: str
    head: bytes = field(repr=False)
    file_bytes: int


def write_sparse(head: bytes, file_bytes: int, path: Path) -> None:
    """Write ``head`` and extend the file to ``file_bytes`` with a hole.

    On a file system without holes the length takes its space, or is refused.  Raises ``OSError``.
    """
    with path.open("wb") as file:
        make_sparse(file)
        file.write(head)
        file.truncate(max(file_bytes, len(head)))


@contextmanager
def header_stubs(files: Sequence[HeaderStub], folder: Path | None = None) -> Iterator[Path]:
    """Write the stubs of a model to a temporary folder in ``folder``; yields the path of the first, to load.

    Raises ``OSError``.
    """
    # On Windows a child process that has just ended may still have a file open.
    with TemporaryDirectory("-rehearsal", dir=folder, ignore_cleanup_errors=True) as name:
        for each in files:
            write_sparse(each.head, each.file_bytes, Path(name, Path(each.name).name))
        yield Path(name, Path(files[0].name).name)
