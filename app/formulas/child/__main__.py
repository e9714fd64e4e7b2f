"""The program of the child process that draws formulas.

Formulas come from a model, and some take unlimited time or memory.  ``app.formulas.renderer`` starts and ends the
process.

One JSON object per line.  In: ``{"formula", "display"}``.  Out: ``{"ready": true}`` once, then for each formula
``{"svg", "width", "height", "baseline"}``, with ``"body"`` and ``"tag"`` for a numbered one, or ``{"broken": WHY}``.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

from app.formulas.child.drawing import Drawer
from app.formulas.renderer import LIMIT_BYTES, LIMIT_S, MAX_SVG, PATIENCE
from app.process.limited_child import serve


def main() -> None:
    """Serve until the parent closes the pipe."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    serve(partial(_answer, Drawer()), LIMIT_BYTES, LIMIT_S * PATIENCE)


def _answer(drawer: Drawer, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        drawn = drawer.draw(request["formula"], display=request["display"])
    except Exception as error:
        # For malformed formulas the library raises anything: StopIteration, AssertionError, MemoryError.
        return {"broken": type(error).__name__}
    return drawn if len(drawn["svg"]) <= MAX_SVG else {"broken": "size"}


if __name__ == "__main__":
    main()
