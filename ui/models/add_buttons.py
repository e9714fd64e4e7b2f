"""The ways to add what is on the disk already: a file, a folder, and what other programs have fetched."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QWidget

from model_manager.library.library import ModelLibrary
from model_manager.library.other_programs import machine_facts
from ui.models.menus import OfferedFolder, folder_menu, offered_folders
from ui.widgets.dialog_parts import ask_for_file, ask_for_folder, button
from ui.widgets.job import run_job


class AddButtons(QWidget):
    """Two buttons.  Where other programs have models, the second offers their folders first."""

    wanted = Signal(object)
    """A ``Path`` that is to be added; one after the other where several were chosen."""

    def __init__(self, library: ModelLibrary) -> None:
        super().__init__()
        self.offered: tuple[OfferedFolder, ...] = ()
        self.file = button("addModelButton", quiet=True)
        self.folder = button("addFolderButton", quiet=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.file)
        layout.addWidget(self.folder)
        self.file.clicked.connect(self._ask_for_files)
        self.folder.clicked.connect(self._ask_for_folder)
        run_job(self, lambda: offered_folders(machine_facts(), library.folders()), self._take, lambda _error: None)

    def retranslate(self) -> None:
        """Word everything anew."""
        self.file.setText(self.tr("Add a model file…"))
        self.folder.setText(self.tr("Add a folder…"))

    def _take(self, offered: tuple[OfferedFolder, ...]) -> None:
        self.offered = offered

    def _ask_for_files(self) -> None:
        kinds = self.tr("Model files (*.gguf *.gguf*);;All files (*)")
        ask_for_file(self, self.tr("Add a model file"), kinds, self._tell)

    def _ask_for_folder(self) -> None:
        if not self.offered:
            self._choose_folder()
            return
        menu = folder_menu(self, self.offered)
        menu.triggered.connect(self._chosen)
        menu.popup(self.folder.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))

    def _chosen(self, chosen: QAction) -> None:
        if chosen.data():
            self.wanted.emit(Path(chosen.data()))
        else:
            self._choose_folder()

    def _choose_folder(self) -> None:
        ask_for_folder(self, self.tr("Add a models folder"), self._tell)

    def _tell(self, path: Path) -> None:
        self.wanted.emit(path)
