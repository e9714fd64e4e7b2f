"""How the process that draws formulas is started: one place, with the frozen program in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

FORMULA_FLAG = "--formula-child"
"""A frozen program has no ``python -m``: it starts itself again with this flag, which its main looks for first."""


def command() -> list[str]:
    """The command line of the process."""
    if getattr(sys, "frozen", False):
        return [sys.executable, FORMULA_FLAG]
    return [sys.executable, "-m", "app.formulas.child"]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Its environment: ``app`` is found where this process found it, whatever the working folder."""
    made = dict(inherited)
    made["PYTHONUTF8"] = "1"
    root = str(Path(__file__).resolve().parents[2])
    made["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [inherited.get("PYTHONPATH")])])
    return made
