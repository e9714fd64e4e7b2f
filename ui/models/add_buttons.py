"""Buttons that add a model file, a folder, or a folder of models that another program has downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from model_manager.library.importer import inspect_paths
from model_manager.library.library import ModelLibrary
from model_manager.library.other_programs import ProgramFolder, SystemFolders, find_folders, system_folders
from ui.widgets.dialog_parts import ask_for_file, ask_for_folder, button
from ui.widgets.job import run_job
from ui.widgets.layouts import hbox


@dataclass(frozen=True)
class OfferedFolder:
    """A folder of another program with ``count`` models."""

    folder: ProgramFolder
    count: int


def offered_folders(facts: SystemFolders, watched: Sequence[Path]) -> tuple[OfferedFolder, ...]:
    """Return folders of other programs that hold models and are not watched yet.  Reads the headers of their files."""
    folders = [each for each in find_folders(facts) if each.path not in watched]
    offered = [OfferedFolder(each, _model_count(each.path)) for each in folders]
    return tuple(each for each in offered if each.count)


def _model_count(folder: Path) -> int:
    return sum(1 for each in inspect_paths([folder]) if each.action == "register")


class AddButtons(QWidget):
    """Two buttons.  Where other programs have models, the second opens a menu of their folders."""

    path_chosen = Signal(object)
    """A ``Path`` to add; once for each chosen file."""

    def __init__(self, library: ModelLibrary) -> None:
        super().__init__()
        self.offered: tuple[OfferedFolder, ...] = ()
        self.file = button("addModelButton", quiet=True)
        self.folder = button("addFolderButton", quiet=True)
        hbox(self.file, self.folder, parent=self, spacing=4)
        self.file.clicked.connect(self._choose_files)
        self.folder.clicked.connect(self._show_menu)
        run_job(self, lambda: offered_folders(system_folders(), library.folders()), self._set_offered, lambda _: None)

    def retranslate(self) -> None:
        """Set all texts in the current language."""
        self.file.setText(self.tr("Add a model file…"))
        self.folder.setText(self.tr("Add a folder…"))

    def _set_offered(self, offered: tuple[OfferedFolder, ...]) -> None:
        self.offered = offered

    def _choose_files(self) -> None:
        kinds = self.tr("Model files (*.gguf *.gguf*);;All files (*)")
        ask_for_file(self, self.tr("Add a model file"), kinds, self._emit)

    def _show_menu(self) -> None:
        if not self.offered:
            self._choose_folder()
            return
        menu = QMenu(self)
        menu.setObjectName("folderMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for each in self.offered:
            text = self.tr("{program}, models: {count}").format(program=each.folder.program, count=each.count)
            action = menu.addAction(text)
            action.setToolTip(str(each.folder.path))
            action.setData(str(each.folder.path))
        menu.addSeparator()
        menu.addAction(self.tr("Another folder…"))
        menu.triggered.connect(self._on_menu)
        menu.popup(self.folder.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))

    def _on_menu(self, action: QAction) -> None:
        if action.data():
            self._emit(Path(action.data()))
        else:
            self._choose_folder()

    def _choose_folder(self) -> None:
        ask_for_folder(self, self.tr("Add a models folder"), self._emit)

    def _emit(self, path: Path) -> None:
        self.path_chosen.emit(path)
