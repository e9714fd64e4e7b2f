"""Metadata of a model from its headers, cached while its files are unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.shards import named_shards, read_model
from model_manager.layout.origin import OriginSummary, origin_path, read_origin_summary


@dataclass(frozen=True)
class FileStamp:
    """State of a file: size in bytes (-1 where there is none) and modification time in nanoseconds."""

    path: str
    bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Return the present state of a file."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return cls(str(path), -1, 0)
        return cls(str(path), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class ModelMetadata:
    """Metadata of a model while its files have these stamps; ``problem`` is the code of a ``UserError``.

    The first stamp belongs to the model's first file, the last one to its origin, whose summary is ``origin``.
    """

    stamps: tuple[FileStamp, ...]
    bytes: int
    quantisation: str | None
    name: str | None
    problem: str | None
    origin: OriginSummary | None = None


def read_metadata(path: Path, cached: ModelMetadata | None = None) -> ModelMetadata:
    """Return the metadata of a model, from ``cached`` where its files are unchanged."""
    stamps = tuple(map(FileStamp.of, (*named_shards(path), origin_path(path))))
    if cached is not None and cached.stamps == stamps and cached.problem != "file_unreadable":
        return cached
    quantisation = name = problem = None
    n_bytes = max(stamps[0].bytes, 0)
    try:
        headers = read_model(path)
        n_bytes = sum(header.file_bytes for header in headers)
        quantisation, name = headers[0].quantisation, headers[0].name
        check_loadable(*headers)
    except UserError as error:
        problem = error.code
        if cached is not None and stamps[0].bytes < 0:
            # On a drive that isn't connected: the metadata is still valid.
            return replace(cached, stamps=stamps, problem=problem)
    return ModelMetadata(stamps, n_bytes, quantisation, name, problem, read_origin_summary(path))
