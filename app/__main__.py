"""Entry point of the program: ``python -m app`` opens the window, or runs a subcommand without it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.export.formats import ExportFormat


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if all(argument.lower().endswith(".gguf") for argument in arguments):
        # Without arguments, or as a file manager opens files; other imports would delay the window.
        return _window()(None, [Path(argument) for argument in arguments])
    from app.process.child_process import DOCUMENTS, DRAWINGS, ENGINE, FORMULAS, TEMPLATE_RENDERER

    if arguments[:1] == [ENGINE.flag]:
        from app.engine.child.__main__ import main as child

        child()
    if arguments[:1] == [TEMPLATE_RENDERER.flag]:
        from app.engine.child.template_child import main as renderer

        renderer()
        return 0
    if arguments[:1] == [FORMULAS.flag]:
        from app.formulas.child.__main__ import main as formulas

        formulas()
        return 0
    if arguments[:1] == [DOCUMENTS.flag]:
        from app.documents.child.__main__ import main as documents

        documents()
        return 0
    if arguments[:1] == [DRAWINGS.flag]:
        from ui.pictures.drawing_child import main as drawings

        drawings()
        return 0
    from app.cli.parser import make_parser

    parsed = make_parser().parse_args(arguments)
    if parsed.command is None:
        return _window()(parsed.data_dir)
    from app.cli.main import run

    return run(parsed, _pdf_format)


def _window() -> Callable[..., int]:
    """Import what opens the window.  Garbage collections would find nothing, in a tenth of the time to the window."""
    gc.disable()
    try:
        from ui.start.application import run
    finally:
        gc.freeze()
        gc.enable()
    return run


def _pdf_format() -> ExportFormat:
    # Imports Qt, which other exports don't need.
    from ui.pdf.document import pdf_format

    return pdf_format()


if __name__ == "__main__":
    sys.exit(main())
