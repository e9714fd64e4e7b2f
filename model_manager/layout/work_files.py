"""Names of the files that an interrupted conversion or join leaves beside ``NAME.gguf``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path


def with_suffix(path: Path, suffix: str) -> Path:
    """Return ``NAME.gguf`` with a suffix after its name."""
    return path.with_name(f"{path.name}{suffix}")


def model_path(path: Path, suffixes: Collection[str]) -> Path:
    """Return the path of the model that a work file belongs to; ``path`` itself for any other file."""
    for suffix in sorted(suffixes, key=len, reverse=True):
        if path.name.lower().endswith(f".gguf{suffix}"):
            return path.with_name(path.name[: -len(suffix)])
    return path


def models_with_work_files(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Yield the paths of the models in ``folder`` that have work files, sorted."""
    models = set()
    with suppress(OSError):
        models = {model for each in folder.iterdir() if (model := model_path(each, suffixes)) != each}
    yield from sorted(models)
