"""Loads the engine's backends where they are modules of their own, as in the bundles.

An engine that was built for this machine alone (``start.py``) has them inside.  One that is to run on other machines
(``GGML_BACKEND_DL``) brings the CPU's code several times, a module for each generation of processors, and takes the
best; modules for GPUs may be added in a folder beside the program (``app.engine.external_engine``).
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

MODULES = (".so", ".dll", ".dylib")


def load_backends(registry: ctypes.CDLL, libraries: Path, added: Path | None) -> None:
    """Load the modules that lie beside the engine's libraries, then those in ``added``.

    ``registry`` is ggml's library with the list of backends (ggml-backend-reg.cpp).
    """
    if not any(_is_cpu_module(path) for path in libraries.iterdir()):
        return
    load_all, load = registry.ggml_backend_load_all_from_path, registry.ggml_backend_load
    load_all.argtypes, load_all.restype = [ctypes.c_char_p], None
    load.argtypes, load.restype = [ctypes.c_char_p], ctypes.c_void_p
    load_all(str(libraries).encode())
    for path in sorted(added.iterdir()) if added else ():
        if path.name.removeprefix("lib").startswith("ggml-") and path.suffix in MODULES and not load(bytes(path)):
            sys.stderr.write(f"{path} could not be loaded as a backend\n")


def _is_cpu_module(path: Path) -> bool:
    # ``libggml-cpu-haswell.so``; an engine with its backends inside has ``libggml-cpu.so`` alone.
    return path.name.removeprefix("lib").startswith("ggml-cpu-") and path.suffix in MODULES
