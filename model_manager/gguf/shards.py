"""Shards of a model split into several GGUF files, named ``NAME-00001-of-00003.gguf``.

Source of the naming and of the ``split.*`` keys: ``llama_split_path`` in ``src/llama.cpp`` and
``src/llama-model-loader.cpp`` of llama.cpp, which loads the first file.
"""

from __future__ import annotations

import re
from pathlib import Path

from model_manager.disk.files import is_file
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, read_header

_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
_MAX_SHARDS = 1000
"""Several times those of the largest models."""


def named_shards(path: Path) -> tuple[Path, ...]:
    """Return the files of the model by the name of ``path`` alone, in order; only ``path`` where it isn't a shard."""
    match = _SHARD.fullmatch(path.name)
    if match is None or not 1 <= int(match["number"]) <= int(match["count"]) <= _MAX_SHARDS:
        return (path,)
    count = int(match["count"])
    return tuple(path.with_name(f"{match['stem']}-{i:05}-of-{count:05}.gguf") for i in range(1, count + 1))


def first_shard(path: Path) -> Path:
    """Return the file to load: the first shard where it exists, else ``path``."""
    first = named_shards(path)[0]
    return first if is_file(first) else path


def model_stem(path: Path) -> str:
    """Return the file's name without ``.gguf`` and without the number of the shard."""
    match = _SHARD.fullmatch(path.name)
    return match["stem"] if match else path.stem


def shard_paths(header: GgufHeader) -> tuple[Path, ...]:
    """Return all files of the model that ``header`` belongs to, in order.

    Raises ``UserError``: shard_misnamed(path, number, count) where the name doesn't match the header, so that the
    others can't be found; shard_missing(path) for the first missing one.
    """
    if header.split_count == 1:
        return (header.path,)
    paths = named_shards(header.path)
    number = header.split_number
    if len(paths) != header.split_count or not 0 <= number < len(paths) or paths[number].name != header.path.name:
        raise UserError("shard_misnamed", path=header.path, number=number + 1, count=header.split_count)
    for path in paths:
        if not is_file(path):
            raise UserError("shard_missing", path=path)
    return paths


def read_model(path: Path, *, whole: bool = True) -> tuple[GgufHeader, ...]:
    """Return the headers of all files of a model in order; ``path`` may be any of them.

    The metadata of the model is in the first, its tensors are in all of them.

    Raises ``UserError`` as ``read_header`` and ``shard_paths``, and gguf_damaged(path, detail) where the files don't
    belong together.
    """
    header = read_header(path, whole=whole)
    paths = shard_paths(header)
    if len(paths) == 1:
        return (header,)
    headers = tuple(header if each == path else read_header(each, whole=whole) for each in paths)
    for number, each in enumerate(headers):
        if each.split_number != number or (number and each.split_count not in (1, len(headers))):
            detail = f"shard {each.split_number} of {each.split_count}, expected {number} of {len(headers)}"
            raise UserError("gguf_damaged", path=each.path, detail=detail)
    names = [tensor.name for each in headers for tensor in each.tensors]
    expected = headers[0].integer("split.tensors.count")
    if len(set(names)) != len(names) or expected not in (None, len(names)):
        detail = f"{len(names)} tensors in all, {len(set(names))} of them different, expected {expected}"
        raise UserError("gguf_damaged", path=headers[0].path, detail=detail)
    return headers
