"""The models on this machine: choose one, add a file, take one off the list.

The library behind it copies and deletes nothing; loading the chosen model is the window's.  ``LocalModels`` is a page
of its own, so that other pages can stand beside it.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from model_manager.catalogue import STARTER
from model_manager.errors import UserError
from model_manager.library import LocalModel, ModelLibrary
from ui.dialog_parts import MARGIN, StatusLine, WordedDialog, ask_for_file, button, hairline, heading, quiet_label
from ui.error_text import error_text
from ui.model_rows import MODEL_ROLE, PAD, Listed, ModelRow, ModelRowDelegate, look, size_text
from ui.tasks import run_in_background

ID_ROLE = Qt.ItemDataRole.UserRole + 1


class _ModelList(QListWidget):
    """Its rows are as wide as it is, and sentences in them as high as that width makes them."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()


class LocalModels(QWidget):
    """The list and what can be done with it."""

    chosen = Signal(str)
    """The id of the model to use from now on."""
    changed = Signal()
    """A model was added to the library or taken off it."""

    def __init__(self, library: ModelLibrary, current_id: str | None) -> None:
        super().__init__()
        self._library = library
        self._current_id = current_id
        self._listed: list[Listed] = []
        self._select = current_id
        self.setAcceptDrops(True)
        self.list = _ModelList()
        self.list.setObjectName("modelList")
        self.list.setItemDelegate(ModelRowDelegate(self.list))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMouseTracking(True)
        self._empty = QLabel()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setProperty("quiet", True)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.list)
        self._pages.addWidget(self._empty)
        self.status = StatusLine("modelsStatus")
        self.add = button("addModelButton")
        self.remove = button("removeModelButton", quiet=True)
        self.use = button("useModelButton", primary=True)
        self._lay_out()
        self.list.currentRowChanged.connect(self._selected)
        self.list.itemDoubleClicked.connect(self._use)
        self.use.clicked.connect(self._use)
        self.add.clicked.connect(self._ask_for_files)
        self.remove.clicked.connect(self._remove)
        self._selected()
        self.refresh()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        around = QVBoxLayout()
        around.setContentsMargins(MARGIN - PAD - 1, 0, MARGIN - PAD - 1, 8)  # the frame of a drop is 1 wide
        around.addWidget(self._pages)
        layout.addLayout(around, 1)
        said = QHBoxLayout()
        said.setContentsMargins(MARGIN, 0, MARGIN, 8)
        said.addWidget(self.status)
        layout.addLayout(said)
        layout.addWidget(hairline())
        foot = QHBoxLayout()
        foot.setContentsMargins(MARGIN, 12, MARGIN, 12)
        foot.setSpacing(8)
        foot.addWidget(self.add)
        foot.addWidget(self.remove)
        foot.addStretch(1)
        self.foot = foot
        foot.addWidget(self.use)
        layout.addLayout(foot)

    def refresh(self) -> None:
        """Look at the library again; headers are read in the background."""
        library = self._library
        run_in_background(self, lambda: look(library), self._show, self._failed)

    def _show(self, listed: list[Listed]) -> None:
        self._listed = listed
        wanted = self._select
        self.list.clear()
        for each in listed:
            item = QListWidgetItem(self.list)
            item.setData(ID_ROLE, each.model.id)
            self._word(item, each)
        ids = [each.model.id for each in listed]
        if ids:
            self.list.setCurrentRow(ids.index(wanted) if wanted in ids else 0)
        self._pages.setCurrentWidget(self.list if ids else self._empty)
        # With nothing to use the one thing to do is to add something.
        self.add.setDefault(not ids)
        self.use.setDefault(bool(ids))
        self.use.setVisible(bool(ids))
        self.remove.setVisible(bool(ids))
        self._selected()
        (self.list if ids else self.add).setFocus()

    def _word(self, item: QListWidgetItem, listed: Listed) -> None:
        model = listed.model
        facts = " · ".join(each for each in (model.quantisation, size_text(model.bytes) if model.bytes else "") if each)
        place = self.tr("Comes with the program") if model.id == STARTER.id else str(model.path)
        row = ModelRow(
            name=model.name or model.id,
            facts=facts,
            place=place,
            mark=self.tr("In use") if model.id == self._current_id else "",
            problem=error_text(listed.problem) if listed.problem else "",
        )
        item.setData(MODEL_ROLE, row)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, row.spoken())
        item.setToolTip(str(model.path))

    def _model(self) -> LocalModel | None:
        row = self.list.currentRow()
        return self._listed[row].model if 0 <= row < len(self._listed) else None

    def _selected(self) -> None:
        model = self._model()
        self._select = model.id if model else self._select
        self.use.setEnabled(model is not None and model.ready and model.id != self._current_id)
        self.remove.setEnabled(model is not None and model.id != STARTER.id)

    def _use(self) -> None:
        model = self._model()
        if model is not None and model.ready:
            self.chosen.emit(model.id)

    def _ask_for_files(self) -> None:
        kinds = self.tr("Model files (*.gguf);;All files (*)")
        ask_for_file(self, self.tr("Add a model file"), kinds, self.add_file)

    def add_file(self, path: Path) -> None:
        """Register a file where it lies, in the background."""
        library = self._library
        self.status.say(lambda: self.tr("Looking at {name}…").format(name=path.name))
        run_in_background(self, lambda: library.register(path), self._added, self._failed)

    def _added(self, model: LocalModel) -> None:
        known = any(each.model.id == model.id for each in self._listed)
        if known:
            self.status.say(lambda: self.tr("{name} is on the list already.").format(name=model.id))
        else:
            self.status.say(lambda: self.tr("Added {name}. The file stays where it is.").format(name=model.id), "good")
        self._select = model.id
        self.changed.emit()
        self.refresh()

    def _remove(self) -> None:
        model = self._model()
        if model is None:
            return
        try:
            self._library.remove(model.id)
        except UserError as error:
            self._failed(error)
            return
        # A file that the engine would refuse could not be put back on the list.
        undo = (lambda: self.tr("Undo"), lambda: self.add_file(model.path)) if model.ready else None
        self.status.say(
            lambda: self.tr("{name} is off the list. The file stays where it is.").format(name=model.id), action=undo
        )
        row = self.list.currentRow()
        neighbours = [each.model.id for each in self._listed if each.model.id != model.id]
        self._select = neighbours[min(row, len(neighbours) - 1)] if neighbours else None
        self.changed.emit()
        self.refresh()

    def _failed(self, error: UserError) -> None:
        self.status.say(lambda: error_text(error), "bad")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files that may be models."""
        if _model_files(event):
            event.acceptProposedAction()
            self._set_dropping(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing is dropped after all."""
        self._set_dropping(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped."""
        self._set_dropping(False)
        event.acceptProposedAction()
        for path in _model_files(event):
            self.add_file(path)

    def _set_dropping(self, dropping: bool) -> None:
        self._pages.setProperty("dropping", dropping)
        self._pages.style().unpolish(self._pages)
        self._pages.style().polish(self._pages)

    def retranslate(self) -> None:
        """Word everything anew."""
        self.list.setAccessibleName(self.tr("Models on this machine"))
        self._empty.setText(self.tr("There is no model on this machine yet. Add a .gguf file, or drop one here."))
        self.add.setText(self.tr("Add a model file…"))
        self.remove.setText(self.tr("Remove from list"))
        self.remove.setToolTip(self.tr("The file itself stays where it is."))
        self.use.setText(self.tr("Use"))
        for row, listed in enumerate(self._listed):
            self._word(self.list.item(row), listed)
        self.status.retranslate()


class ModelsDialog(WordedDialog):
    """Roomy, with the models on this machine."""

    model_chosen = Signal(str)
    """The id of the model to use from now on; the dialog closes."""
    models_changed = Signal()
    """A model was added to the library or taken off it."""

    def __init__(self, library: ModelLibrary, current_id: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelsDialog")
        self._heading = heading()
        self._note = quiet_label()
        self.local = LocalModels(library, current_id)
        self._close = button("closeButton")
        self.local.foot.insertWidget(self.local.foot.count() - 1, self._close)
        head = QVBoxLayout()
        head.setContentsMargins(MARGIN, MARGIN, MARGIN, 12)
        head.setSpacing(4)
        head.addWidget(self._heading)
        head.addWidget(self._note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.local, 1)
        self._close.clicked.connect(self.reject)
        self.local.chosen.connect(self._chosen)
        self.local.changed.connect(self.models_changed)
        self.resize(680, 560)
        self._built()

    def _chosen(self, model_id: str) -> None:
        self.model_chosen.emit(model_id)
        self.accept()

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Models"))
        self.setAccessibleName(self.tr("Models"))
        self._heading.setText(self.tr("Models on this machine"))
        self._note.setText(self.tr("Any GGUF chat model works. Files stay where they are; drop one here to add it."))
        self._close.setText(self.tr("Close"))
        self.local.retranslate()

    def _recolour(self) -> None:
        self.local.list.viewport().update()


def _model_files(event: QDropEvent) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() == ".gguf"]
