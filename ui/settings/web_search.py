"""Web search in the settings: the service, its address or key, and which pages models may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app.services import Services
from app.tools.search import Source
from app.tools.server import WEB
from app.tools.web import ADDRESSES, SETUP_PAGES, secret_name
from ui.settings.allowed_tools import AllowedTools
from ui.widgets.controls import CONTROL_WIDTH
from ui.widgets.dialog_parts import StatusLine, button, line_edit
from ui.widgets.formats import list_text
from ui.widgets.job import Job, run_job
from ui.widgets.layouts import CENTRE, hbox, vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page

TEST_QUERY = "llama.cpp"


class WebSearchSettings(QWidget):
    """Changes apply from the next call."""

    changed = Signal()
    """The service was changed, or which tools run without asking."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._is_testing = False
        self._has_key = False
        self._status = StatusLine("webSearchStatus", hide_when_empty=True)
        self.key = line_edit("searchKey", self.tr("API key"), is_secret=True)
        self.key.setFixedWidth(CONTROL_WIDTH)
        self.save_key = button("saveSearchKeyButton")
        keys = QWidget()
        hbox((self.key, 0, CENTRE), (self.save_key, 0, CENTRE), parent=keys, spacing=8)
        keys.setFocusProxy(self.key)
        self.test = button("testSearchButton", self.tr("Test"))
        self.open_page = button("searchPageButton", self.tr("Open web page"))
        self.form = ParameterForm(
            settings_of_page("tools"),
            extra={
                "search_page": (self.open_page, self.tr("Set up the service"), ""),
                "search_key": (
                    keys,
                    self.tr("API key"),
                    self.tr("Of Brave Search or Tavily, in the system keyring. Sent to that service only."),
                ),
                "test_search": (
                    self.test,
                    self.tr("Test the search"),
                    self.tr("Sends one search to the service and shows what it found."),
                ),
            },
            order=("search_service", "search_page", "searxng_url", "search_key", "web_private", "test_search"),
        )
        self.allowed = AllowedTools(services.tools, WEB, self._status)
        self.allowed.changed.connect(self.changed)
        # The form ends with the test.
        vbox(self.form, self._status, self.allowed, parent=self)
        self.show_settings()
        self.form.changed.connect(self._on_changed)
        self.key.textChanged.connect(self._refresh)
        self.key.returnPressed.connect(self._save_key)
        self.save_key.clicked.connect(self._save_key)
        self.test.clicked.connect(self.test_search)
        self.open_page.clicked.connect(self._open_page)

    def show_settings(self) -> None:
        """Show the current settings."""
        self.form.show_values(self._services.settings.current)
        self._read_key()
        self.allowed.refresh()

    def _on_changed(self, values: Mapping[str, Any]) -> None:
        self._status.clear()
        self._status.attempt(lambda: self._services.settings.change(**values))
        if "search_service" in values:
            self.key.clear()
            self._read_key()
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        """Enable what the chosen service needs."""
        service = self._services.settings.current.search_service
        page_row = self.form.rows["search_page"]
        page_row.set_texts(page_row.title.text(), self._about(service))
        self.open_page.setEnabled(service in SETUP_PAGES)
        removes = self._has_key and not self.key.text()
        self.form.rows["searxng_url"].setEnabled(service == "searxng")
        self.form.rows["search_key"].setEnabled(service in ADDRESSES)
        self.save_key.setText(self.tr("Remove") if removes else self.tr("Save"))
        self.save_key.setEnabled(bool(self.key.text()) or removes)
        self.key.setPlaceholderText(self.tr("Key saved") if self._has_key else "")
        self.test.setEnabled(self._services.web.is_ready)

    def _about(self, service: str) -> str:
        """Return what a service is and needs."""
        about = {
            "searxng": self.tr(
                "Free software that you run on a computer of yours; it asks several search engines. It needs no key."
            ),
            "brave": self.tr("A search engine with its own index. You create the key there, with an account."),
            "tavily": self.tr("A search service for language models. You create the key there, with an account."),
        }
        return about.get(service) or self.tr(
            "Brave Search and Tavily need an API key that you get from them. SearXNG needs no key, but you have to run "
            "it yourself."
        )

    def _open_page(self) -> None:
        page = SETUP_PAGES[self._services.settings.current.search_service]
        if not QDesktopServices.openUrl(QUrl(page)):
            self._status.show_message(
                self.tr("No browser is available. The page is {page}.").format(page=page), "warning"
            )

    def _read_key(self) -> None:
        service, secrets = self._services.settings.current.search_service, self._services.secrets
        self._has_key = False
        self._refresh()

        def show(has_key: bool) -> None:
            if service == self._services.settings.current.search_service:
                self._has_key = has_key
                self._refresh()

        if service in ADDRESSES:
            # The keyring can wait for the user to unlock it.
            run_job(self, lambda: secrets.get(secret_name(service)) is not None, show, self._status.show_error)

    def _save_key(self) -> None:
        service, text = self._services.settings.current.search_service, self.key.text().strip()
        secrets = self._services.secrets

        def show(_none: object) -> None:
            self.key.clear()
            self._has_key = bool(text)
            self._refresh()
            if not text:
                self._status.show_message(self.tr("Key removed."))
            elif secrets.is_session_only:
                text_without = self.tr("This system has no keyring. The key is kept until you quit.")
                self._status.show_message(text_without, "warning")
            else:
                self._status.show_message(self.tr("Key saved in the system keyring."), "good")

        if service in ADDRESSES and (text or self._has_key):
            # An empty key is deleted.
            run_job(self, lambda: secrets.set(secret_name(service), text), show, self._status.show_error)

    def test_search(self) -> None:
        """Search, and show what was found."""
        if self._is_testing:
            # The button isn't disabled meanwhile: it would lose the focus to what follows it.
            return
        self._is_testing = True
        self.form.finish()
        web, job = self._services.web, Job(self)
        self._status.show_message(self.tr("Searching…"))
        job.finished.connect(self._on_tested)
        job.succeeded.connect(self._show_found)
        job.failed.connect(self._status.show_error)
        job.start(lambda: web.find(TEST_QUERY, job.token))

    def _on_tested(self) -> None:
        self._is_testing = False

    def _show_found(self, found: tuple[Source, ...]) -> None:
        if not found:
            self._status.show_message(self.tr("The service answers, but found nothing."), "warning")
            return
        hosts = list_text(dict.fromkeys(each.host for each in found))
        self._status.show_message(self.tr("The search works. Found: {hosts}").format(hosts=hosts), "good")
