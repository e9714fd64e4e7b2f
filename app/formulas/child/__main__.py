"""The program of the child process that draws formulas.

Formulas come from a model, and some take unlimited time or memory.  ``app.formulas.renderer`` starts and ends the
process.

One JSON object per line.  In: ``{"formula", "display"}``.  Out: ``{"ready": true}`` once, then for each formula
``{"svg", "width", "height", "baseline"}`` or ``{"broken": WHY}``.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from app.formulas.child.drawing import Drawer
from app.formulas.renderer import LIMIT_BYTES, LIMIT_S, MAX_SVG, PATIENCE
from app.process.limited_child import limit_memory, send

_GRACE_S = 1.0
"""Seconds after which the process ends itself, if its parent is gone and cannot."""


def main() -> None:
    """Serve until the parent closes the pipe."""
    # Ctrl+C in a terminal reaches the whole process group; the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(LIMIT_BYTES)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until their end."""
    drawer = Drawer()
    send(answers, {"ready": True})
    with Path(os.devnull).open("w") as null_file:
        for line in requests:
            # A watchdog that needs no lock of Python: it ends the process even within one endless operation.
            faulthandler.dump_traceback_later(LIMIT_S * PATIENCE + _GRACE_S, exit=True, file=null_file)
            answer = _answer(drawer, json.loads(line))
            faulthandler.cancel_dump_traceback_later()
            send(answers, answer)


def _answer(drawer: Drawer, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        drawn = drawer.draw(request["formula"], display=request["display"])
    except Exception as error:
        # For malformed formulas the library raises anything: StopIteration, AssertionError, MemoryError.
        return {"broken": type(error).__name__}
    return drawn if len(drawn["svg"]) <= MAX_SVG else {"broken": "size"}


if __name__ == "__main__":
    main()
