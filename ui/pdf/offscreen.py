"""PDF without a window, for the command line: Qt's faces and painters, and no screen."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication

from app.export.formats import Format
from ui.pdf.document import pdf_format


def pdf_without_a_window() -> Format:
    """The format, in a program that has no application of Qt yet."""
    # Whatever the environment says: a platform that finds no display ends the program.
    application = QGuiApplication.instance() or QGuiApplication(["apus-chat", "-platform", "offscreen"])
    made = pdf_format()

    def write(*arguments: object) -> bytes:
        # The application lives as long as the format does.
        assert application is not None
        return made.write(*arguments)  # type: ignore[arg-type]

    return Format(suffix=made.suffix, many_in_one_file=made.many_in_one_file, write=write)
