"""Looking for models on a hub: what a text finds, and what a repository of it publishes, in two pages and a message.

Questions are asked in other threads; the one before is ended when a new one is asked.  Downloading is the dialog's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.client import Hub
from model_manager.hub.listing import LeftOut, left_out
from model_manager.hub.resolver import list_published
from model_manager.published import PublishedModel, Repository
from ui.models.backend import ModelBackend
from ui.models.hub_rows import left_out_row, repository_in, repository_row
from ui.models.list_view import ModelList
from ui.models.row_delegate import PAD_X
from ui.models.rows import ModelRow
from ui.widgets.dialog_parts import MARGIN, button, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.icons import icon
from ui.widgets.job import run_job
from ui.widgets.theme import current_theme

PAUSE_MS = 500
"""A text is looked for when nothing is typed for so long."""
LEAST_LETTERS = 3
MAGNET = "magnet:"
Page = Literal["list", "results", "repository", "message"]
Row = PublishedModel | LeftOut


class _Question:
    """One question to a hub that may be given up."""

    def __init__(self, access: Callable[[], Access]) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._hub: Hub | None = None
        self._given_up = False

    def search(self, text: str) -> tuple[Repository, ...]:
        hub = Hub(self._access())
        with self._lock:
            self._hub = hub
            if self._given_up:
                raise Cancelled
        return hub.search(text)

    def repository(self, name: str) -> tuple[Repository, tuple[PublishedModel, ...]]:
        return list_published(name, self._access())

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._hub is not None:
                self._hub.abort()


class _Asking:
    """The question that is being asked; no widget, so that it can be given up when the page is gone."""

    def __init__(self) -> None:
        self.now: _Question | None = None

    def give_up(self) -> None:
        if self.now is not None:
            self.now.give_up()
            self.now = None


class HubSearch(QStackedWidget):
    """Stands in the place of the person's own list, which is its first page, while something is looked for."""

    left = Signal()
    """Back to the person's own list."""
    model_chosen = Signal()
    """Another row of a repository is the current one, or none, or another page is shown."""
    acted = Signal()
    """The button of the current row was pressed."""
    magnet_wanted = Signal(str)
    """A magnet link is to be fetched; the person was told that this uploads."""

    def __init__(self, backend: ModelBackend, own: QWidget, field: QLineEdit) -> None:
        super().__init__()
        self._backend = backend
        self._field = field
        self._asking = _Asking()
        self._found: tuple[Repository, ...] = ()
        self._rows: dict[str, Row] = {}
        self._row_of: Callable[[PublishedModel], ModelRow] = lambda model: ModelRow(model.id)
        self._wanted_file = ""
        self._message: Callable[[], str] = str
        self._again: Callable[[], None] | None = None
        self._again_words: Callable[[], str] = str
        self.page: Page = "list"
        self.repository: Repository | None = None
        self.results = ModelList("hubResults")
        self.models = ModelList("hubModels")
        self.back = button("hubBackButton", quiet=True)
        self._where = quiet_label()
        self._where.setWordWrap(False)
        self._label = QLabel()
        self._label.setObjectName("hubMessage")
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self.retry = button("hubRetryButton")
        self.retry.hide()
        self._own = own
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self.look_for)
        field.textEdited.connect(self._typed)
        field.returnPressed.connect(self.look_for)
        self.back.clicked.connect(self.go_back)
        self.retry.clicked.connect(self._try_again)
        self.results.acted.connect(self._open)
        self.results.opened.connect(self._open)
        self.models.chosen.connect(self.model_chosen)
        self.models.acted.connect(self.acted)
        self.destroyed.connect(self._asking.give_up)

    def _lay_out(self) -> None:
        message = QWidget()
        around = QVBoxLayout(message)
        around.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        around.setSpacing(16)
        around.addStretch(2)
        around.addWidget(self._label)
        around.addWidget(self.retry, 0, Qt.AlignmentFlag.AlignHCenter)
        around.addStretch(3)
        self._pages = QStackedWidget()
        self._pages.setObjectName("hubPages")
        for page in (self.results, self.models, message):
            self._pages.addWidget(page)
        self._message_page = message
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, PAD_X, 4)
        head.setSpacing(8)
        head.addWidget(self.back)
        head.addWidget(self._where, 1)
        hub = QWidget()
        layout = QVBoxLayout(hub)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._pages, 1)
        self._hub_page = hub
        self.addWidget(self._own)
        self.addWidget(hub)

    # What is shown

    def published(self) -> PublishedModel | None:
        """The current row, where it can be fetched."""
        row = self._rows.get(self.models.key()) if self.page == "repository" else None
        return row if isinstance(row, PublishedModel) else None

    def all_published(self) -> tuple[PublishedModel, ...]:
        """Everything of the repository that can be fetched."""
        return tuple(row for row in self._rows.values() if isinstance(row, PublishedModel))

    def problem(self) -> str:
        """Why the current row cannot be fetched; empty where it can."""
        row = self._rows.get(self.models.key()) if self.page == "repository" else None
        return error_text(row.problem) if isinstance(row, LeftOut) else ""

    def show_models(self, row_of: Callable[[PublishedModel], ModelRow]) -> None:
        """Show the rows of a repository as they are now, as ``row_of`` tells them."""
        self._row_of = row_of
        if self.page == "repository":
            self._fill_models()

    def go_back(self) -> None:
        """One page back: from a repository to what was found, from there to the person's own list."""
        if self.page == "repository" and self._found:
            self._show("results")
            self.results.setFocus()
        else:
            self.go_home()

    def go_home(self) -> None:
        """Back to the person's own list."""
        self._asking.give_up()
        self._field.clear()
        self._found = ()
        self._show("list")
        self.left.emit()

    # What is asked

    def _typed(self, text: str) -> None:
        text = text.strip()
        if not text:
            self._timer.stop()
            self.go_home()
        elif len(text) >= LEAST_LETTERS and repository_in(text) is None:
            self._timer.start()
        else:
            # An address is complete when the person says so.
            self._timer.stop()

    def look_for(self) -> None:
        """Look for what is in the field."""
        self._timer.stop()
        text = self._field.text().strip()
        if not text:
            return
        if text.startswith(MAGNET):
            self._say(
                lambda: self.tr(
                    "A magnet link downloads from other people's computers and shares what you have with others "
                    "while it runs. The file is verified like any other download."
                ),
                lambda: self.magnet_wanted.emit(text),
                lambda: self.tr("Download and share"),
            )
        elif named := repository_in(text):
            self._found = ()
            self._ask_for(*named)
        else:
            self._search(text)

    def _search(self, text: str) -> None:
        question = self._ask(lambda: self.tr("Searching for “{text}”…").format(text=text))

        def done(found: tuple[Repository, ...]) -> None:
            if question is self._asking.now:
                self._show_results(text, found)

        def failed(error: UserError) -> None:
            if question is self._asking.now:
                self._say(lambda: error_text(error), lambda: self._search(text))

        run_job(self, lambda: question.search(text), done, failed)

    def _ask_for(self, name: str, file: str = "") -> None:
        question = self._ask(lambda: self.tr("Checking {name}…").format(name=name))
        self._wanted_file = file

        def done(told: tuple[Repository, tuple[PublishedModel, ...]]) -> None:
            if question is self._asking.now:
                self._show_repository(*told)

        def failed(error: UserError) -> None:
            if question is self._asking.now:
                self._say(lambda: error_text(error), lambda: self._ask_for(name, file))

        run_job(self, lambda: question.repository(name), done, failed)

    def _ask(self, words: Callable[[], str]) -> _Question:
        self._asking.give_up()
        question = self._asking.now = _Question(self._backend.access)
        self._say(words)
        return question

    # What comes back

    def _show_results(self, text: str, found: tuple[Repository, ...]) -> None:
        self._found = found
        if not found:
            self._say(
                lambda: self.tr(
                    "Nothing found for “{text}”. Try a shorter part of the model name, or paste OWNER/REPO."
                ).format(text=text)
            )
            return
        self.results.show_rows([(each.id, repository_row(each)) for each in found])
        self._show("results")

    def _open(self, name: str) -> None:
        self._ask_for(name)

    def _show_repository(self, repository: Repository, models: tuple[PublishedModel, ...]) -> None:
        self.repository = repository
        gone = left_out(repository)
        self._rows = {each.id: each for each in models} | {f"{repository.id}:{each.name}": each for each in gone}
        if not self._rows:
            self._say(
                lambda: self.tr("{name} contains no GGUF files. Look for a repository whose name ends in GGUF.").format(
                    name=repository.id
                )
            )
            return
        self._fill_models()
        wanted = next(
            (key for key, row in self._rows.items() if self._wanted_file and self._wanted_file in key),
            next(iter(self._rows)),
        )
        self._show("repository")
        self.models.set_key(wanted)
        if not self._field.hasFocus() or self._found:
            self.models.setFocus()
        self.model_chosen.emit()

    def _fill_models(self) -> None:
        rows = [
            (key, self._row_of(row) if isinstance(row, PublishedModel) else left_out_row(row))
            for key, row in self._rows.items()
        ]
        self.models.show_rows(rows)

    # Pages and words

    def _show(self, page: Page) -> None:
        self.page = page
        widgets: dict[Page, QWidget] = {
            "list": self.results,
            "results": self.results,
            "repository": self.models,
            "message": self._message_page,
        }
        self._pages.setCurrentWidget(widgets[page])
        self.setCurrentWidget(self._own if page == "list" else self._hub_page)
        self._word_head()
        self.model_chosen.emit()

    def _say(
        self,
        words: Callable[[], str],
        again: Callable[[], None] | None = None,
        again_words: Callable[[], str] | None = None,
    ) -> None:
        self._message, self._again = words, again
        self._again_words = again_words or (lambda: self.tr("Try again"))
        self.retry.setVisible(again is not None)
        self._word_message()
        self._show("message")

    def _try_again(self) -> None:
        if self._again is not None:
            self._again()

    def _word_message(self) -> None:
        self._label.setText(self._message())
        self.retry.setText(self._again_words())

    def _word_head(self) -> None:
        if self.page == "repository" and self.repository is not None:
            repository = self.repository
            facts = [repository.id, repository.licence or ""]
            if repository.gated:
                facts.append(
                    self.tr("gated: accept the terms on the repository page, then enter your access token in Settings")
                )
            self._where.setText(" · ".join(each for each in facts if each))
            self._where.setToolTip(self._where.text())
        elif self.page == "results":
            self._where.setText(self.tr("Repositories with GGUF files, most downloaded first"))
        else:
            self._where.clear()
        back_to_results = self.page == "repository" and self._found
        self.back.setText(self.tr("Results") if back_to_results else self.tr("Your models"))

    def retranslate(self) -> None:
        """Word everything anew."""
        self.results.setAccessibleName(self.tr("Repositories found"))
        self.models.setAccessibleName(self.tr("Models in the repository"))
        for each in (self.results, self.models):
            each.retranslate()
        if self._found:
            self.results.show_rows([(each.id, repository_row(each)) for each in self._found])
        if self.page == "repository":
            self._fill_models()
        self._word_message()
        self._word_head()

    def recolour(self) -> None:
        """Take the colours of another theme."""
        self.back.setIcon(icon("arrow-left", current_theme().quiet_text))
