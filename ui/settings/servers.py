"""Servers section of the settings: finding and adding OpenAI-compatible servers, and using their models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QLocale, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from app.servers.client import encrypted_url, is_unencrypted
from app.servers.protocol import ServedModel
from app.servers.providers import FoundServer, Provider, providers
from app.servers.registry import Server
from app.services import Services
from model_manager.errors import UserError
from ui.widgets.controls import CONTROL_WIDTH, wheel_only_with_focus
from ui.widgets.dialog_parts import Row, StatusLine, ask, button, hairline, line_edit, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.formats import list_text
from ui.widgets.job import run_job
from ui.widgets.layouts import LEFT, clear, hbox, nest, vbox
from ui.widgets.tool_button import name_choice

ADD_ANYWAY = ("server_unreachable", "server_silent", "server_lost", "server_busy", "server_failing", "tls_failed")
"""Errors that can be temporary."""
KEY_ERRORS = (
    "server_key_missing",
    "server_key_refused",
    "server_not_verified",
    "server_self_signed",
    "server_encrypted",
)
"""Errors after which another key is entered."""
NAMED_MODELS = 3
"""Models of a new server named in the status line."""


class ServerRow(QWidget):
    """One server with its models and buttons."""

    key_entered = Signal(str)

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.models = QComboBox()
        self.models.setObjectName("serverModels")
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.models.setMinimumContentsLength(18)
        wheel_only_with_focus(self.models)
        self.use = button("useServerModelButton", self.tr("Use"))
        self.refresh = button("refreshServerButton", self.tr("Refresh models"), quiet=True)
        self.change_key = button("changeKeyButton", self.tr("Change key…"), quiet=True)
        self.remove = button("removeServerButton", self.tr("Remove"), quiet=True)
        label = self.tr("New API key for {server}").format(server=server.title)
        self.key = line_edit("newServerKey", label, self.tr("Type the key and press Enter"), is_secret=True)
        self.key.setFixedWidth(CONTROL_WIDTH)
        self.key.hide()
        used = QWidget()
        hbox(self.models, self.use, parent=used, spacing=8)
        self._row = Row(used, server.title, server.url)
        buttons = hbox(None, self.refresh, self.change_key, self.remove)
        vbox(self._row, hbox(None, self.key), buttons, parent=self, spacing=4, margins=(0, 6, 0, 8))
        name_choice(self.models, self.tr("Models on {server}").format(server=server.title))
        self.change_key.clicked.connect(self._toggle_key_field)
        self.key.returnPressed.connect(self._enter_key)
        self.show_models(server.models)

    def show_server(self, server: Server) -> None:
        """Show the server after a change."""
        self.server = server
        self._row.set_texts(server.title, server.url)

    def show_models(self, models: Sequence[str]) -> None:
        """Offer the models of the server."""
        selected = self.models.currentText()
        self.models.clear()
        self.models.addItems(models)
        self.models.setCurrentIndex(max(0, self.models.findText(selected)))
        self.models.setVisible(bool(models))
        self.use.setVisible(bool(models))

    def show_used(self, model_id: str) -> None:
        """Select the model with this id, where it is one of the server's."""
        for name in self.server.models:
            if self.server.model_id(name) == model_id:
                self.models.setCurrentText(name)

    def focus(self) -> None:
        """Give the row the focus, which scrolls it into view."""
        (self.refresh if self.models.isHidden() else self.models).setFocus()

    def _toggle_key_field(self) -> None:
        self.key.setVisible(not self.key.isVisible())
        if self.key.isVisible():
            self.key.setFocus()

    def _enter_key(self) -> None:
        text = self.key.text()
        self.key.clear()
        # A hidden field loses the focus to whatever follows it.
        self.change_key.setFocus()
        self.key.hide()
        self.key_entered.emit(text)


class FoundRow(QWidget):
    """A server that was found, and the button that adds it."""

    def __init__(self, found: FoundServer) -> None:
        super().__init__()
        self.found = found
        title = QLabel(found.name)
        title.setTextFormat(Qt.TextFormat.PlainText)
        self.add = button("addFoundServerButton", self.tr("Add"))
        self.add.setAccessibleName(self.tr("Add {server}").format(server=found.name))
        if found.models is None:
            state = self.tr("needs an API key")
        else:
            state = self.tr("models: {count}").format(count=len(found.models))
        texts = vbox(title, quiet_label(f"{found.url} · {state}"), spacing=2)
        hbox((texts, 1), self.add, parent=self, spacing=8, margins=(0, 4, 0, 4))


class ServerSettings(QWidget):
    """The configured servers, those that were found, and a form for another."""

    changed = Signal()
    """Servers or their models have changed."""
    model_chosen = Signal(str)

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._servers = services.servers
        self._secrets = services.secrets
        self._list_status = StatusLine("serverListStatus", hide_when_empty=True)
        self._form_status = StatusLine("serverStatus", hide_when_empty=True)
        self._status = self._list_status
        self._is_adding = self._is_looking = False
        self._suggested = ("", "")
        """Address and name of the provider that the form was filled in for."""
        self.rows: dict[str, ServerRow] = {}
        self._list = vbox()
        explanation = quiet_label(
            self.tr(
                "Any OpenAI-compatible server: vLLM, llama-server, Ollama, LM Studio, or a hosted service. "
                "What you write is sent only to the server that answers."
            )
        )
        self.look_button = button("lookForServersButton", self.tr("Look for servers"))
        looked_for = quiet_label(
            self.tr(
                "Looks for programs with models on this PC, and for models that other PCs in your network share with "
                "APUS Chat."
            )
        )
        self._found = vbox()
        self.found_rows: list[FoundRow] = []
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        form.setColumnStretch(1, 1)
        self.provider = QComboBox()
        self.provider.setObjectName("serverProvider")
        self.provider.setMinimumContentsLength(12)
        self.provider.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        wheel_only_with_focus(self.provider)
        self.provider.addItem(self.tr("Any server"))
        for each in providers():
            self.provider.addItem(each.name_in(QLocale().name()), each)
        service = QLabel(self.tr("Service"))
        service.setBuddy(self.provider)
        self.provider.setAccessibleName(service.text())
        self.keys_button = button("providerKeysButton", self.tr("Get an API key…"), quiet=True)
        self.keys_button.hide()
        self.address = line_edit("serverAddress", self.tr("Server address"), "http://127.0.0.1:8000/v1")
        self.key = line_edit("serverKey", self.tr("Server API key"), is_secret=True)
        self.name = line_edit("serverName", self.tr("Server name"), self.tr("Any name you like"))
        self._fields = (self.address, self.key, self.name)
        labels = (self.tr("Address"), self.tr("API key"), self.tr("Name"))
        form.addWidget(service, 0, 0)
        form.addWidget(self.provider, 0, 1)
        for number, (label, field) in enumerate(zip(labels, self._fields, strict=True), 1):
            field.returnPressed.connect(self.add)
            form.addWidget(QLabel(label), number, 0)
            beside = (self.keys_button,) if field is self.key else ()
            nest(form, hbox((field, 1), *beside, spacing=8), number, 1)
        self.add_button = button("addServerButton", self.tr("Add server"))
        nest(form, hbox((self.add_button, 0, LEFT), (self._form_status, 1), spacing=12), 4, 1)
        self._warning = quiet_label(
            self.tr(
                "This address uses unencrypted HTTP. Anyone on the network path can read what you write and "
                "your API key."
            )
        )
        self._warning.setProperty("warning", True)
        self._warning.setObjectName("plainHttpWarning")
        form.addWidget(self._warning, 5, 1)
        look = hbox((looked_for, 1), self.look_button, spacing=12)
        items = explanation, self._list, look, self._list_status, self._found, form
        vbox(*items, parent=self, spacing=12, margins=(0, 4, 0, 12))
        self.add_button.clicked.connect(self.add)
        self.look_button.clicked.connect(self.look)
        self.provider.activated.connect(lambda _index: self._choose(self.provider.currentData()))
        self.keys_button.clicked.connect(self._open_keys)
        self.address.textChanged.connect(self._show_warning)
        self.key.textChanged.connect(self._show_warning)
        for field in (self.address, self.key):
            field.textChanged.connect(self._forget_result)
        self._show_warning()
        self._show_provider(None)
        self.show_servers()

    def show_servers(self) -> None:
        """Rebuild the list of servers."""
        clear(self._list)
        self.rows = {server.id: ServerRow(server) for server in self._servers.list()}
        for server_id, row in self.rows.items():
            row.use.clicked.connect(partial(self._use_selected, server_id))
            row.refresh.clicked.connect(partial(self.refresh, server_id))
            row.remove.clicked.connect(partial(self._ask_to_remove, server_id))
            row.key_entered.connect(partial(self._set_key, server_id))
            row.show_used(self._services.settings.current.model_id or "")
            self._list.addWidget(row)
            self._list.addWidget(hairline())

    # Actions

    def look(self) -> None:
        """Look for servers on this PC and in the network."""
        if self._is_looking:
            return
        self._is_looking = True
        self._report_in(self._list_status)
        self._status.show_message(self.tr("Looking for servers…"))
        own = self._services.local_server.status().url
        run_job(self, lambda: self._servers.find(own), self._show_found, self._on_failed)

    def _show_found(self, found: Sequence[FoundServer]) -> None:
        self._is_looking = False
        clear(self._found)
        self.found_rows = []
        for each in found:
            row = FoundRow(each)
            row.add.clicked.connect(partial(self._add_found, each))
            self.found_rows.append(row)
            self._found.addWidget(row)
        if found:
            self._status.show_message(self.tr("Servers found: {count}").format(count=len(found)), "good")
        else:
            self._status.show_message(self.tr("No other servers found on this PC or in your network."))

    def _add_found(self, found: FoundServer) -> None:
        if self._is_adding:
            return
        self._report_in(self._form_status)
        self.address.setText(found.url)
        self.name.setText(found.name)
        if found.models is None:
            self.key.setFocus()
            self._status.show_message(self.tr("Enter the API key of {server}.").format(server=found.name))
            return
        self._is_adding = True
        self._add(found.models)

    def _show_found_left(self) -> None:
        """Hide the found servers that are in the list now."""
        for row in self.found_rows:
            row.setVisible(self._servers.at(row.found.url) is None)

    def _choose(self, provider: Provider | None) -> None:
        """Fill the form in for a provider."""
        self._show_provider(provider)
        self._forget_result()
        url, name = self._suggested
        self._suggested = ("", "") if provider is None else (provider.url, provider.name_in(QLocale().name()))
        if provider is not None or self.address.text() == url:
            self.address.setText(self._suggested[0])
        if self.name.text() in ("", name):
            self.name.setText(self._suggested[1])
        if provider is not None:
            (self.key if provider.keys else self.add_button).setFocus()

    def _show_provider(self, provider: Provider | None) -> None:
        """Show whether an API key is needed, and where to get one."""
        needs_key = provider is not None and bool(provider.keys)
        self.keys_button.setVisible(needs_key)
        self.key.setPlaceholderText(self.tr("API key") if needs_key else self.tr("API key (optional)"))

    def _forget_result(self) -> None:
        """Remove the result of what was in the form before."""
        if not self._is_adding:
            self._form_status.clear()

    def _open_keys(self) -> None:
        provider = self.provider.currentData()
        if provider is not None:
            QDesktopServices.openUrl(QUrl(provider.keys))

    def add(self) -> None:
        """Query the models at the address of the form, and add the server."""
        url, key = self.address.text(), self.key.text()
        if not url.strip():
            self.address.setFocus()
            return
        if self._is_adding:
            # The button isn't disabled meanwhile, because it would lose the focus to whatever follows it.
            return
        self._report_in(self._form_status)
        if (known := self._servers.at(url)) is not None:
            self._status.show_message(self.tr("{server} is already in the list.").format(server=known.title), "warning")
            self.rows[known.id].focus()
            return
        self._is_adding = True
        self._status.show_message(self.tr("Connecting to {url}…").format(url=url.strip()))
        run_job(
            self,
            lambda: self._servers.list_models(url, key),
            self._add,
            lambda error: self._on_failed(error, can_add=error.code in ADD_ANYWAY),
        )

    def refresh(self, server_id: str) -> None:
        """Query the models of a server again."""
        row = self.rows[server_id]
        self._report_in(self._list_status)
        self._status.show_message(self.tr("Connecting to {url}…").format(url=row.server.url))
        self._run(lambda: self._servers.refresh(server_id), self._on_refreshed)

    def _report_in(self, status: StatusLine) -> None:
        """Show the result of an action near its control: beside the form, or below the list."""
        self._status.clear()
        self._status = status

    def _run(self, work: Callable[[], Any], succeeded: Callable[[Any], None]) -> None:
        run_job(self, work, succeeded, self._on_failed)

    def _add(self, models: Sequence[ServedModel]) -> None:
        url, name, key = self.address.text(), self.name.text(), self.key.text()
        # The keyring can wait for the user to unlock it.
        self._run(lambda: self._servers.add(url, name, key, models), self._on_added)

    def _on_added(self, server: Server) -> None:
        self._is_adding = False
        with_key = bool(self.key.text())
        had_focus = self._has_focus()
        for field in self._fields:
            field.clear()
        self.provider.setCurrentIndex(0)
        self._show_provider(None)
        self._show_found_left()
        self.show_servers()
        self._show_models(server)
        if with_key and self._secrets.is_session_only:
            self._status.show_message(
                self.tr("This system has no keyring. The API key is kept only until you quit the program."),
                "warning",
            )
        if had_focus:
            action = self._status.action
            (self.address if action.isHidden() else action).setFocus()
        self.changed.emit()

    def _on_refreshed(self, server: Server) -> None:
        row = self.rows.get(server.id)
        if row is not None:
            row.show_models(server.models)
        self._show_models(server)
        self.changed.emit()

    def _show_models(self, server: Server) -> None:
        if not server.models:
            self._status.show_message(
                self.tr("{server} doesn't list any models yet.").format(server=server.title), "warning"
            )
            return
        first = server.models[0]
        names = list_text(server.models[:NAMED_MODELS]) + ("…" if len(server.models) > NAMED_MODELS else "")
        self._status.show_message(
            self.tr("{server} offers {models}.").format(server=server.title, models=names),
            "good",
            (self.tr("Use {model}").format(model=first), lambda: self._use(server.id, first)),
        )

    def _ask_to_remove(self, server_id: str) -> None:
        ask(
            self,
            "removeServerQuestion",
            self.tr("Remove server"),
            self.tr("Remove {server} and its API key?").format(server=self.rows[server_id].server.title),
            "",
            ("confirmRemoveButton", self.tr("Remove")),
            self.tr("Cancel"),
            lambda: self._remove(server_id),
            is_destructive=True,
        )

    def _remove(self, server_id: str) -> None:
        title = self.rows[server_id].server.title
        self._report_in(self._list_status)

        def show(_result: object) -> None:
            self._servers.disconnect(server_id)
            self.show_servers()
            self.address.setFocus()
            self._status.show_message(self.tr("Removed {server} and its API key.").format(server=title))
            self.changed.emit()

        self._run(lambda: self._servers.remove(server_id), show)

    def _set_key(self, server_id: str, key: str) -> None:
        def refresh(_result: object) -> None:
            self._servers.disconnect(server_id)
            # It may have been removed meanwhile.
            server = next((each for each in self._servers.list() if each.id == server_id), None)
            if server is not None and server_id in self.rows:
                # The key can have made it an encrypted one.
                self.rows[server_id].show_server(server)
                self.refresh(server_id)

        self._run(lambda: self._servers.set_key(server_id, key), refresh)

    def _use_selected(self, server_id: str) -> None:
        self._report_in(self._list_status)
        self._use(server_id, self.rows[server_id].models.currentText())

    def _use(self, server_id: str, name: str) -> None:
        server = self._servers.get(server_id)
        self._status.show_message(
            self.tr("Messages are now answered by {model} on {server}.").format(model=name, server=server.title),
            "good",
        )
        self.model_chosen.emit(server.model_id(name))

    def _on_failed(self, error: UserError, *, can_add: bool = False) -> None:
        if self._is_adding and self._has_focus():
            field = self.key if error.code in KEY_ERRORS else self.address
            field.setFocus()
            field.selectAll()
        self._is_adding = self._is_looking = False
        action = (self.tr("Add anyway"), lambda: self._add(())) if can_add else None
        self._status.show_message(error_text(error), "bad", action)

    def _has_focus(self) -> bool:
        return self.isAncestorOf(self.focusWidget() or self)

    def _show_warning(self) -> None:
        address = self.address.text().strip()
        self._warning.setVisible("://" in address and is_unencrypted(encrypted_url(address, self.key.text())))
