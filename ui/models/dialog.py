"""Models dialog: the list of models, the details of the selected one, and the search of a hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QBoxLayout, QFrame, QLineEdit, QSizePolicy, QWidget

from model_manager.published import PublishedModel
from ui.models.actions import Action, further, model_menu, primary
from ui.models.add_buttons import AddButtons
from ui.models.backend import ModelBackend
from ui.models.controller import ModelsController
from ui.models.details import ModelDetails
from ui.models.inventory import FitOf, ModelInventory
from ui.models.item import ModelItem
from ui.models.list_view import KeyedItem, ModelList
from ui.models.metadata import facts_of
from ui.models.model_jobs import ModelJobs
from ui.models.row_delegate import PAD_X
from ui.models.row_text import Heading, queue_text
from ui.models.search import HubSearch
from ui.widgets.dialog_parts import (
    MARGIN,
    StatusLine,
    TranslatedDialog,
    button,
    hairline,
    heading,
    quiet_label,
    set_style_property,
)
from ui.widgets.icons import set_icon
from ui.widgets.layouts import CENTRE, hbox, vbox

NARROW = 760
"""Below this width the details are placed under the list."""
DEFAULT_SIZE = (1080, 740)
MIN_SIZE = (600, 520)
MAX_WIDGET_SIZE = 16_777_215
LIST_STRETCH, DETAILS_STRETCH = 64, 36
DETAILS_MIN_WIDTH, DETAILS_MAX_WIDTH = 300, 480


class ModelsDialog(TranslatedDialog):
    """Models on this computer, of the catalogue and of a hub.  Downloads continue when it is closed."""

    model_chosen = Signal(str)
    """Id of the model to use; the dialog closes."""
    plan_requested = Signal(str, str)
    """Id and name of the model whose memory plan to show."""
    models_changed = Signal()
    """A model was added to the library or removed, or its download is complete."""

    def __init__(
        self,
        backend: ModelBackend,
        current_id: str | None,
        parent: QWidget | None = None,
        *,
        fit_of: FitOf | None = None,
        jobs: ModelJobs | None = None,
        plan_published: Callable[[Sequence[PublishedModel], PublishedModel | None], None] | None = None,
    ) -> None:
        """``jobs`` continue when the dialog is closed; without it, jobs end with the dialog.

        ``plan_published`` is called with the files of an opened repository and the selected one, to plan their fits.
        """
        super().__init__(parent)
        self.setObjectName("modelsDialog")
        self.setAcceptDrops(True)
        self._backend = backend
        self._plan_published = plan_published
        self._requested_key = ""
        """Item to select once it is listed."""
        self._default_key = ""
        self.jobs = jobs or ModelJobs(self)
        self._owns_jobs = jobs is None
        self.inventory = ModelInventory(backend, self.jobs, current_id, fit_of, self)
        self._make_parts()
        self._lay_out()
        self._connect()
        self.setMinimumSize(*MIN_SIZE)
        room = self.screen().availableGeometry()
        self.resize(min(DEFAULT_SIZE[0], room.width() - 60), min(DEFAULT_SIZE[1], room.height() - 80))
        self._finish_setup()
        self.list.setFocus()
        self.inventory.rescan()

    def _make_parts(self) -> None:
        self._heading = heading()
        self._note = quiet_label()
        self.field = QLineEdit()
        self.field.setObjectName("hubSearchField")
        self.field.setClearButtonEnabled(True)
        search_icon = QAction(self.field)
        set_icon(search_icon, "search", size=16)
        self.field.addAction(search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self.list = ModelList("modelList")
        self.search = HubSearch(self._backend, self.list, self.field)
        self.details = ModelDetails()
        self._rule = QFrame()
        self._rule.setObjectName("modelsRule")
        self.status = StatusLine("modelsStatus", hide_when_empty=True)
        self.controller = ModelsController(self._backend, self.jobs, self.inventory, self.status, self)
        self.adding = AddButtons(self._backend.library)
        self.total = quiet_label()
        self.total.setObjectName("queueTotal")
        self.total.setWordWrap(False)
        self.total.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._close = button("closeButton")

    def _lay_out(self) -> None:
        self.field.setMinimumWidth(220)
        self.field.setMaximumWidth(420)
        self.field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        titles = vbox(self._heading, self._note, spacing=4)
        head = hbox((titles, 3), (self.field, 4, CENTRE), spacing=MARGIN, margins=(MARGIN, 20, MARGIN, 12))
        side = MARGIN - PAD_X - 1  # the frame shown while dropping is 1 px wide
        list_column = vbox(self.search, margins=(side, 0, side, 4))
        self._body = hbox((list_column, LIST_STRETCH), self._rule, self.details)
        self.status.setContentsMargins(MARGIN, 12, MARGIN, 0)
        left = MARGIN - 14  # aligns the text of a quiet button
        foot = hbox(self.adding, (self.total, 1), 12, self._close, spacing=4, margins=(left, 12, MARGIN, 12))
        vbox(head, (self._body, 1), hairline(), self.status, foot, parent=self)

    def _connect(self) -> None:
        self.list.current_changed.connect(self._show_details)
        self.list.activated_button.connect(self._run_primary)
        self.list.double_clicked.connect(self._use)
        self.search.model_changed.connect(self._on_published_changed)
        self.search.activated_button.connect(lambda: self._run(primary(item) if (item := self._item()) else None))
        self.search.closed.connect(self.list.setFocus)
        self.search.magnet_confirmed.connect(self._download_magnet)
        self.details.action_requested.connect(self._run)
        for each in (self.list, self.search.models, self.details):
            each.menu_requested.connect(self._show_menu)
        self.controller.model_chosen.connect(self._choose)
        self.controller.selection_requested.connect(self._select)
        self.controller.plan_requested.connect(self.plan_requested)
        self.inventory.changed.connect(self._show)
        self.inventory.library_changed.connect(self.models_changed)
        self.inventory.failed.connect(self.controller.show_error)
        self.adding.path_chosen.connect(lambda path: self.controller.add_paths([path]))
        self._close.clicked.connect(self.reject)
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self.field.setFocus)

    # Display

    def refresh_fits(self) -> None:
        """Query all fits again, after the devices or the plans have changed."""
        untouched = self.list.key() == self._default_key
        self.inventory.refresh_fits()
        if untouched and (key := self.inventory.default_key()):
            # No row was selected by the user: follow the recommendation.
            self._default_key = key
            self._select(key)

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Add dropped files, parts and folders; the status line shows the result."""
        self.search.go_home()
        self.controller.add_paths(paths)

    def _show(self) -> None:
        if not self._requested_key and not self.list.rows():
            self._requested_key = self.inventory.default_key()
            self.list.show_items(self._rows(), self._requested_key)
            self._default_key = self.list.key()
        item = self.inventory.item(self._requested_key) if self._requested_key else None
        self.list.show_items(self._rows(), item.key if item is not None else "")
        if item is not None:
            self._requested_key = ""
            self.list.set_key(item.key)
        self.search.show_models(self.inventory.published_item)
        self.total.setText(queue_text(self.inventory.downloads()))
        self._show_details()

    def _rows(self) -> list[KeyedItem]:
        home = [item for item in self.inventory.items if item.home]
        others = [item for item in self.inventory.items if not item.home]
        name = home[0].title if home else ""
        return [
            ("", Heading(name, self.tr("the model this program is designed for"))),
            *((item.key, item) for item in home),
            ("", Heading(self.tr("Other models"))),
            *((item.key, item) for item in others),
        ]

    def _item(self) -> ModelItem | None:
        """Return the model that the details show."""
        if self.search.page == "list":
            return self.inventory.item(self.list.key())
        published = self.search.published()
        return self.inventory.published_item(published) if published is not None else None

    def _show_details(self) -> None:
        item, in_repository = self._item(), self.search.page == "repository"
        self.details.setVisible(in_repository or self.search.page == "list")
        self._rule.setVisible(self.details.isVisibleTo(self))
        if item is None:
            self.details.show_nothing(self.search.problem() if in_repository else "")
            return
        facts = facts_of(item, self.inventory.headers(item), self.search.repository if in_repository else None)
        self.details.show_item(item, facts, has_menu=bool(further(item)))

    def _on_published_changed(self) -> None:
        self._show_details()
        if self._plan_published is not None and self.search.page == "repository":
            self._plan_published(self.search.all_published(), self.search.published())

    def _select(self, key: str) -> None:
        self._requested_key = key
        self._show()

    # Actions

    def _run(self, action: Action | None) -> None:
        item = self._item()
        if item is not None and action is not None:
            self.controller.run(action, item)

    def _run_primary(self, key: str) -> None:
        item = self.inventory.item(key)
        action = primary(item) if item is not None else None
        if item is not None and action is not None:
            self.controller.run(action, item)

    def _use(self, key: str) -> None:
        # A double click can choose a model, but does not start a download of 60 GiB.
        item = self.inventory.item(key)
        if item is not None and primary(item) == "use":
            self.controller.run("use", item)

    def _show_menu(self, position: QPoint) -> None:
        item = self._item()
        if item is not None:
            menu = model_menu(self, item, can_move_up=self.inventory.can_move_up(item))
            menu.triggered.connect(lambda action: self._run(action.objectName()))
            menu.popup(position)

    def _choose(self, model_id: str) -> None:
        self.model_chosen.emit(model_id)
        self.accept()

    def _download_magnet(self, link: str) -> None:
        self._backend.queue.add(link)
        self.search.go_home()
        self._select(link)

    # Dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders that can contain models."""
        if _model_paths(event):
            event.acceptProposedAction()
            self._set_dropping(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Remove the frame."""
        self._set_dropping(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add the dropped files and folders."""
        self._set_dropping(False)
        event.acceptProposedAction()
        self.add_paths(_model_paths(event))

    def _set_dropping(self, dropping: bool) -> None:
        set_style_property(self.search, dropping=dropping)

    # The window

    def done(self, result: int) -> None:
        """Close, and end the jobs that this dialog owns."""
        if self._owns_jobs:
            self.jobs.shut_down()
        super().done(result)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go back one page on Escape, or close."""
        if event.key() == Qt.Key.Key_Escape and (self.search.page != "list" or self.field.text()):
            self.search.go_back()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the details for the new width."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        narrow = self.width() < NARROW
        self._body.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self._note.setVisible(not narrow)
        self.details.set_narrow(narrow)
        if narrow:
            self._rule.setFixedSize(MAX_WIDGET_SIZE, 1)
        else:
            self._rule.setFixedSize(1, MAX_WIDGET_SIZE)
        self.details.setMinimumWidth(0 if narrow else DETAILS_MIN_WIDTH)
        self.details.setMaximumWidth(MAX_WIDGET_SIZE if narrow else DETAILS_MAX_WIDTH)
        self._body.setStretchFactor(self.details, 0 if narrow else DETAILS_STRETCH)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Models"))
        self.setAccessibleName(self.tr("Models"))
        self._heading.setText(self.tr("Models"))
        self._note.setText(self.tr("Any GGUF chat model works. Drop files or folders here; they stay where they are."))
        self.field.setPlaceholderText(self.tr("Search Hugging Face, or paste OWNER/REPO"))
        self.field.setAccessibleName(self.tr("Search Hugging Face"))
        self.list.setAccessibleName(self.tr("Models on this computer and models you can download"))
        self.total.setAccessibleName(self.tr("Downloads"))
        self._close.setText(self.tr("Close"))
        for part in (self.list, self.search, self.details, self.adding):
            part.retranslate()
        self.inventory.refresh_fits()


def _model_paths(event: QDropEvent) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if ".gguf" in path.name.lower() or path.is_dir()]
