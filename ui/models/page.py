"""Models page: the list of models, the details and memory plan of the selected one, the search of a hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QBoxLayout, QFrame, QLineEdit, QMenu, QSizePolicy, QWidget

from app.downloads import ModelDownloads
from app.planning.open_models import Suggestion, Suggestions
from model_manager.hub.listing import UnavailableModel
from model_manager.library.other_programs import ProgramFolder, SystemFolders, find_folders, system_folders
from model_manager.library.scan import inspect_paths
from model_manager.published import PublishedModel
from ui.models.actions import model_menu, primary_action
from ui.models.controller import ModelsController
from ui.models.details import ModelDetails
from ui.models.inventory import FitOf, ModelInventory
from ui.models.item import ModelItem
from ui.models.jobs import ModelJobs
from ui.models.list_view import PAD_X, KeyedRow, ModelList
from ui.models.row_text import RowText, expected_text, queue_text, row_text
from ui.models.search import HubSearch
from ui.plan.model_plan import ModelPlan
from ui.widgets.dialog_parts import MARGIN, StatusLine, button, hairline, quiet_label, scrolled, set_style_property
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import ask_for_file, ask_for_folder
from ui.widgets.icons import icon
from ui.widgets.job import run_job
from ui.widgets.layouts import MAX_WIDGET_SIZE, hbox, vbox
from ui.widgets.page import Page

NARROW = 760
"""Below this width the details are placed under the list."""
BUTTONS_BESIDE = 560
"""From this width on their buttons are beside the name there."""
LIST_MIN_HEIGHT = 108
LIST_STRETCH, DETAILS_STRETCH = 64, 36
DETAILS_MIN_WIDTH, DETAILS_MAX_WIDTH = 300, 480
PLAN_STRETCH, PLAN_MIN_WIDTH = 100, 440
PLAN_DELAY_MS = 150
"""The plan of a model that is passed on the way to another one is not made."""


OfferedFolder = tuple[ProgramFolder, int]
"""A folder of another program, and the number of its models."""


def offered_folders(system: SystemFolders, watched: Sequence[Path]) -> tuple[OfferedFolder, ...]:
    """Return folders of other programs that hold models and are not watched yet.  Reads the headers of their files."""
    folders = [each for each in find_folders(system) if each.path not in watched]
    found = ((each, sum(file.action == "register" for file in inspect_paths([each.path]))) for each in folders)
    return tuple((folder, count) for folder, count in found if count)


class ModelsPage(Page):
    """Models on this computer, of the catalogue and of a hub.  Downloads continue when it is left."""

    model_chosen = Signal(str)
    """Id of the model to use."""
    settings_requested = Signal()
    """The settings of downloads."""
    models_changed = Signal()
    """A model was added to the library or removed, or its download is complete."""

    def __init__(
        self,
        downloads: ModelDownloads,
        current_id: str | None,
        *,
        fit_of: FitOf | None = None,
        jobs: ModelJobs | None = None,
        plan_published: Callable[[Sequence[PublishedModel], PublishedModel | None], None] | None = None,
        suggestions: Callable[[], Suggestions | None] = Suggestions,
        ask_hub: Callable[[], None] = lambda: None,
        make_plan: Callable[[str], ModelPlan] | None = None,
    ) -> None:
        """``jobs`` continue when the page is left; without it, jobs end when it is deleted.

        ``plan_published`` is called with the files of an opened repository and the selected one, to plan their fits.
        ``suggestions`` returns the open models, None while the hub is asked; ``ask_hub`` asks it again.
        ``make_plan`` makes the memory plan of a model.
        """
        super().__init__("modelsDialog")
        self.set_title(self.tr("Models"))
        self.setAcceptDrops(True)
        self._downloads = downloads
        self._plan_published = plan_published
        self._suggestions, self._ask_hub = suggestions, ask_hub
        self._make_plan, self._planned = make_plan, ("", False)
        self._problem = ""
        """Text of the status line while the hub can't be reached."""
        self._requested_key = ""
        """Item to select once it is listed."""
        self._default_key = ""
        self.jobs = jobs or ModelJobs(self)
        self.offered: tuple[OfferedFolder, ...] = ()
        """Folders of other programs, offered by the button that adds a folder."""
        self.inventory = ModelInventory(downloads, self.jobs, current_id, fit_of, self._suggested, self)
        self._make_parts()
        self._lay_out()
        self._connect()
        self.first_focus = self.list
        self.inventory.rescan()
        library = downloads.library
        run_job(self, lambda: offered_folders(system_folders(), library.folders()), self._set_offered, lambda _: None)

    def _make_parts(self) -> None:
        note = self.tr("Any GGUF chat model works. Drop files or folders here; they stay where they are.")
        self._note = quiet_label(note)
        self.field = QLineEdit()
        self.field.setObjectName("hubSearchField")
        self.field.setClearButtonEnabled(True)
        # As in the search of the sidebar; Qt's own is filled.
        clear = self.field.findChild(QAction, "_q_qlineeditclearaction")
        if clear is not None:
            clear.setIcon(icon("close", size=16))
            clear.setText(self.tr("Clear search"))
        self.field.setPlaceholderText(self.tr("Search Hugging Face, or paste OWNER/REPO"))
        self.field.setAccessibleName(self.tr("Search Hugging Face"))
        search_icon = QAction(self.tr("Search"), self.field)
        search_icon.setIcon(icon("search", size=16))
        self.field.addAction(search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self.list = ModelList("modelList", self.tr("Models on this computer and models you can download"))
        self.search = HubSearch(self._downloads, self.list, self.field, self.inventory.published_item)
        self.details = ModelDetails()
        self._rule = QFrame()
        self._rule.setObjectName("modelsRule")
        self.status = StatusLine("modelsStatus", hide_when_empty=True)
        self.controller = ModelsController(self._downloads, self.jobs, self.inventory, self.status, self)
        self.add_file = button("addModelButton", self.tr("Add a model file…"), quiet=True)
        self.add_folder = button("addFolderButton", self.tr("Add a folder…"), quiet=True)
        self.open_settings = button("modelSettingsButton", self.tr("Download settings…"), quiet=True)
        self.total = quiet_label()
        self.total.setObjectName("queueTotal")
        self.total.setAccessibleName(self.tr("Downloads"))
        self.total.setWordWrap(False)
        self.total.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._plan_timer = QTimer(self, singleShot=True, interval=PLAN_DELAY_MS)
        self._plan_timer.timeout.connect(self._show_plan)

    def _lay_out(self) -> None:
        self.field.setMinimumWidth(220)
        self.field.setMaximumWidth(420)
        self.field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.addWidget(self.field, 1)
        self._note.setContentsMargins(MARGIN, 0, MARGIN, 12)
        side = MARGIN - PAD_X - 1  # the frame shown while dropping is 1 px wide
        list_column = vbox(self.search, margins=(side, 0, side, 4))
        self.search.setMinimumHeight(LIST_MIN_HEIGHT)
        self._body = hbox((list_column, LIST_STRETCH), self._rule, self.details)
        self.status.setContentsMargins(MARGIN, 12, MARGIN, 0)
        left = MARGIN - 14  # aligns the text of a quiet button
        adding = (self.add_file, self.add_folder, self.open_settings)
        foot = hbox(*adding, (self.total, 1), spacing=4, margins=(left, 12, MARGIN, 12))
        # It scrolls where the window is too low for all of it.
        whole = QWidget()
        vbox((self._body, 1), hairline(), self.status, foot, parent=whole)
        self.column.addWidget(self._note)
        scroll = scrolled(whole)
        # The keyboard focus moves through what is in it.
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.column.addWidget(scroll, 1)

    def _connect(self) -> None:
        self.list.pressed.connect(self._forget_request)
        self.list.current_changed.connect(self._show_details)
        self.list.current_changed.connect(self._plan_current)
        self.list.double_clicked.connect(self._use)
        self.search.model_changed.connect(self._on_published_changed)
        self.search.closed.connect(self.list.setFocus)
        self.search.settings.clicked.connect(self.settings_requested)
        self.open_settings.clicked.connect(self.settings_requested)
        self.search.magnet_confirmed.connect(self._download_magnet)
        self.details.action_requested.connect(self._run)
        for models in (self.list, self.search.models):
            models.activated_button.connect(self._run_primary)
            models.entered.connect(self._enter)
        for each in (self.list, self.search.models, self.details):
            each.menu_requested.connect(self._show_menu)
        self.controller.model_chosen.connect(self.model_chosen)
        self.controller.selection_requested.connect(self.select)
        self.controller.plan_requested.connect(lambda: self.details.plan.setChecked(True))
        self.details.plan.toggled.connect(self._fold_plan)
        self.inventory.changed.connect(self._show)
        self.inventory.library_changed.connect(self.models_changed)
        self.inventory.failed.connect(self.controller.show_error)
        self.add_file.clicked.connect(self._choose_files)
        self.add_folder.clicked.connect(self._show_folders)

    # Display

    def refresh_fits(self) -> None:
        """Query all fits again, after the devices or the plans have changed."""
        untouched = self.list.key() == self._default_key
        self.inventory.refresh_fits()
        self._show_hub_problem()
        if untouched and (key := self.inventory.default_key()):
            # No row was selected by the user: follow the recommendation.
            self._default_key = key
            self.select(key)

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Add dropped files, parts and folders; the status line shows the result."""
        self.search.go_home()
        self.controller.add_paths(*paths)

    def _show(self) -> None:
        if not self._requested_key and not self.list.model().rowCount():
            self._requested_key = self.inventory.default_key()
            self.list.show_items(self._rows(), self._requested_key)
            self._default_key = self.list.key()
        item = self.inventory.item(self._requested_key) if self._requested_key else None
        self.list.show_items(self._rows(), item.key if item is not None else "")
        if item is not None:
            self._requested_key = ""
            self.list.set_key(item.key)
        self.search.refresh()
        self.total.setText(queue_text(self.inventory.activity.downloads))
        self._show_details()

    def _rows(self) -> list[KeyedRow]:
        items = self.inventory.items
        home = [item for item in items if item.home]
        best = [item for item in items if item.open_model and item.fit is not None and item.fit.recommended]
        more = [item for item in items if item.open_model and item not in best]
        others = [item for item in items if not item.home and not item.open_model]
        name = home[0].title if home else ""
        home_section = (RowText(name, self.tr("the model this program is designed for")), home)
        is_asking = self._suggestions() is None
        sections = [
            (RowText(self.tr("Best for this computer")), best),
            (RowText(self.tr("On this computer")), others),
            (RowText(self.tr("Available for download"), self.tr("Asking the hub…") if is_asking else ""), more),
        ]
        # The home model leads unless another one is recommended, or none of it fits.
        is_too_large = bool(home) and all(item.fit is not None and item.fit.kind == "bad" for item in home)
        sections.insert(3 if best or is_too_large else 0, home_section)
        return [
            row
            for heading, shown in sections
            if shown or heading.label
            for row in (("", heading), *((item.key, row_text(item)) for item in shown))
        ]

    def _suggested(self) -> Sequence[Suggestion]:
        found = self._suggestions()
        return found.models if found is not None else ()

    def _plan_current(self, key: str) -> None:
        """Plan an open model by its own header once it is selected."""
        item = self.inventory.item(key)
        if item is not None and item.open_model and item.published and self._plan_published is not None:
            self._plan_published((item.published,), item.published)

    def _show_hub_problem(self) -> None:
        found, before, self._problem = self._suggestions(), self._problem, ""
        if found is not None and found.problem is not None:
            self._problem = error_text(found.problem)
            is_any_recommended = any(item.fit is not None and item.fit.recommended for item in self.inventory.items)
            if found.expected is not None and not is_any_recommended:
                self._problem += "\n" + expected_text(found.expected)
        if self._problem and self._problem != before:
            self.status.show_message(self._problem, "warning", (self.tr("Try again"), self._ask_hub))
        elif before and not self._problem:
            self.status.clear()

    def _item(self) -> ModelItem | None:
        """Return the model that the details show."""
        if self.search.page == "list":
            return self.inventory.item(self.list.key())
        file = self.search.file()
        return self.inventory.published_item(file) if isinstance(file, PublishedModel) else None

    def _show_details(self) -> None:
        item, file, in_repository = self._item(), self.search.file(), self.search.page == "repository"
        self.details.setVisible(in_repository or self.search.page == "list")
        self._rule.setVisible(self.details.isVisibleTo(self))
        headers = self.inventory.headers(item) if item is not None else ()
        problem = error_text(file.problem) if isinstance(file, UnavailableModel) else ""
        self.details.show_item(item, headers, self.search.repository if in_repository else None, problem)
        self._plan_timer.start()

    def _on_published_changed(self) -> None:
        self._show_details()
        if self._plan_published is not None and self.search.page == "repository":
            file = self.search.file()
            self._plan_published(self.search.all_published(), file if isinstance(file, PublishedModel) else None)

    def select(self, key: str) -> None:
        """Select a model, once it is listed."""
        self._requested_key = key
        self._show()

    def _forget_request(self) -> None:
        self._requested_key = ""
        self._show_plan()

    # Actions

    def _run(self, action: str) -> None:
        item = self._item()
        if action == "folder":
            self.settings_requested.emit()
        elif item is not None and action:
            if action == "cancel":
                # Its button goes, and may be there for the next model at once.
                (self.search.models if self.search.page == "repository" else self.list).setFocus()
            self.controller.run(action, item)

    def _run_primary(self, _key: str) -> None:
        item = self._item()
        if item is not None:
            self._run(primary_action(item))

    def _enter(self, key: str) -> None:
        item = self._item()
        if item is not None and primary_action(item) == "download":
            # One key right after opening the page does not start a download of 60 GiB.
            self.details.buttons[0].setFocus()
        else:
            self._run_primary(key)

    def _use(self, _key: str) -> None:
        # A double click can choose a model, but does not start a download of 60 GiB.
        item = self._item()
        if item is not None and primary_action(item) == "use":
            self._run("use")

    def _show_menu(self, position: QPoint) -> None:
        item = self._item()
        if item is not None:
            menu = model_menu(self, item)
            menu.triggered.connect(lambda action: self._run(action.objectName()))
            menu.popup(position)

    def _set_offered(self, offered: tuple[OfferedFolder, ...]) -> None:
        self.offered = offered

    def _choose_files(self) -> None:
        kinds = self.tr("Model files (*.gguf *.gguf*);;All files (*)")
        ask_for_file(self, self.tr("Add a model file"), kinds, self.controller.add_paths)

    def _show_folders(self) -> None:
        """Show a menu of the folders of other programs, where there are any."""
        if not self.offered:
            self._choose_folder()
            return
        menu = QMenu(self)
        menu.setObjectName("folderMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for folder, count in self.offered:
            text = self.tr("{program}, models: {count}").format(program=folder.program, count=count)
            menu.addAction(text, partial(self.controller.add_paths, folder.path)).setToolTip(str(folder.path))
        menu.addSeparator()
        menu.addAction(self.tr("Another folder…"), self._choose_folder)
        menu.popup(self.add_folder.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))

    def _choose_folder(self) -> None:
        ask_for_folder(self, self.tr("Add a models folder"), self.controller.add_paths)

    def _download_magnet(self, link: str) -> None:
        self._downloads.queue.add(link)
        self.search.go_home()
        self.select(link)

    # Dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders that can contain models."""
        if _model_paths(event):
            event.acceptProposedAction()
            set_style_property(self.search, dropping=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Remove the frame."""
        set_style_property(self.search, dropping=False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add the dropped files and folders."""
        set_style_property(self.search, dropping=False)
        event.acceptProposedAction()
        self.add_paths(_model_paths(event))

    # The plan

    def _fold_plan(self) -> None:
        self._arrange()
        self._show_plan()

    def _show_plan(self) -> None:
        """Show the plan of the selected model where plans are shown, another one where the model is another."""
        item, is_shown = self._item(), self.details.plan.isChecked()
        planned = ("", False)
        if item is not None and (item.fit is not None or item.key == self._planned[0]):
            planned = (item.key, item.path is not None)
        if self._requested_key:
            # Not listed yet, or a file outside the library.
            planned = (self._requested_key, True)
        if not is_shown or self._make_plan is None:
            planned = ("", False)
        if planned != self._planned:
            self._planned = planned
            self.details.show_plan(self._make_plan(planned[0]) if planned[0] and self._make_plan else None)

    # The window

    def finish(self) -> None:
        """Cancel a measurement."""
        self.details.show_plan(None)
        self._planned = ("", False)

    def go_back(self) -> bool:
        """Go back from a repository or a search to the list."""
        is_elsewhere = self.search.page != "list" or bool(self.field.text())
        if is_elsewhere:
            self.search.go_back()
        return is_elsewhere

    def start_search(self) -> None:
        """Give the search field the focus."""
        self.field.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the details for the new width."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        has_plan = self.details.plan.isChecked()
        narrow = self.width() < NARROW
        self._body.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self._note.setVisible(not narrow)
        self.open_settings.setVisible(not narrow)
        self.details.set_narrow(narrow, beside=self.width() >= BUTTONS_BESIDE)
        self._rule.setFixedSize(*((MAX_WIDGET_SIZE, 1) if narrow else (1, MAX_WIDGET_SIZE)))
        self.details.setMinimumWidth(0 if narrow else PLAN_MIN_WIDTH if has_plan else DETAILS_MIN_WIDTH)
        self.details.setMaximumWidth(MAX_WIDGET_SIZE if narrow or has_plan else DETAILS_MAX_WIDTH)
        stretch = PLAN_STRETCH if has_plan else 0 if narrow else DETAILS_STRETCH
        self._body.setStretchFactor(self.details, stretch)


def _model_paths(event: QDropEvent) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if ".gguf" in path.name.lower() or path.is_dir()]
