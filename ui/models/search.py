"""Search of a hub: found repositories, the files of one repository, and messages.

It takes the place of the list of models, which is its first page.  Downloading is left to the dialog.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QFrame, QLineEdit, QStackedWidget, QWidget

from app.downloads import ModelDownloads
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.hub.client import HubClient
from model_manager.hub.listing import UnavailableModel, published_models, unavailable_models
from model_manager.hub.resolver import fetch_repository
from model_manager.published import PublishedModel, Repository
from ui.models.item import ModelItem
from ui.models.list_view import PAD_X, ModelList
from ui.models.row_text import repository_text, row_text, unavailable_text
from ui.widgets.dialog_parts import MARGIN, StatusLine, button, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.icons import icon
from ui.widgets.job import Job
from ui.widgets.layouts import hbox, vbox

TYPING_PAUSE_MS = 500
"""A search starts after this pause in typing."""
MIN_CHARACTERS = 3
MAGNET = "magnet:"
Page = Literal["list", "results", "repository", "message"]

_ADDRESS = re.compile(
    r"(?:https?://[^/\s]+/)?(?P<repository>[\w.-]+/[\w.-]+)(?:(?:/(?:tree|blob|resolve)/[^/\s]+/?|:)(?P<file>\S+)?)?/?",
    re.ASCII,
)


def repository_in(text: str) -> tuple[str, str] | None:
    """Return the repository and the file named by a pasted address; None for a text to search for."""
    match = _ADDRESS.fullmatch(text.strip())
    return (match["repository"], match["file"] or "") if match else None


class HubSearch(QFrame):
    """Stacks the list of models and the pages of the search."""

    closed = Signal()
    """The list of models is shown again."""
    model_changed = Signal()
    """The current file of a repository, or the page, has changed."""
    magnet_confirmed = Signal(str)
    """A magnet link to download."""

    def __init__(
        self,
        downloads: ModelDownloads,
        own_models: QWidget,
        field: QLineEdit,
        item_of: Callable[[PublishedModel], ModelItem],
    ) -> None:
        super().__init__()
        self.setObjectName("hubSearch")
        self._downloads = downloads
        self._field = field
        self._item_of = item_of
        self._job: Job | None = None
        self._found: tuple[Repository, ...] = ()
        self._found_for = ""
        """The text that was searched for."""
        self._files: dict[str, PublishedModel | UnavailableModel] = {}
        self._default_key = ""
        """File that was selected for the user, until the best one for this machine is known."""
        self.page: Page = "list"
        self.repository: Repository | None = None
        self.results = ModelList("hubResults", self.tr("Repositories found"))
        self.models = ModelList("hubModels", self.tr("Models in the repository"))
        self.back = button("hubBackButton", quiet=True)
        self.back.setIcon(icon("arrow-left"))
        self._title = quiet_label()
        self._title.setWordWrap(False)
        self.message = StatusLine("hubMessage", centred=True)
        self.settings = button("hubSettingsButton", self.tr("Download settings…"), quiet=True)
        """Shown below an error: the mirror and the proxy can be changed there."""
        message = QWidget()
        column = vbox(
            self.message,
            (self.settings, 0, Qt.AlignmentFlag.AlignHCenter),
            parent=message,
            margins=(MARGIN, MARGIN, MARGIN, MARGIN),
        )
        column.insertStretch(0, 2)
        column.addStretch(3)
        self._page_widgets: dict[Page, QWidget] = {
            "list": own_models,
            "results": self.results,
            "repository": self.models,
            "message": message,
        }
        self._pages = QStackedWidget()
        for page in self._page_widgets.values():
            self._pages.addWidget(page)
        self._head = QWidget()
        self._head.hide()
        hbox(self.back, (self._title, 1), parent=self._head, spacing=8, margins=(0, 0, PAD_X, 4))
        vbox(self._head, (self._pages, 1), parent=self)
        self._timer = QTimer(self, singleShot=True, interval=TYPING_PAUSE_MS)
        self._timer.timeout.connect(self.start)
        field.textEdited.connect(self._on_edited)
        field.returnPressed.connect(self._on_enter)
        down = QShortcut(Qt.Key.Key_Down, field, context=Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(lambda: self._page_widgets[self.page].setFocus())
        self.back.clicked.connect(self.go_back)
        self.results.activated_button.connect(self._open_repository)
        self.results.entered.connect(self._open_repository)
        self.results.double_clicked.connect(self._open_repository)
        self.models.current_changed.connect(self.model_changed)
        self._show_title()

    def file(self) -> PublishedModel | UnavailableModel | None:
        """Return the current file of the repository."""
        return self._files.get(self.models.key()) if self.page == "repository" else None

    def all_published(self) -> tuple[PublishedModel, ...]:
        """Return all files of the repository that can be downloaded."""
        return tuple(file for file in self._files.values() if isinstance(file, PublishedModel))

    def refresh(self) -> None:
        """Show the current states of the files of the repository."""
        if self.page == "repository":
            self._fill_models()

    def go_back(self) -> None:
        """Go back from a repository to the results, else to the list of models."""
        if self.page == "repository" and self._found:
            self._show_page("results")
            self.results.setFocus()
        else:
            self.go_home()

    def go_home(self) -> None:
        """Go back to the list of models."""
        self._cancel()
        self._field.clear()
        self._found = ()
        self._show_page("list")
        self.closed.emit()

    # Requests

    def _on_edited(self, text: str) -> None:
        text = text.strip()
        self._timer.stop()
        if not text:
            self.go_home()
        elif (address := repository_in(text)) is not None:
            # It may be incomplete; what was found for the text before is no longer about it.
            self._cancel()
            self._show_message(self.tr("Press Enter to open {name}.").format(name=address[0]))
        elif len(text) >= MIN_CHARACTERS:
            self._timer.start()

    def _on_enter(self) -> None:
        if self.page == "results" and self._field.text().strip() == self._found_for:
            self._open_repository(self.results.key())
        else:
            self.start()

    def start(self) -> None:
        """Search for the text of the field, or open the address in it."""
        self._timer.stop()
        text = self._field.text().strip()
        if text.startswith(MAGNET):
            self._show_message(
                self.tr(
                    "A magnet link downloads from other people's computers and shares what you have with others "
                    "while it runs. The file is verified like any other download."
                ),
                lambda: self.magnet_confirmed.emit(text),
                self.tr("Download and share"),
            )
        elif address := repository_in(text):
            self._found = ()
            self._open_repository(address[0], address[1])
        elif text:
            self._search(text)

    def _search(self, text: str) -> None:
        access = self._downloads.access
        self._request(
            self.tr("Searching for “{text}”…").format(text=text),
            lambda token: HubClient(access(), token).search(text),
            partial(self._show_results, text),
            lambda: self._search(text),
        )

    def _open_repository(self, name: str, file: str = "") -> None:
        access = self._downloads.access
        self._request(
            self.tr("Checking {name}…").format(name=name),
            lambda token: fetch_repository(name, access(), token=token),
            lambda repository: self._show_repository(repository, published_models(repository), file),
            lambda: self._open_repository(name, file),
        )

    def _request(
        self,
        text: str,
        work: Callable[[CancelToken], object],
        succeeded: Callable[[Any], None],
        retry: Callable[[], None],
    ) -> None:
        """Send a request in the background; the one before is cancelled."""
        self._cancel()
        self._show_message(text)
        job = self._job = Job(self)
        token = job.token

        def show(result: object) -> None:
            if not token.is_cancelled:
                succeeded(result)

        def show_error(error: UserError) -> None:
            if not token.is_cancelled:
                self._show_message(error_text(error), retry)
                self.settings.show()

        job.succeeded.connect(show)
        job.failed.connect(show_error)
        job.start(lambda: work(token))

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    # Pages

    def _show_results(self, text: str, found: tuple[Repository, ...]) -> None:
        self._found, self._found_for = found, text
        if not found:
            message = self.tr("Nothing found for “{text}”. Try a shorter part of the model name, or paste OWNER/REPO.")
            self._show_message(message.format(text=text))
            return
        self.results.show_items([(each.id, repository_text(each)) for each in found])
        self._show_page("results")

    def _show_repository(self, repository: Repository, models: tuple[PublishedModel, ...], file: str) -> None:
        self.repository = repository
        self._files = {each.id: each for each in models}
        self._files |= {f"{repository.id}:{each.name}": each for each in unavailable_models(repository)}
        if not self._files:
            message = self.tr("{name} contains no GGUF files. Look for a repository whose name ends in GGUF.")
            self._show_message(message.format(name=repository.id))
            return
        self._fill_models()
        self._show_page("repository")
        named = next((key for key in self._files if file and file in key), "")
        self._default_key = "" if named else next(iter(self._files))
        self.models.set_key(named or self._default_key)
        if not self._field.hasFocus() or self._found:
            self.models.setFocus()
        self.model_changed.emit()

    def _fill_models(self) -> None:
        items = {key: self._item_of(file) for key, file in self._files.items() if isinstance(file, PublishedModel)}
        rows = {
            key: unavailable_text(file) if isinstance(file, UnavailableModel) else row_text(items[key])
            for key, file in self._files.items()
        }
        self.models.show_items(list(rows.items()))
        best = (key for key, item in items.items() if item.fit is not None and item.fit.leads_repository)
        if self._default_key and self.models.key() == self._default_key and (key := next(best, "")):
            self._default_key = ""
            self.models.set_key(key)

    def _show_page(self, page: Page) -> None:
        self.page = page
        self._pages.setCurrentWidget(self._page_widgets[page])
        self._head.setVisible(page != "list")
        self._show_title()
        self.model_changed.emit()

    def _show_message(self, text: str, action: Callable[[], None] | None = None, action_text: str = "") -> None:
        button = (action_text or self.tr("Try again"), action) if action is not None else None
        self.message.show_message(text, "", button)
        self.settings.hide()
        self._show_page("message")

    def _show_title(self) -> None:
        text = ""
        if self.page == "repository" and self.repository is not None:
            parts = [self.repository.id, self.repository.licence or ""]
            if self.repository.gated:
                parts.append(
                    self.tr("gated: accept the terms on the repository page, then enter your access token in Settings")
                )
            text = " · ".join(filter(None, parts))
        elif self.page == "results":
            text = self.tr("Repositories with GGUF files, most downloaded first")
        self._title.setText(text)
        self._title.setToolTip(text)
        to_results = self.page == "repository" and self._found
        self.back.setText(self.tr("Results") if to_results else self.tr("Your models"))
