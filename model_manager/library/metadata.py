"""What the headers of a model say, found out once and taken from memory for as long as its files stay the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.shards import named_shards, read_model
from model_manager.layout.origin import origin_path
from model_manager.layout.origin_summary import read_summary
from model_manager.library.registry import Facts, Stamp


def facts_of(path: Path, before: Facts | None) -> Facts:
    """What the headers say, from ``before`` where the files are still the same."""
    shards = named_shards(path)
    stamps = tuple(map(Stamp.of, (*shards, origin_path(path))))
    if before is not None and before.stamps == stamps and before.problem != "file_unreadable":
        return before
    try:
        headers = read_model(path)
    except UserError as error:
        if before is not None and stamps[0].bytes < 0:
            # A disk that is not plugged in: what was known of the file stays true of it.
            return replace(before, stamps=stamps, problem=error.code)
        origin = read_summary(path)
        return Facts(stamps, max(stamps[0].bytes, 0), quantisation=None, name=None, problem=error.code, origin=origin)
    problem = None
    try:
        check_loadable(*headers)
    except UserError as error:
        problem = error.code
    n_bytes = sum(header.file_bytes for header in headers)
    return Facts(stamps, n_bytes, headers[0].quantisation, headers[0].name, problem, read_summary(path))
