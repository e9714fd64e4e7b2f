"""The process that draws formulas, and nothing else.

A formula is written by a model, and some take for ever or ask for gigabytes.  A process can be ended, and nothing is
lost with it.  Who starts, asks and ends it is ``app.formulas.process``.

One JSON object a line.  In: ``{"formula", "display"}``.  Out: ``{"ready": true}`` once, then for each formula
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
from app.formulas.limits import LIMIT_BYTES, LIMIT_S, MAX_SVG, PATIENCE
from app.process.limited_child import limit_memory, send

_GRACE_S = 1.0
"""Who asks ends this process in time; where nobody is there to do so any more, it ends itself so much later."""


def main() -> None:
    """Serve until the other side closes the pipe or is gone."""
    # Ctrl+C in a terminal reaches the whole group; what it means is for the window's process to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(LIMIT_BYTES)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer line by line."""
    drawer = Drawer()
    send(answers, {"ready": True})
    with Path(os.devnull).open("w") as nowhere:
        for line in requests:
            # A watchdog that needs no lock of Python's: it ends this process even within one endless operation.
            faulthandler.dump_traceback_later(LIMIT_S * PATIENCE + _GRACE_S, exit=True, file=nowhere)
            answer = _answer(drawer, json.loads(line))
            faulthandler.cancel_dump_traceback_later()
            send(answers, answer)


def _answer(drawer: Drawer, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        drawn = drawer.draw(request["formula"], display=request["display"])
    except Exception as error:
        # StopIteration, AssertionError, RecursionError, MemoryError: a broken formula makes the library raise anything.
        return {"broken": type(error).__name__}
    return drawn if len(drawn["svg"]) <= MAX_SVG else {"broken": "size"}


if __name__ == "__main__":
    main()
