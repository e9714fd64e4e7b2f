"""Programs that run in child processes: command line and environment, also in the frozen program."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ChildProgram:
    """A module of this program with a ``main`` function."""

    module: str
    flag: str
    """First argument of a frozen program, which has no ``python -m``; handled in ``app.__main__``."""

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, self.flag] if getattr(sys, "frozen", False) else [sys.executable, "-m", self.module]


ENGINE = ChildProgram("app.engine.child", "--engine-child")
TEMPLATE_RENDERER = ChildProgram("app.engine.child.template_child", "--template-renderer")
FORMULAS = ChildProgram("app.formulas.child", "--formula-child")


def child_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child, which finds ``app`` where this process found it, in any working folder."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [inherited.get("PYTHONPATH")])])
    return {**inherited, "PYTHONUTF8": "1", "PYTHONPATH": path}
