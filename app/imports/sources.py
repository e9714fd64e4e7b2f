"""The files of an import: one, those in a folder, or those in an archive, which is read without unpacking it."""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from app.imports.notes import Notes
from app.imports.program import SUFFIXES, ImportedFile
from model_manager.cancellation import CancelToken
from model_manager.disk.files import is_folder, open_regular
from model_manager.errors import UserError
from model_manager.progress import OnProgress, Progress

_DATABASES = ("cherrystudio.sqlite", "backup.sqlite")
_NAMES = (*SUFFIXES, *_DATABASES, *(f"{name}-wal" for name in _DATABASES))
"""Ends of the names of files that may contain conversations, in folders and archives."""
MAX_FILES = 200_000
MAX_BYTES = 16 << 30
"""Read in one pass, after decompression."""
MAX_RATIO, RATIO_FROM_BYTES = 300, 16 << 20
"""Of the size of a file in an archive to its compressed size, for larger ones; text reaches 20."""
DAMAGED_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, gzip.BadGzipFile)
"""What the libraries raise while a damaged or unsupported archive is opened and read."""


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass
class _CountingReader:
    """Passes the number of bytes of each read on."""

    _file: _Readable
    _count: Callable[[int], None]

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._count(len(content))
        return content


class Sources:
    """The files of one import, and how much of them has been read."""

    def __init__(self, notes: Notes, progress: OnProgress, cancel: CancelToken) -> None:
        self._notes, self._progress, self._cancel = notes, progress, cancel
        self.done = 0
        """Bytes that have been read; compressed ones of a gzip file."""
        self._total = self._unpacked = 0

    @contextmanager
    def files(self, path: Path) -> Iterator[list[ImportedFile]]:
        """Yield the files of ``path``, which can be read within the block.

        Raises ``UserError``: as ``open_regular``, ``import_archive_damaged`` (path, detail), ``import_too_many_files``
            (path, count).
        """
        if is_folder(path):
            yield self._linked(self._in_folder(path), path)
            return
        file, status = open_regular(path)
        with file:
            head = file.read(4)
            modified = datetime.fromtimestamp(status.st_mtime, UTC)
            if head[:2] != b"PK":
                self._total += status.st_size
                is_gzip = head[:2] == b"\x1f\x8b"
                name = path.name.removesuffix(".gz") if is_gzip else path.name
                yield [self._file(name, modified, lambda: self._plain(path, is_gzip))]
                return
            file.seek(0)
            try:
                archive = zipfile.ZipFile(file)
            except (*DAMAGED_ARCHIVE, OSError, ValueError) as error:
                raise UserError("import_archive_damaged", path=path, detail=str(error)) from error
            with archive:
                yield self._linked(self._in_archive(archive), path)

    def _in_folder(self, folder: Path) -> Iterator[ImportedFile]:
        for parent, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = Path(parent, name)
                # Links could lead in circles, and elsewhere.
                if name.lower().endswith(_NAMES) and not path.is_symlink() and path.is_file():
                    status = path.stat()
                    self._total += status.st_size
                    yield self._file(
                        path.relative_to(folder.parent).as_posix(),
                        datetime.fromtimestamp(status.st_mtime, UTC),
                        lambda path=path: self._plain(path),  # type: ignore[misc]
                    )

    def _in_archive(self, archive: zipfile.ZipFile) -> Iterator[ImportedFile]:
        for entry in sorted(archive.infolist(), key=lambda each: each.filename):
            if not entry.is_dir() and entry.filename.lower().endswith(_NAMES):
                self._total += entry.file_size
                try:
                    modified = datetime(*entry.date_time).astimezone(UTC)
                except (ValueError, OverflowError, OSError):
                    modified = datetime.now(UTC)
                yield self._file(
                    entry.filename,
                    modified,
                    lambda entry=entry: self._entry(archive, entry),  # type: ignore[misc]
                )

    def _file(self, name: str, modified: datetime, content: Callable[[], Iterator[_Readable]]) -> ImportedFile:
        return ImportedFile(name, modified, contextmanager(content), notes=self._notes, cancel=self._cancel)  # type: ignore[arg-type]

    def _linked(self, found: Iterable[ImportedFile], path: Path) -> list[ImportedFile]:
        """Let each file find those beside it."""
        files: dict[str, ImportedFile] = {}
        for file in found:
            self._cancel.raise_if_cancelled()
            files[file.name] = file
            if len(files) > MAX_FILES:
                raise UserError("import_too_many_files", path=path, count=MAX_FILES)
        return [replace(file, beside=partial(_beside, files, file.name)) for file in files.values()]

    def _plain(self, path: Path, is_gzip: bool = False) -> Iterator[_Readable]:
        with path.open("rb", buffering=0) as raw:
            reader: _Readable = _CountingReader(cast("_Readable", raw), self._count)
            if is_gzip:
                reader = _CountingReader(gzip.GzipFile(fileobj=cast("BinaryIO", reader)), self._limit)
            yield reader

    def _entry(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[_Readable]:
        if entry.flag_bits & 1:
            raise UserError("import_encrypted")
        if entry.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * entry.compress_size):
            raise UserError("import_bomb", bytes=entry.file_size)
        with archive.open(entry) as content:
            yield _CountingReader(content, self._count)

    def _count(self, n_bytes: int) -> None:
        self._cancel.raise_if_cancelled()
        self.done += n_bytes
        self._progress(Progress(min(self.done, self._total), self._total))
        self._limit(n_bytes)

    def _limit(self, n_bytes: int) -> None:
        self._unpacked += n_bytes
        if self._unpacked > MAX_BYTES:
            raise UserError("import_bomb", bytes=MAX_BYTES)


def _beside(files: dict[str, ImportedFile], name: str, other: str) -> ImportedFile | None:
    return files.get(name[: name.rfind("/") + 1] + other)
