"""The part of the settings about servers: add one by its address and key, see its models, use one of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.servers.registry import Server, is_open_to_readers
from app.services import Services
from model_manager.errors import UserError
from ui.widgets.dialog_parts import CONTROL_WIDTH, StatusLine, button, hairline, quiet_label, wheel_only_with_focus
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

ADD_ANYWAY = ("server_unreachable", "server_silent", "server_lost", "server_busy", "server_failing", "tls_failed")
"""Reasons that may be over tomorrow."""


class ServerRow(QWidget):
    """One server: what it is, its models, and what one can do with it."""

    use_wanted = Signal(str, str)
    """The server's id, and the name of the model there."""
    look_wanted = Signal(str)
    remove_wanted = Signal(str)
    key_given = Signal(str, str)

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.address = quiet_label()
        self.models = QComboBox()
        self.models.setObjectName("serverModels")
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.models.setMinimumContentsLength(18)
        wheel_only_with_focus(self.models)
        self.use = button("useServerModelButton")
        self.look = button("lookAtServerButton", quiet=True)
        self.change_key = button("changeKeyButton", quiet=True)
        self.remove = button("removeServerButton", quiet=True)
        self.key = QLineEdit()
        self.key.setObjectName("newServerKey")
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key.setFixedWidth(CONTROL_WIDTH)
        self.key.hide()
        upper = QHBoxLayout()
        upper.setSpacing(8)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.address)
        upper.addLayout(words, 1)
        upper.addWidget(self.models)
        upper.addWidget(self.use)
        lower = QHBoxLayout()
        lower.setSpacing(4)
        lower.addStretch(1)
        lower.addWidget(self.key)
        for each in (self.look, self.change_key, self.remove):
            lower.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 8)
        layout.setSpacing(4)
        layout.addLayout(upper)
        layout.addLayout(lower)
        self.use.clicked.connect(lambda: self.use_wanted.emit(self.server.id, self.models.currentText()))
        self.look.clicked.connect(lambda: self.look_wanted.emit(self.server.id))
        self.remove.clicked.connect(lambda: self.remove_wanted.emit(self.server.id))
        self.change_key.clicked.connect(self._ask_for_key)
        self.key.returnPressed.connect(self._give_key)
        self.retranslate()
        self.show_server(server)

    def show_server(self, server: Server) -> None:
        """Show what is known of it now."""
        self.server = server
        self.title.setText(server.title)
        self.address.setText(server.url)
        chosen = self.models.currentText()
        self.models.clear()
        self.models.addItems(list(server.models))
        self.models.setCurrentIndex(max(0, self.models.findText(chosen)))
        self.models.setVisible(bool(server.models))
        self.use.setVisible(bool(server.models))

    def set_busy(self, busy: bool) -> None:
        """While it is asked."""
        self.look.setEnabled(not busy)

    def retranslate(self) -> None:
        """Word everything anew."""
        self.models.setAccessibleName(self.tr("Models on {server}").format(server=self.server.title))
        self.use.setText(self.tr("Use"))
        self.look.setText(self.tr("Refresh models"))
        self.change_key.setText(self.tr("Change key…"))
        self.remove.setText(self.tr("Remove"))
        self.key.setPlaceholderText(self.tr("Type the key and press Enter"))
        self.key.setAccessibleName(self.tr("New API key for {server}").format(server=self.server.title))

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _ask_for_key(self) -> None:
        self.key.setVisible(not self.key.isVisible())
        if self.key.isVisible():
            self.key.setFocus()

    def _give_key(self) -> None:
        text = self.key.text()
        self.key.clear()
        self.key.hide()
        self.key_given.emit(self.server.id, text)


class ServerSettings(QWidget):
    """The servers that are known, and the form for another."""

    changed = Signal()
    """Servers or their models are others now."""
    model_chosen = Signal(str)

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._servers = services.servers
        self._secrets = services.secrets
        self._status = status
        self.rows: dict[str, ServerRow] = {}
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._explanation = quiet_label()
        self._labels = [QLabel() for _ in range(3)]
        self.address, self.key, self.name = QLineEdit(), QLineEdit(), QLineEdit()
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        for number, (field, name) in enumerate(
            ((self.address, "serverAddress"), (self.key, "serverKey"), (self.name, "serverName"))
        ):
            field.setObjectName(name)
            self._labels[number].setBuddy(field)
            form.addWidget(self._labels[number], number, 0)
            form.addWidget(field, number, 1)
            field.returnPressed.connect(self.add)
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.add_button = button("addServerButton")
        form.addWidget(self.add_button, 3, 1, Qt.AlignmentFlag.AlignLeft)
        self._warning = quiet_label()
        self._warning.setProperty("warning", True)
        self._warning.setObjectName("plainHttpWarning")
        form.addWidget(self._warning, 4, 1)
        form.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 12)
        layout.setSpacing(12)
        layout.addWidget(self._explanation)
        layout.addLayout(self._list)
        layout.addLayout(form)
        self.add_button.clicked.connect(self.add)
        self.address.textChanged.connect(self._word_warning)
        self.show_servers()
        self.retranslate()

    def show_servers(self) -> None:
        """Show the list as it is."""
        known = {server.id: server for server in self._servers.known.list()}
        while self._list.count():
            item = self._list.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.rows = {}
        for server in known.values():
            row = ServerRow(server)
            row.use_wanted.connect(self._use)
            row.look_wanted.connect(self.look)
            row.remove_wanted.connect(self._remove)
            row.key_given.connect(self._set_key)
            self.rows[server.id] = row
            self._list.addWidget(row)
            self._list.addWidget(hairline())

    # What one does

    def add(self) -> None:
        """Look at the address, and keep it with the models it offers."""
        url, key = self.address.text(), self.key.text()
        if not url.strip():
            self.address.setFocus()
            return
        self.add_button.setEnabled(False)
        self._status.show_message(lambda: self.tr("Connecting to {url}…").format(url=url.strip()))
        run_job(
            self,
            lambda: self._servers.look(url, key),
            lambda found: self._keep(tuple(each.name for each in found)),
            self._not_found,
        )

    def look(self, server_id: str) -> None:
        """List a server's models anew."""
        row = self.rows[server_id]
        row.set_busy(True)
        self._status.show_message(lambda: self.tr("Connecting to {url}…").format(url=row.server.url))
        run_job(
            self, lambda: self._servers.refresh(server_id), self._looked, lambda error: self._look_failed(row, error)
        )

    def _keep(self, models: tuple[str, ...]) -> None:
        self.add_button.setEnabled(True)
        url, name, key = self.address.text(), self.name.text(), self.key.text()
        # The keyring may wait for its owner.
        run_job(self, lambda: self._servers.known.add(url, name, key, models), self._added, self._failed)

    def _added(self, server: Server) -> None:
        with_key = bool(self.key.text())
        for field in (self.address, self.key, self.name):
            field.clear()
        self.show_servers()
        self._tell_models(server)
        if with_key and self._secrets.kept_for_this_session_only:
            self._status.show_message(
                lambda: self.tr("This system has no keyring. The API key is kept only until you quit the program."),
                "warning",
            )
        self.changed.emit()

    def _looked(self, server: Server) -> None:
        row = self.rows.get(server.id)
        if row is not None:
            row.set_busy(False)
            row.show_server(server)
        self._tell_models(server)
        self.changed.emit()

    def _tell_models(self, server: Server) -> None:
        if not server.models:
            self._status.show_message(
                lambda: self.tr("{server} doesn't list any models yet.").format(server=server.title), "warning"
            )
            return
        first = server.models[0]
        self._status.show_message(
            lambda: self.tr("{server} offers {models}.").format(server=server.title, models=_few(server.models)),
            "good",
            (lambda: self.tr("Use {model}").format(model=first), lambda: self._use(server.id, first)),
        )

    def _not_found(self, error: UserError) -> None:
        self.add_button.setEnabled(True)
        action = (lambda: self.tr("Add anyway"), lambda: self._keep(())) if error.code in ADD_ANYWAY else None
        self._status.show_message(lambda: error_text(error), "bad", action)

    def _look_failed(self, row: ServerRow, error: UserError) -> None:
        row.set_busy(False)
        self._failed(error)

    def _remove(self, server_id: str) -> None:
        title = self.rows[server_id].server.title
        run_job(
            self,
            lambda: self._servers.known.remove(server_id),
            lambda _none: self._removed(server_id, title),
            self._failed,
        )

    def _removed(self, server_id: str, title: str) -> None:
        self._servers.forget(server_id)
        self.show_servers()
        self._status.show_message(lambda: self.tr("Removed {server} and its API key.").format(server=title))
        self.changed.emit()

    def _set_key(self, server_id: str, key: str) -> None:
        run_job(
            self, lambda: self._servers.known.set_key(server_id, key), lambda _n: self._key_set(server_id), self._failed
        )

    def _key_set(self, server_id: str) -> None:
        self._servers.forget(server_id)
        self.look(server_id)

    def _use(self, server_id: str, name: str) -> None:
        server = self._servers.known.get(server_id)
        self._status.show_message(
            lambda: self.tr("Messages are now answered by {model} on {server}.").format(
                model=name, server=server.title
            ),
            "good",
        )
        self.model_chosen.emit(server.model_id(name))

    def _failed(self, error: UserError) -> None:
        self.add_button.setEnabled(True)
        self._status.show_message(lambda: error_text(error), "bad")

    # Words

    def retranslate(self) -> None:
        """Word everything anew."""
        self._explanation.setText(
            self.tr(
                "Any OpenAI-compatible server: vLLM, llama-server, Ollama, LM Studio, or a hosted service. "
                "What you write is sent only to the server that answers."
            )
        )
        for label, text in zip(self._labels, (self.tr("Address"), self.tr("API key"), self.tr("Name")), strict=True):
            label.setText(text)
        self.address.setPlaceholderText("http://127.0.0.1:8000/v1")
        self.key.setPlaceholderText(self.tr("API key (optional)"))
        self.name.setPlaceholderText(self.tr("Any name you like"))
        for field, text in (
            (self.address, self.tr("Server address")),
            (self.key, self.tr("Server API key")),
            (self.name, self.tr("Server name")),
        ):
            field.setAccessibleName(text)
        self.add_button.setText(self.tr("Add server"))
        self._warning.setText(
            self.tr(
                "This address uses unencrypted HTTP. Anyone on the network path can read what you write and "
                "your API key."
            )
        )
        for row in self.rows.values():
            row.retranslate()
        self._word_warning()

    def _word_warning(self) -> None:
        text = self.address.text().strip()
        self._warning.setVisible("://" in text and is_open_to_readers(text))


def _few(models: tuple[str, ...]) -> str:
    return ", ".join(models[:3]) + ("…" if len(models) > 3 else "")
