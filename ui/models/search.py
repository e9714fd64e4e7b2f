"""Search of a hub: found repositories, the files of one repository, and messages.

It takes the place of the list of models, which is its first page.  Downloading is left to the dialog.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QStackedWidget, QWidget

from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.hub.client import HubClient
from model_manager.hub.listing import UnavailableModel, unavailable_models
from model_manager.hub.resolver import fetch_listing
from model_manager.published import PublishedModel, Repository
from ui.models.backend import ModelBackend
from ui.models.item import ModelItem
from ui.models.list_view import ModelList
from ui.models.row_delegate import PAD_X
from ui.widgets.dialog_parts import MARGIN, LazyText, button, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.icons import set_icon
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


class HubSearch(QStackedWidget):
    """Stacks the list of models and the pages of the search."""

    closed = Signal()
    """The list of models is shown again."""
    model_changed = Signal()
    """The current file of a repository, or the page, has changed."""
    activated_button = Signal()
    """The button of the current file was pressed."""
    magnet_confirmed = Signal(str)
    """A magnet link to download."""

    def __init__(self, backend: ModelBackend, own_models: QWidget, field: QLineEdit) -> None:
        super().__init__()
        self._backend = backend
        self._field = field
        self._job: Job | None = None
        self._found: tuple[Repository, ...] = ()
        self._files: dict[str, PublishedModel | UnavailableModel] = {}
        self._item_of: Callable[[PublishedModel], ModelItem] = lambda model: ModelItem(model.id, published=model)
        self._message: LazyText = str
        self._action: Callable[[], None] = lambda: None
        self._action_text: LazyText = str
        self.page: Page = "list"
        self.repository: Repository | None = None
        self.results = ModelList("hubResults")
        self.models = ModelList("hubModels")
        self.back = button("hubBackButton", quiet=True)
        set_icon(self.back, "arrow-left")
        self._title = quiet_label()
        self._title.setWordWrap(False)
        self._label = QLabel()
        self._label.setObjectName("hubMessage")
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self.retry = button("hubRetryButton")
        self.retry.hide()
        self._own_models = own_models
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TYPING_PAUSE_MS)
        self._timer.timeout.connect(self.start)
        field.textEdited.connect(self._on_edited)
        field.returnPressed.connect(self.start)
        self.back.clicked.connect(self.go_back)
        self.retry.clicked.connect(lambda: self._action())
        self.results.activated_button.connect(self._open_repository)
        self.results.double_clicked.connect(self._open_repository)
        self.models.current_changed.connect(self.model_changed)
        self.models.activated_button.connect(self.activated_button)

    def _lay_out(self) -> None:
        self._message_page = QWidget()
        retry = (self.retry, 0, Qt.AlignmentFlag.AlignHCenter)
        margins = (MARGIN, MARGIN, MARGIN, MARGIN)
        column = vbox(self._label, retry, parent=self._message_page, spacing=16, margins=margins)
        column.insertStretch(0, 2)
        column.addStretch(3)
        self._pages = QStackedWidget()
        self._pages.setObjectName("hubPages")
        for page in (self.results, self.models, self._message_page):
            self._pages.addWidget(page)
        self._hub_page = QWidget()
        head = hbox(self.back, (self._title, 1), spacing=8, margins=(0, 0, PAD_X, 4))
        vbox(head, (self._pages, 1), parent=self._hub_page)
        self.addWidget(self._own_models)
        self.addWidget(self._hub_page)

    def published(self) -> PublishedModel | None:
        """Return the current file of the repository, where it can be downloaded."""
        file = self._files.get(self.models.key()) if self.page == "repository" else None
        return file if isinstance(file, PublishedModel) else None

    def all_published(self) -> tuple[PublishedModel, ...]:
        """Return all files of the repository that can be downloaded."""
        return tuple(file for file in self._files.values() if isinstance(file, PublishedModel))

    def problem(self) -> str:
        """Return why the current file cannot be downloaded; empty where it can."""
        file = self._files.get(self.models.key())
        return error_text(file.problem) if isinstance(file, UnavailableModel) else ""

    def show_models(self, item_of: Callable[[PublishedModel], ModelItem]) -> None:
        """Update the files of the repository; ``item_of`` makes an item of each."""
        self._item_of = item_of
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
        elif len(text) >= MIN_CHARACTERS and repository_in(text) is None:
            # An address is opened with Enter: it may be incomplete.
            self._timer.start()

    def start(self) -> None:
        """Search for the text of the field, or open the address in it."""
        self._timer.stop()
        text = self._field.text().strip()
        if text.startswith(MAGNET):
            self._show_message(
                lambda: self.tr(
                    "A magnet link downloads from other people's computers and shares what you have with others "
                    "while it runs. The file is verified like any other download."
                ),
                lambda: self.magnet_confirmed.emit(text),
                lambda: self.tr("Download and share"),
            )
        elif address := repository_in(text):
            self._found = ()
            self._open_repository(address[0], address[1])
        elif text:
            self._search(text)

    def _search(self, text: str) -> None:
        access = self._backend.access
        self._request(
            lambda: self.tr("Searching for “{text}”…").format(text=text),
            lambda token: HubClient(access(), token).search(text),
            partial(self._show_results, text),
            lambda: self._search(text),
        )

    def _open_repository(self, name: str, file: str = "") -> None:
        access = self._backend.access
        self._request(
            lambda: self.tr("Checking {name}…").format(name=name),
            lambda token: fetch_listing(name, access(), token=token),
            lambda listing: self._show_repository(listing.repository, listing.models(), file),
            lambda: self._open_repository(name, file),
        )

    def _request(
        self,
        text: LazyText,
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
                self._job = None
                succeeded(result)

        def show_error(error: UserError) -> None:
            if not token.is_cancelled:
                self._job = None
                self._show_message(lambda: error_text(error), retry)

        job.succeeded.connect(show)
        job.failed.connect(show_error)
        job.start(lambda: work(token))

    def _cancel(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    # Pages

    def _show_results(self, text: str, found: tuple[Repository, ...]) -> None:
        self._found = found
        if not found:
            self._show_message(
                lambda: self.tr(
                    "Nothing found for “{text}”. Try a shorter part of the model name, or paste OWNER/REPO."
                ).format(text=text)
            )
            return
        self.results.show_items([(each.id, each) for each in found])
        self._show_page("results")

    def _show_repository(self, repository: Repository, models: tuple[PublishedModel, ...], file: str) -> None:
        self.repository = repository
        self._files = {each.id: each for each in models}
        self._files |= {f"{repository.id}:{each.name}": each for each in unavailable_models(repository)}
        if not self._files:
            self._show_message(
                lambda: self.tr("{name} contains no GGUF files. Look for a repository whose name ends in GGUF.").format(
                    name=repository.id
                )
            )
            return
        self._fill_models()
        self._show_page("repository")
        self.models.set_key(next((key for key in self._files if file and file in key), next(iter(self._files))))
        if not self._field.hasFocus() or self._found:
            self.models.setFocus()
        self.model_changed.emit()

    def _fill_models(self) -> None:
        self.models.show_items(
            [
                (key, self._item_of(file) if isinstance(file, PublishedModel) else file)
                for key, file in self._files.items()
            ]
        )

    def _show_page(self, page: Page) -> None:
        self.page = page
        if page == "list":
            self.setCurrentWidget(self._own_models)
        else:
            pages = {"results": self.results, "repository": self.models, "message": self._message_page}
            self._pages.setCurrentWidget(pages[page])
            self.setCurrentWidget(self._hub_page)
        self._show_title()
        self.model_changed.emit()

    def _show_message(
        self, text: LazyText, action: Callable[[], None] | None = None, action_text: LazyText | None = None
    ) -> None:
        self._message = text
        self._action = action or (lambda: None)
        self._action_text = action_text or (lambda: self.tr("Try again"))
        self.retry.setVisible(action is not None)
        self._set_message_texts()
        self._show_page("message")

    def _set_message_texts(self) -> None:
        self._label.setText(self._message())
        self.retry.setText(self._action_text())

    def _show_title(self) -> None:
        text = ""
        if self.page == "repository" and self.repository is not None:
            parts = [self.repository.id, self.repository.licence or ""]
            if self.repository.gated:
                parts.append(
                    self.tr("gated: accept the terms on the repository page, then enter your access token in Settings")
                )
            text = " · ".join(part for part in parts if part)
        elif self.page == "results":
            text = self.tr("Repositories with GGUF files, most downloaded first")
        self._title.setText(text)
        self._title.setToolTip(text)
        to_results = self.page == "repository" and self._found
        self.back.setText(self.tr("Results") if to_results else self.tr("Your models"))

    def retranslate(self) -> None:
        """Set all texts in the current language."""
        self.results.setAccessibleName(self.tr("Repositories found"))
        self.models.setAccessibleName(self.tr("Models in the repository"))
        self.results.retranslate()
        self.models.retranslate()
        self._set_message_texts()
        self._show_title()
