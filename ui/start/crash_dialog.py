"""Crash dialog: reports an uncaught exception, which ``app.log`` has logged before."""

from __future__ import annotations

import platform
import traceback
from functools import partial
from importlib import metadata
from pathlib import Path

import PySide6
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QWidget

from app import __version__
from ui.widgets.dialog_parts import MARGIN, StatusLine, arrange, button, fit_height, heading, paragraph
from ui.widgets.file_dialogs import open_folder
from ui.widgets.icons import icon
from ui.widgets.layouts import LEFT, vbox
from ui.widgets.theme import mono_font
from ui.widgets.tool_button import ToolButton

WIDTH = 600
MAX_ERRORS = 20
"""A bug in every frame must not fill the memory."""


def show_crash(error: BaseException, log_folder: Path) -> None:
    """Show the dialog, or add the error to the one that is open; does not block.

    Only for the window's thread.
    """
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, CrashDialog) and widget.isVisible():
            widget.append(error)
            return
    dialog = CrashDialog(error, log_folder, QApplication.activeWindow())
    # The connection also keeps the dialog alive where there is no window.
    dialog.finished.connect(lambda: dialog.deleteLater())
    dialog.open()


class CrashDialog(QDialog):
    """What happened, with the traceback in a section that can be expanded."""

    def __init__(self, error: BaseException, log_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crashDialog")
        self.setWindowTitle("APUS Chat")
        self.setAccessibleName(self.tr("APUS Chat error"))
        self._errors: list[str] = []
        self._left_out = 0
        sentence = paragraph(
            self.tr(
                "This is a bug in the program; you did nothing wrong. Your conversations are saved. You can "
                "continue, but if anything behaves oddly, restart the program."
            )
        )
        self.fold = ToolButton()
        self.fold.setObjectName("crashFold")
        self.fold.setText(self.tr("Details"))
        self.fold.setCheckable(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.details = QPlainTextEdit()
        self.details.setObjectName("crashDetails")
        self.details.setAccessibleName(self.tr("Details"))
        self.details.setReadOnly(True)
        self.details.setFont(mono_font(12))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setMinimumHeight(260)
        self.status = StatusLine("crashStatus", hide_when_empty=True)
        self.copy = button("copyDetailsButton", self.tr("Copy details"))
        self.open_log = button("openLogFolderButton", self.tr("Open log folder"))
        quit_button = button("quitButton", self.tr("Quit"), quiet=True)
        resume = button("continueButton", self.tr("Continue"), primary=True)
        column = vbox(
            heading(self.tr("Something went wrong in APUS Chat")),
            sentence,
            4,
            (self.fold, 0, LEFT),
            (self.details, 1),
            self.status,
            spacing=8,
            margins=(MARGIN, MARGIN, MARGIN, 16),
        )
        arrange(self, column, self.copy, self.open_log, None, quit_button, resume)
        self.fold.toggled.connect(self._expand)
        self.copy.clicked.connect(self._copy)
        self.open_log.clicked.connect(partial(self._open_log, log_folder))
        quit_button.clicked.connect(self.reject)
        quit_button.clicked.connect(QApplication.quit)
        resume.clicked.connect(self.accept)
        self.append(error)
        self._expand(False)
        resume.setFocus()

    def append(self, error: BaseException) -> None:
        """Add another error to the details."""
        if len(self._errors) < MAX_ERRORS:
            self._errors.append("".join(traceback.format_exception(error)).rstrip())
        else:
            self._left_out += 1
        more = [f"… {self._left_out} more"] if self._left_out else []
        self.details.setPlainText("\n\n".join([versions(), *self._errors, *more]) + "\n")

    def _expand(self, shown: bool) -> None:
        self.details.setVisible(shown)
        self.fold.setIcon(icon("chevron-down" if shown else "chevron-right", "text"))
        fit_height(self, WIDTH)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.details.toPlainText())
        self.status.show_message(self.tr("Copied."), "good")
        fit_height(self, WIDTH)

    def _open_log(self, folder: Path) -> None:
        open_folder(folder, self.status)
        fit_height(self, WIDTH)


def versions() -> str:
    """Return the versions for a bug report, always in English."""
    try:
        engine = metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        engine = "not installed"
    return (
        f"APUS Chat {__version__}, llama-cpp-python {engine}\n"
        f"Python {platform.python_version()}, PySide6 {PySide6.__version__}\n{platform.platform()}"
    )
