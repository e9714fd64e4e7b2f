"""How the engine child and its own helper are started: one place, with the frozen program in it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from app.engine.external_engine import VARIABLE, added_engine

CHILD_FLAG = "--engine-child"
"""A frozen program has no ``python -m``: it starts itself again with this flag, which its main looks for first."""
RENDERER_FLAG = "--template-renderer"
"""The same for the process in which the child runs chat templates."""
WRAPPER_VARIABLE = "APUS_CHAT_ENGINE_WRAPPER"
"""Words of a command that starts the child: ``prlimit --as=2000000000`` to try a shortage of memory, or a debugger."""
_NO_GPUS = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "HIP_VISIBLE_DEVICES": "-1",
    "ROCR_VISIBLE_DEVICES": "-1",
    "GGML_DISABLE_VULKAN": "1",
}
"""What the runtimes and ggml's own list of backends (ggml-backend-reg.cpp) read before they touch a driver."""


def child_command(inherited: Mapping[str, str]) -> list[str]:
    """The command line of the child, behind that of ``WRAPPER_VARIABLE`` where one is set."""
    wrapper = shlex.split(inherited.get(WRAPPER_VARIABLE, ""))
    if getattr(sys, "frozen", False):
        return [*wrapper, sys.executable, CHILD_FLAG]
    return [*wrapper, sys.executable, "-m", "app.engine.child"]


def renderer_command() -> list[str]:
    """The command line of the process that runs chat templates, for the child to start."""
    if getattr(sys, "frozen", False):
        return [sys.executable, RENDERER_FLAG]
    return [sys.executable, "-m", "app.engine.child.template_child"]


def child_environment(inherited: Mapping[str, str], *, gpus: bool = True) -> dict[str, str]:
    """The environment of the child; without ``gpus`` it leaves their drivers alone.

    ``GGML_NO_BACKTRACE``: an abort would start a debugger, which holds the dead child for seconds.
    ``PYTHONPATH``: the child finds ``app`` where this process found it, whatever its working folder.
    """
    environment = dict(inherited)
    environment["GGML_NO_BACKTRACE"] = "1"
    environment["PYTHONUTF8"] = "1"
    root = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [inherited.get("PYTHONPATH")])])
    added = added_engine(inherited)
    environment[VARIABLE] = str(added.path) if added and added.fits else ""
    if not gpus:
        environment.update(_NO_GPUS)
    return environment
