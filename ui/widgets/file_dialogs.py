"""File and folder dialogs, and the file manager."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QStandardPaths, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCompleter, QFileDialog, QHeaderView, QWidget

from app.translation import QT_TRANSLATE_NOOP
from ui.widgets.dialog_parts import StatusLine, show_dialog

_QT_TEXTS = (QT_TRANSLATE_NOOP("QFileSystemModel", "Size"),)
"""Titles of columns that Qt's own translation words unusually."""

_LAST_FOLDER = "lastFolder"
"""Property of the application: the folder of the file that was opened last."""


def documents_folder() -> Path:
    """Return the user's documents folder, or the home folder."""
    found = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(found) if found and Path(found).is_dir() else Path.home()


def open_folder(folder: Path, status: StatusLine) -> None:
    """Show a folder in the file manager, or its path in the status line where there is none."""
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        text = QCoreApplication.translate("status", "No file manager is available. The folder is {path}.")
        status.show_message(text.format(path=folder), "warning")


def _application() -> QCoreApplication:
    application = QCoreApplication.instance()
    assert application is not None
    return application


class _FileDialog(QFileDialog):
    picked = Signal(object)
    """A ``Path``, for each file."""

    def emit_paths(self, paths: list[str]) -> None:
        if self.acceptMode() is QFileDialog.AcceptMode.AcceptOpen and self.fileMode() is self.FileMode.ExistingFiles:
            _application().setProperty(_LAST_FOLDER, str(Path(paths[0]).parent))
        for path in paths:
            self.picked.emit(Path(path))


def ask_for_file(
    parent: QWidget, title: str, kinds: str, chosen: Callable[[Path], None], *, save_as: Path | None = None
) -> None:
    """Open the file dialog over ``parent`` and call ``chosen`` with each file; return immediately.

    It starts in the folder of the last file that was opened.
    With ``save_as`` it asks for a file to write and proposes that path.  ``chosen`` must be a method: a function that
    holds ``parent`` could destroy it together with the file dialog, its child.
    """
    last = _application().property(_LAST_FOLDER)
    dialog = _FileDialog(parent, title, last if last and Path(last).is_dir() else str(documents_folder()), kinds)
    dialog.setObjectName("fileDialog")
    if save_as is None:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    else:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDirectory(str(save_as.parent))
        dialog.selectFile(save_as.name)
        dialog.setDefaultSuffix(save_as.suffix[1:])
    _open_file_dialog(dialog, chosen)


def ask_for_folder(parent: QWidget, title: str, chosen: Callable[[Path], None], *, start: Path | None = None) -> None:
    """Open the folder dialog over ``parent``, in ``start``, and call ``chosen``, a method, with the folder."""
    dialog = _FileDialog(parent, title, str(start or documents_folder()))
    dialog.setObjectName("folderDialog")
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    _open_file_dialog(dialog, chosen)


def _open_file_dialog(dialog: _FileDialog, chosen: Callable[[Path], None]) -> None:
    translate = QCoreApplication.translate
    # Qt doesn't translate these labels, and the list of matching names is a separate window for the style sheet.
    dialog.setLabelText(QFileDialog.DialogLabel.LookIn, translate("dialog", "Folder:"))
    dialog.setLabelText(QFileDialog.DialogLabel.FileType, translate("dialog", "File type:"))
    for completer in dialog.findChildren(QCompleter):
        if (popup := completer.popup()) is not None:
            popup.setObjectName("completions")
    for header in dialog.findChildren(QHeaderView):
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    dialog.filesSelected.connect(dialog.emit_paths)
    dialog.picked.connect(chosen)
    show_dialog(dialog)
