"""Local server section of the settings: its switch, address and key, and the programs that use it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from app.config.secrets import LOCAL_SERVER_KEY
from app.local_server.access import Access, is_origin, new_key
from app.local_server.clients import Client
from app.local_server.server import ServerStatus
from app.served_models import local_access, selected_model, served_name
from app.services import Services
from app.units import rate_text
from model_manager.errors import UserError
from ui.widgets.dialog_parts import StatusLine, ask, button, set_kind
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.layouts import CENTRE, hbox, vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page
from ui.widgets.refresh_timer import RefreshTimer

SHOWN_CLIENTS = 5


class LocalServerSettings(QWidget):
    """Changes apply immediately, which closes the connections of other programs."""

    changed = Signal()

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._services, self._status = services, status
        self._has_key = False
        self.address = QLabel()
        self.address.setObjectName("localServerAddress")
        self.copy_address = button("copyServerAddressButton", self.tr("Copy"))
        self.copy_model = button("copyServedModelButton", self.tr("Copy"))
        self._model_id: str | None = ""
        """The selected model that is shown."""
        self.copy_key = button("copyServerKeyButton", self.tr("Copy"))
        self.make_key = button("makeServerKeyButton")
        self.remove_key = button("removeServerKeyButton", self.tr("Remove"), quiet=True)
        self.form = ParameterForm(
            settings_of_page("local_server"),
            extra={
                "address": (
                    _beside(self.address, self.copy_address),
                    self.tr("Address"),
                    "",
                ),
                "model": (_beside(self.copy_model), self.tr("Model"), ""),
                "key": (_beside(self.remove_key, self.make_key, self.copy_key), self.tr("API key"), ""),
                "activity": (QWidget(), self.tr("Activity"), ""),
            },
            order=("local_server", "address", "model", "activity", "key"),
        )
        vbox(self.form, parent=self)
        self.form.changed.connect(self._on_changed)
        self.copy_address.clicked.connect(lambda: self._copy(self._api_base()))
        self.copy_key.clicked.connect(self._copy_key)
        self.copy_model.clicked.connect(lambda: self._copy(self.form.rows["model"].explanation.text()))
        self.make_key.clicked.connect(self._make_key)
        self.remove_key.clicked.connect(lambda: self._set_key(""))
        RefreshTimer(self, self.refresh)
        self.show_settings()
        self._show_key(False)
        self._read_key()

    def show_settings(self) -> None:
        """Show the current settings."""
        self.form.show_values(self._services.settings.current)
        self._show_access()
        self.refresh()

    def refresh(self) -> None:
        """Show the address, the requests and the programs."""
        status = self._services.local_server.status()
        is_on = self._services.settings.current.local_server
        self.form.rows["address"].setEnabled(bool(status.url))
        self.address.setText(self._api_base() or self.tr("Not running"))
        explanation = self.tr("Enter it in the other program as the API base or base URL.")
        if status.access is not None and status.access.certificate is not None:
            # On a separate line, where the address is not wrapped.
            local = self.tr("Programs on this computer: {url}").format(url=f"http://127.0.0.1:{status.access.port}/v1")
            explanation = "\n".join((self.tr("Enter it in APUS Chat on the other computer."), local))
        self.form.rows["address"].set_texts(self.tr("Address"), explanation)
        has_failed = is_on and status.problem is not None
        activity = self.form.rows["activity"]
        if has_failed and status.problem is not None:
            activity.set_texts(self.tr("Activity"), error_text(status.problem))
        else:
            activity.set_texts(self.tr("Activity"), self._activity(status))
        set_kind(activity.explanation, "bad" if has_failed else "quiet")
        if status.access is not None and bool(status.access.key) != self._has_key:
            # The server made one.
            self._read_key()
        if self._model_id != self._services.settings.current.model_id:
            self._show_model()

    def _show_model(self) -> None:
        """Show by which name other programs ask for the selected model, or why there is none."""
        self._model_id, kind = self._services.settings.current.model_id, "quiet"
        try:
            text = served_name(self._services.library.resolve(selected_model(self._services)))
        except UserError as error:
            text, kind = error_text(error), "warning"
        row = self.form.rows["model"]
        row.set_texts(self.tr("Model"), text)
        set_kind(row.explanation, kind)
        self.copy_model.setVisible(kind == "quiet")

    def _activity(self, status: ServerStatus) -> str:
        if not status.url:
            return self.tr("Shows which programs use the local server, once it runs.")
        parts = [self.tr("Requests: {count}").format(count=status.requests)]
        if status.running:
            parts.append(self.tr("answering"))
        if status.waiting:
            parts.append(self.tr("waiting: {count}").format(count=status.waiting))
        if status.requests and status.tokens_per_second:
            parts.append(self.tr("{speed} tokens/s").format(speed=rate_text(status.tokens_per_second)))
        return "\n".join([" · ".join(parts), *map(self._client_text, status.clients[:SHOWN_CLIENTS])])

    def _client_text(self, client: Client) -> str:
        minutes = int((time.monotonic() - client.last_at) / 60)
        last = self.tr("{minutes} min ago").format(minutes=minutes) if minutes else self.tr("now")
        return self.tr("{program}, {address} · requests: {count} · {time}").format(
            program=client.program or self.tr("unknown program"),
            address=client.address,
            count=client.requests,
            time=last,
        )

    def _api_base(self) -> str:
        url = self._services.local_server.status().url
        return f"{url}/v1" if url else ""

    def _on_changed(self, values: Mapping[str, Any]) -> None:
        settings = self._services.settings
        if "local_server_origins" in values:
            origins = values["local_server_origins"].replace(",", " ").split()
            wrong = next((origin for origin in origins if not is_origin(origin)), None)
            if wrong is not None:
                self._status.show_error(UserError("origin_wrong", text=wrong))
                return
            values = {"local_server_origins": " ".join(origins)}
        if self._status.attempt(lambda: settings.change(**values)):
            self._show_access()
            self.changed.emit()

    # Key

    def _read_key(self) -> None:
        secrets = self._services.secrets
        run_job(self, lambda: secrets.get(LOCAL_SERVER_KEY) is not None, self._show_key, self._status.show_error)

    def _show_key(self, has_key: bool) -> None:
        self._has_key = has_key
        self.make_key.setText(self.tr("Replace") if has_key else self.tr("Create"))
        self.copy_key.setVisible(has_key)
        self._show_access()

    def _show_access(self) -> None:
        """Show what protects the connections by the settings."""
        settings = self._services.settings.current
        is_encrypted = settings.local_server_network and settings.local_server_encrypted
        # The network needs one: the server would make another at once.
        self.remove_key.setVisible(self._has_key and not settings.local_server_network)
        encryption = self.form.rows["local_server_encrypted"]
        encryption.setEnabled(settings.local_server_network)
        set_kind(encryption.explanation, "warning" if settings.local_server_network and not is_encrypted else "quiet")
        if not self._has_key:
            explanation = self.tr("None: all programs on this computer may ask.")
        elif is_encrypted:
            explanation = self.tr("Every request needs it. It also proves to other computers that they reach this one.")
        else:
            explanation = self.tr("Every request needs it.")
        self.form.rows["key"].set_texts(self.tr("API key"), explanation)

    def _copy_key(self) -> None:
        services = self._services

        def copy(result: tuple[Access, UserError | None]) -> None:
            access, problem = result
            self._copy(access.shared_key)
            if problem is not None:
                # The key names a new certificate, with which the server starts again.
                self._status.show_error(problem)
                self.changed.emit()

        run_job(self, lambda: local_access(services), copy, self._status.show_error)

    def _make_key(self) -> None:
        """Make a key, after a question where it takes the place of another one."""
        if not self._has_key:
            self._set_key(new_key())
            return
        ask(
            self,
            "replaceKeyQuestion",
            self.tr("Local server"),
            self.tr("Replace the API key?"),
            self.tr("Other computers and programs are refused until you enter the new key there."),
            ("replaceKeyButton", self.tr("Replace")),
            self.tr("Cancel"),
            lambda: self._set_key(new_key()),
            is_destructive=True,
        )

    def _set_key(self, key: str) -> None:
        secrets = self._services.secrets

        def show(_none: object) -> None:
            self._show_key(bool(key))
            # Not at the button that would make another one.
            (self.copy_key if key else self.make_key).setFocus()
            self.changed.emit()
            if key and secrets.is_session_only:
                text = self.tr("This system has no keyring. The API key is kept only until you quit the program.")
                self._status.show_message(text, "warning")
            elif key:
                self._status.show_message(self.tr("API key saved in the system keyring."), "good")
            else:
                self._status.show_message(self.tr("API key removed."))

        run_job(self, lambda: secrets.set(LOCAL_SERVER_KEY, key), show, self._status.show_error)

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._status.show_message(self.tr("Copied."), "good")


def _beside(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    hbox(*((widget, 0, CENTRE) for widget in widgets), parent=holder, spacing=8)
    return holder
