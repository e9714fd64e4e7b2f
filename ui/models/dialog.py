"""The models page: what this machine has and what it could have, each with its one next step; and the way to more.

The list, the details and the search of a hub are widgets of their own, deeds are ``ModelDeeds``'s; here they are put
together and kept true: the disk is looked at in the background, the queue of downloads tells when it moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

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
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from model_manager.published import PublishedModel
from ui.models.actions import Action, further, primary
from ui.models.add_buttons import AddButtons
from ui.models.backend import ModelBackend
from ui.models.controller import ModelDeeds
from ui.models.details import ModelDetails
from ui.models.entries import Entry
from ui.models.hub_rows import published_row
from ui.models.list_view import KeyedRow, ModelList
from ui.models.menus import model_menu
from ui.models.metadata import facts_of
from ui.models.queue_signals import queue_text
from ui.models.row_delegate import PAD_X
from ui.models.rows import ModelRow, row_of
from ui.models.search import HubSearch
from ui.models.state import FitOf, ModelState
from ui.models.workers import ModelWorks
from ui.widgets.dialog_parts import MARGIN, StatusLine, TranslatedDialog, button, hairline, heading, quiet_label
from ui.widgets.icons import icon
from ui.widgets.theme import current_theme

NARROW = 760
"""Below this width the details stand below the list."""
FIRST_SIZE = (1080, 740)
LEAST_SIZE = (600, 520)
UNBOUNDED = 16_777_215
LIST_SHARE, DETAILS_SHARE = 64, 36
DETAILS_LEAST, DETAILS_MOST = 300, 480


class ModelsDialog(TranslatedDialog):
    """Roomy; closing it ends no download."""

    model_chosen = Signal(str)
    """The id of the model to use from now on; the dialog closes."""
    plan_requested = Signal(str, str)
    """The id and the name of the model whose plan is to be shown."""
    models_changed = Signal()
    """A model was added to the library or taken off it, or has arrived."""

    def __init__(
        self,
        backend: ModelBackend,
        current_id: str | None,
        parent: QWidget | None = None,
        *,
        fit_of: FitOf | None = None,
        works: ModelWorks | None = None,
        look_at: Callable[[Sequence[PublishedModel], PublishedModel | None], None] | None = None,
    ) -> None:
        """``works`` goes on when the dialog is closed; without it, work ends with the dialog.

        ``look_at`` is told what a repository publishes and which of it is looked at, to judge how well it fits.
        """
        super().__init__(parent)
        self.setObjectName("modelsDialog")
        self.setAcceptDrops(True)
        self._backend = backend
        self._look_at = look_at
        self._wanted = ""
        self._first = ""
        self.works = works or ModelWorks(self)
        self._owns_works = works is None
        self.state = ModelState(backend, self.works, current_id, fit_of, self)
        self._make_parts()
        self._lay_out()
        self._connect()
        self.setMinimumSize(*LEAST_SIZE)
        room = self.screen().availableGeometry()
        self.resize(min(FIRST_SIZE[0], room.width() - 60), min(FIRST_SIZE[1], room.height() - 80))
        self._finish_setup()
        self.list.setFocus()
        self.state.refresh()

    def _make_parts(self) -> None:
        self._heading = heading()
        self._note = quiet_label()
        self.field = QLineEdit()
        self.field.setObjectName("hubSearchField")
        self.field.setClearButtonEnabled(True)
        self._search_icon = self.field.addAction(
            icon("search", "#888888", 16), QLineEdit.ActionPosition.LeadingPosition
        )
        self.list = ModelList("modelList")
        self.search = HubSearch(self._backend, self.list, self.field)
        self.details = ModelDetails()
        self._rule = QFrame()
        self._rule.setObjectName("modelsRule")
        self.status = StatusLine("modelsStatus", hide_when_empty=True)
        self.deeds = ModelDeeds(self._backend, self.works, self.state, self.status, self)
        self.adding = AddButtons(self._backend.library)
        self.total = quiet_label()
        self.total.setObjectName("queueTotal")
        self.total.setWordWrap(False)
        self.total.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._close = button("closeButton")

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._heading)
        words.addWidget(self._note)
        head = QHBoxLayout()
        head.setContentsMargins(MARGIN, 20, MARGIN, 12)
        head.setSpacing(MARGIN)
        head.addLayout(words, 3)
        self.field.setMinimumWidth(220)
        self.field.setMaximumWidth(420)
        self.field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        head.addWidget(self.field, 4, Qt.AlignmentFlag.AlignVCenter)
        around = QVBoxLayout()
        around.setContentsMargins(MARGIN - PAD_X - 1, 0, MARGIN - PAD_X - 1, 4)  # the frame of a drop is 1 wide
        around.addWidget(self.search)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(0)
        self._body.addLayout(around, LIST_SHARE)
        self._body.addWidget(self._rule)
        self._body.addWidget(self.details)
        self.status.setContentsMargins(MARGIN, 12, MARGIN, 0)
        foot = QHBoxLayout()
        foot.setContentsMargins(MARGIN - 14, 12, MARGIN, 12)  # a quiet button's words begin where others do
        foot.setSpacing(4)
        foot.addWidget(self.adding)
        foot.addWidget(self.total, 1)
        foot.addSpacing(12)
        foot.addWidget(self._close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(self._body, 1)
        layout.addWidget(hairline())
        layout.addWidget(self.status)
        layout.addLayout(foot)

    def _connect(self) -> None:
        self.list.chosen.connect(self._show_details)
        self.list.acted.connect(self._act_on)
        self.list.opened.connect(self._open)
        self.list.menu_wanted.connect(self._show_menu)
        self.search.model_chosen.connect(self._show_published)
        self.search.acted.connect(self._act)
        self.search.models.menu_wanted.connect(self._show_menu)
        self.search.left.connect(self.list.setFocus)
        self.search.magnet_wanted.connect(self._fetch_magnet)
        self.details.acted.connect(self._do)
        self.details.menu_wanted.connect(self._show_menu_at)
        self.details.link_wanted.connect(self._open_page)
        self.deeds.chosen.connect(self._chosen)
        self.deeds.wanted.connect(self._go_to)
        self.deeds.plan_requested.connect(self.plan_requested)
        self.state.changed.connect(self._show)
        self.state.library_changed.connect(self.models_changed)
        self.state.failed.connect(self.deeds.fail)
        self.adding.wanted.connect(self.deeds.add_path)
        self._close.clicked.connect(self.reject)
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self.field.setFocus)

    # What is shown

    def refresh_fits(self) -> None:
        """Ask anew how well each model fits: the devices, or what is known of them, changed."""
        untouched = self.list.key() == self._first
        self.state.refresh_fits()
        if untouched and (first := self.state.first_key()):
            # Nobody has chosen a row yet: the one to begin with may be another now.
            self._first = first
            self._go_to(first)

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Take files, parts and folders that were dropped somewhere; the status line says what became of them."""
        self.search.go_home()
        self.deeds.add_paths(paths)

    def _show(self) -> None:
        if not self._wanted and not self.list.rows():
            self._wanted = self.state.first_key()
            self.list.show_rows(self._rows(), self._wanted)
            self._first = self.list.key()
        entry = self.state.entry(self._wanted) if self._wanted else None
        key = entry.key if entry is not None else ""
        self.list.show_rows(self._rows(), key)
        if key:
            self._wanted = ""
            self.list.set_key(key)
        self.search.show_models(self._row_of_published)
        self.total.setText(queue_text(self.state.statuses()))
        self._show_details()

    def _rows(self) -> list[KeyedRow]:
        known = self.state.entries
        name = next((each.title for each in known if each.home), "")
        return [
            ("", ModelRow(name, label=self.tr("the model this program is designed for"), is_heading=True)),
            *((each.key, row_of(each)) for each in known if each.home),
            ("", ModelRow(self.tr("Other models"), is_heading=True)),
            *((each.key, row_of(each)) for each in known if not each.home),
        ]

    def _row_of_published(self, published: PublishedModel) -> ModelRow:
        return published_row(published, row_of(replace(self.state.entry_of(published), home=False)))

    def _entry(self) -> Entry | None:
        """The model that the details show."""
        if self.search.page == "list":
            return self.state.entry(self.list.key())
        published = self.search.published()
        return self.state.entry_of(published) if published is not None else None

    def _show_details(self) -> None:
        entry, page = self._entry(), self.search.page
        shown = page in ("list", "repository")
        self.details.setVisible(shown)
        self._rule.setVisible(shown)
        if entry is None:
            self.details.show_nothing(self.search.problem() if page == "repository" else "")
            return
        repository = self.search.repository if self.search.page == "repository" else None
        facts = facts_of(entry, self.state.headers(entry), repository)
        self.details.show_entry(entry, facts, has_menu=bool(further(entry)))

    def _show_published(self) -> None:
        self._show_details()
        if self._look_at is not None and self.search.page == "repository":
            self._look_at(self.search.all_published(), self.search.published())

    def _go_to(self, key: str) -> None:
        self._wanted = key
        self._show()

    # What is done

    def _act_on(self, key: str) -> None:
        entry = self.state.entry(key)
        action = primary(entry) if entry is not None else None
        if entry is not None and action is not None:
            self.deeds.do(action, entry)

    def _open(self, key: str) -> None:
        # Twice on a row may choose a model; it must not begin to fetch 60 GiB.
        entry = self.state.entry(key)
        if entry is not None and primary(entry) == "use":
            self.deeds.do("use", entry)

    def _act(self) -> None:
        entry = self._entry()
        action = primary(entry) if entry is not None else None
        if action is not None:
            self._do(action)

    def _do(self, action: Action) -> None:
        entry = self._entry()
        if entry is not None:
            self.deeds.do(action, entry)

    def _open_page(self) -> None:
        self._do("open_page")

    def _show_menu(self, _key: str, place: QPoint) -> None:
        self._show_menu_at(place)

    def _show_menu_at(self, place: QPoint) -> None:
        entry = self._entry()
        if entry is not None:
            menu = model_menu(self, entry, can_move_up=self.state.can_move_up(entry))
            menu.triggered.connect(self._do_chosen)
            menu.popup(place)

    def _do_chosen(self, chosen: QAction) -> None:
        self._do(cast(Action, chosen.objectName()))

    def _chosen(self, model_id: str) -> None:
        self.model_chosen.emit(model_id)
        self.accept()

    def _fetch_magnet(self, link: str) -> None:
        self._backend.manager.add(link)
        self.search.go_home()
        self._go_to(link)

    # Dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders that may be models."""
        if _model_paths(event):
            event.acceptProposedAction()
            self._set_dropping(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing is dropped after all."""
        self._set_dropping(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        self._set_dropping(False)
        event.acceptProposedAction()
        self.add_paths(_model_paths(event))

    def _set_dropping(self, dropping: bool) -> None:
        self.search.setProperty("dropping", dropping)
        self.search.style().unpolish(self.search)
        self.search.style().polish(self.search)

    # The window

    def done(self, result: int) -> None:
        """Close; work that nobody else looks after ends."""
        if self._owns_works:
            self.works.close()
        super().done(result)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leads one page back before it closes."""
        if event.key() == Qt.Key.Key_Escape and (self.search.page != "list" or self.field.text()):
            self.search.go_back()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the details where there is room for them."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        narrow = self.width() < NARROW
        self._body.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self._note.setVisible(not narrow)
        self.details.set_narrow(narrow)
        if narrow:
            self._rule.setFixedSize(UNBOUNDED, 1)
        else:
            self._rule.setFixedSize(1, UNBOUNDED)
        self.details.setMinimumWidth(0 if narrow else DETAILS_LEAST)
        self.details.setMaximumWidth(UNBOUNDED if narrow else DETAILS_MOST)
        self._body.setStretchFactor(self.details, 0 if narrow else DETAILS_SHARE)

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
        for part in (self.list, self.search, self.details, self.adding, self.status):
            part.retranslate()
        self.state.refresh_fits()

    def _recolour(self) -> None:
        self._search_icon.setIcon(icon("search", current_theme().quiet_text, 16))
        for each in (self.list, self.search.results, self.search.models):
            each.viewport().update()
        self.search.recolour()
        self.details.recolour()


def _model_paths(event: QDropEvent) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if ".gguf" in path.name.lower() or path.is_dir()]
