"""Crash dialog: reports an uncaught exception, which ``app.log`` has logged before."""

from __future__ import annotations

import platform
import traceback
from importlib import metadata
from pathlib import Path

import PySide6
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from ui.widgets.dialog_frame import arrange
from ui.widgets.dialog_parts import MARGIN, StatusLine, TranslatedDialog, button, heading, open_folder
from ui.widgets.icons import set_icon
from ui.widgets.theme import mono_font

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


class CrashDialog(TranslatedDialog):
    """What happened, with the traceback in a section that can be expanded."""

    def __init__(self, error: BaseException, log_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crashDialog")
        self._log_folder = log_folder
        self._errors: list[str] = []
        self._left_out = 0
        self._heading = heading()
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self.fold = QToolButton()
        self.fold.setObjectName("crashFold")
        self.fold.setCheckable(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.details = QPlainTextEdit()
        self.details.setObjectName("crashDetails")
        self.details.setReadOnly(True)
        self.details.setFont(mono_font(12))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setMinimumHeight(260)
        self.details.hide()
        self.status = StatusLine("crashStatus")
        self.status.hide()
        self.copy = button("copyDetailsButton")
        self.open_log = button("openLogFolderButton")
        self.quit = button("quitButton", quiet=True)
        self.resume = button("continueButton", primary=True)
        self._lay_out()
        self.fold.toggled.connect(self._expand)
        self.copy.clicked.connect(self._copy)
        self.open_log.clicked.connect(self._open_log)
        self.quit.clicked.connect(self._quit)
        self.resume.clicked.connect(self.accept)
        self.append(error)
        self._show_fold_icon()
        self._finish_setup()
        self._fit()
        self.resume.setFocus()

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, 16)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addWidget(self._sentence)
        column.addSpacing(4)
        column.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.details, 1)
        column.addWidget(self.status)
        column.addStretch(0)
        self._layout = arrange(self, column, self.copy, self.open_log, None, self.quit, self.resume)

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
        self._show_fold_icon()
        self._fit()

    def _fit(self) -> None:
        """Fit the height to the texts: a layout does not do that for wrapped labels."""
        self._layout.activate()
        self.resize(WIDTH, self._layout.totalHeightForWidth(WIDTH))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.details.toPlainText())
        self._show_status(self.tr("Copied."), "good")

    def _open_log(self) -> None:
        if not open_folder(self._log_folder):
            self._show_status(
                self.tr("No file manager is available. The folder is {path}.").format(path=self._log_folder),
                "warning",
            )

    def _show_status(self, text: str, kind: str) -> None:
        self.status.show_message(text, kind)
        self.status.show()
        self._fit()

    def _quit(self) -> None:
        self.reject()
        QApplication.quit()

    def _retranslate(self) -> None:
        self.setWindowTitle("APUS Chat")
        self.setAccessibleName(self.tr("APUS Chat error"))
        self._heading.setText(self.tr("Something went wrong in APUS Chat"))
        self._sentence.setText(
            self.tr(
                "This is a bug in the program; you did nothing wrong. Your conversations are saved. You can "
                "continue, but if anything behaves oddly, restart the program."
            )
        )
        self.fold.setText(self.tr("Details"))
        self.details.setAccessibleName(self.tr("Details"))
        self.copy.setText(self.tr("Copy details"))
        self.open_log.setText(self.tr("Open log folder"))
        self.quit.setText(self.tr("Quit"))
        self.resume.setText(self.tr("Continue"))

    def _show_fold_icon(self) -> None:
        set_icon(self.fold, "chevron-down" if self.fold.isChecked() else "chevron-right", "text")


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
