"""How the engine child is started: one place, with the frozen program in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

CHILD_FLAG = "--engine-child"
"""A frozen program has no ``python -m``: it starts itself again with this flag, which its main looks for first."""


def child_command() -> list[str]:
    """The command line of the child."""
    if getattr(sys, "frozen", False):
        return [sys.executable, CHILD_FLAG]
    return [sys.executable, "-m", "app.engine.child"]


def child_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of the child.

    ``GGML_NO_BACKTRACE``: an abort would start a debugger, which holds the dead child for seconds.
    ``PYTHONPATH``: the child finds ``app`` where this process found it, whatever its working folder.
    """
    environment = dict(inherited)
    environment["GGML_NO_BACKTRACE"] = "1"
    environment["PYTHONUTF8"] = "1"
    root = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [inherited.get("PYTHONPATH")])])
    return environment
