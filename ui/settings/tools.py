"""Tools section of the settings: web search, and MCP servers with their state and their tools."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.services import Services
from app.tools.registry import ServerStatus
from app.tools.server import Tool, ToolServer, parse_servers
from model_manager.errors import UserError
from ui.settings.web_search import WebSearchSettings
from ui.widgets.controls import CheckBox, PromptField
from ui.widgets.dialog_parts import StatusLine, button, hairline, paragraph, quiet_label, set_kind
from ui.widgets.error_text import error_text
from ui.widgets.formats import list_text
from ui.widgets.job import Job, run_job
from ui.widgets.layouts import CENTRE, LEFT, clear, hbox, vbox
from ui.widgets.refresh_timer import RefreshTimer
from ui.widgets.theme import interface_font

SHOWN_CHARACTERS = 300
"""Of the description of a tool."""


class ServerText(PromptField):
    """Field for a configuration; Enter in a single line adds the server, Ctrl+Enter does in JSON."""

    entered = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Add the server for Enter."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        is_json = self.toPlainText().lstrip()[:1] in ("{", '"', "[")
        if is_enter and (not is_json or event.modifiers() & Qt.KeyboardModifier.ControlModifier):
            self.entered.emit()
        else:
            super().keyPressEvent(event)


class ToolServerRow(QWidget):
    """One server with its state, buttons and tools."""

    def __init__(self, server: ToolServer) -> None:
        super().__init__()
        self.server = server
        self.job: Job | None = None
        """Connects."""
        self._shown: tuple[ServerStatus, bool] | None = None
        """State of the connection and of the switch."""
        self.switch = CheckBox("toolServerSwitch")
        self.switch.set_value(server.is_on)
        self.switch.setAccessibleName(self.tr("Use {server}").format(server=server.name))
        self.switch.setToolTip(self.tr("Conversations can use the tools of this server"))
        title = QLabel(server.name)
        title.setTextFormat(Qt.TextFormat.PlainText)
        self.state = QLabel()
        self.state.setObjectName("toolServerState")
        self.state.setProperty("quiet", True)
        self.problem = paragraph()
        self.problem.setObjectName("toolServerProblem")
        set_kind(self.problem, "bad")
        self.allowed = quiet_label(self.tr("Run without asking: {names}").format(names=list_text(server.allowed)))
        self.allowed.setObjectName("allowedTools")
        self.ask_again = button("askAgainButton", self.tr("Ask again"), quiet=True)
        self.show_tools = button("showToolsButton", quiet=True)
        self.show_tools.setCheckable(True)
        self.connect_button = button("connectToolServerButton")
        self.remove = button("removeToolServerButton", self.tr("Remove"), quiet=True)
        self.remove.setAccessibleName(self.tr("Remove {server}").format(server=server.name))
        self.tools = quiet_label()
        self.tools.setObjectName("toolList")
        self.tools.setTextFormat(Qt.TextFormat.RichText)
        self.tools.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.tools.hide()
        vbox(
            hbox((self.switch, 0, CENTRE), (title, 1), (self.state, 0, CENTRE), spacing=8),
            quiet_label(server.address),
            self.problem,
            self.allowed,
            hbox(None, self.ask_again, self.show_tools, self.connect_button, self.remove, spacing=4),
            self.tools,
            parent=self,
            spacing=4,
            margins=(0, 12, 0, 8),
        )
        self.allowed.setVisible(bool(server.allowed))
        self.ask_again.setVisible(bool(server.allowed))
        self.show_tools.toggled.connect(self._toggle_tools)
        self.show_status(ServerStatus())

    def show_status(self, status: ServerStatus) -> None:
        """Show the state of the connection."""
        if self.job is not None:
            status = ServerStatus("connecting")
        if (status, self.switch.isChecked()) == self._shown:
            return
        self._shown = status, self.switch.isChecked()
        count = len(status.tools)
        texts = {
            "not_connected": self.tr("Not connected"),
            "connecting": self.tr("Connecting…"),
            "connected": self.tr("Connected, 1 tool") if count == 1 else self.tr("Connected, {count} tools"),
            "failed": self.tr("Failed"),
        }
        self.state.setText(texts[status.state].format(count=count))
        self.problem.setText(error_text(status.problem) if status.problem is not None else "")
        self.problem.setVisible(status.problem is not None)
        action = {"connecting": self.tr("Cancel"), "connected": self.tr("Disconnect")}
        self.connect_button.setText(action.get(status.state, self.tr("Connect")))
        self.connect_button.setEnabled(self.switch.isChecked() or status.state != "not_connected")
        self.connect_button.setAccessibleName(f"{self.connect_button.text()}: {self.server.name}")
        self.show_tools.setVisible(status.state == "connected")
        if status.state != "connected":
            self.show_tools.setChecked(False)
        self._toggle_tools(self.show_tools.isChecked())

    def _toggle_tools(self, is_shown: bool) -> None:
        self.show_tools.setText(self.tr("Hide tools") if is_shown else self.tr("Show tools"))
        self.show_tools.setAccessibleName(f"{self.show_tools.text()}: {self.server.name}")
        status = self._shown[0] if self._shown is not None else ServerStatus()
        parts = [_described(each) for each in status.tools] if is_shown else []
        if is_shown and status.left_out:
            text = self.tr("Not used: {count} more tools, too many, too large, or without a valid name.")
            parts.append(f"<p>{escape(text.format(count=status.left_out))}</p>")
        self.tools.setText("".join(parts))
        self.tools.setVisible(bool(parts))


class ToolSettings(QWidget):
    """Web search, the MCP servers, and a field for others."""

    changed = Signal()
    """Servers were added, removed or switched."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._tools = services.tools
        self._status = StatusLine("toolsStatus", hide_when_empty=True)
        self.rows: dict[str, ToolServerRow] = {}
        self._list = vbox()
        self.web = WebSearchSettings(services)
        self.web.changed.connect(self.changed)
        title = QLabel(self.tr("MCP servers"))
        title.setFont(interface_font(bold=True))
        explanation = quiet_label(
            self.tr(
                "Programs and web services that give models tools, for example to read files, over the Model Context "
                "Protocol. The program of a server runs with your rights on this computer, and a server on the web "
                "receives what the model sends to it: add only those that you trust. Most describe themselves in JSON, "
                "which you can paste here."
            )
        )
        example = '{"mcpServers": {"files": {"command": "npx", "args": […]}}}'
        self.text = ServerText("toolServerText", self.tr("JSON, command or address") + f"\n{example}")
        self.text.setAccessibleName(self.tr("JSON, command or address of an MCP server"))
        self.check = quiet_label()
        self.check.setObjectName("toolServerCheck")
        self.check.hide()
        self.add_button = button("addToolServerButton", self.tr("Add server"))
        vbox(
            self.web,
            hairline(),
            title,
            explanation,
            self._list,
            self.text,
            hbox((self.add_button, 0, LEFT), (self._status, 1), spacing=12),
            self.check,
            parent=self,
            spacing=12,
            margins=(0, 4, 0, 12),
        )
        self.text.textChanged.connect(self._check)
        self.text.entered.connect(self.add)
        self.add_button.clicked.connect(self.add)
        RefreshTimer(self, self.refresh)
        self.show_servers()

    def show_servers(self) -> None:
        """Rebuild the list of servers."""
        for row in self.rows.values():
            if row.job is not None:
                row.job.cancel()
        clear(self._list)
        servers = [each for each in self._tools.list() if not each.is_built_in]
        self.rows = {server.name: ToolServerRow(server) for server in servers}
        for name, row in self.rows.items():
            row.switch.changed.connect(partial(self._switch, name))
            row.connect_button.clicked.connect(partial(self._connect, name))
            row.ask_again.clicked.connect(partial(self._ask_again, name))
            row.remove.clicked.connect(partial(self._remove, name))
            self._list.addWidget(row)
            self._list.addWidget(hairline())
        self.refresh()

    def refresh(self) -> None:
        """Show the states of the connections."""
        for name, row in self.rows.items():
            row.show_status(self._tools.status(name))

    # Actions

    def add(self) -> None:
        """Add the servers of the text."""
        try:
            servers = parse_servers(self.text.toPlainText())
        except UserError as error:
            # Below the field it was a warning while that was typed.
            self.check.hide()
            self._status.show_error(error)
            self.text.setFocus()
            return
        names = list_text(each.name for each in servers)

        def show(_none: object) -> None:
            self.text.clear()
            self.show_servers()
            self._status.show_message(self.tr("Added {servers}.").format(servers=names), "good")
            # The next step.
            self.rows[servers[0].name].connect_button.setFocus()
            self.changed.emit()

        # The keyring can wait for the user to unlock it.
        self._run(lambda: self._tools.add(*servers), show)

    def _check(self) -> None:
        """Show what the text says while it is typed."""
        text = self.text.toPlainText()
        self._status.clear()
        self.check.setVisible(bool(text.strip()))
        try:
            servers = parse_servers(text)
        except UserError as error:
            set_kind(self.check, "warning")
            self.check.setText(error_text(error))
        else:
            set_kind(self.check, "quiet")
            self.check.setText("\n".join(f"{each.name}: {each.address}" for each in servers))

    def _connect(self, name: str) -> None:
        row = self.rows[name]
        self._status.clear()
        if row.job is not None:
            row.job.cancel()
        elif self._tools.status(name).state == "connected":
            self._run(lambda: self._tools.disconnect(name), lambda _none: self.refresh())
        else:
            row.job = job = Job(self)
            job.finished.connect(partial(self._on_finished, row))
            job.start(lambda: self._tools.connect(name, job.token))
        self.refresh()

    def _on_finished(self, row: ToolServerRow) -> None:
        row.job = None
        if self.rows.get(row.server.name) is row:
            self.refresh()

    def _switch(self, name: str, is_on: bool) -> None:
        def show(_none: object) -> None:
            self.refresh()
            self.changed.emit()

        self._run(lambda: self._tools.switch(name, is_on), show)

    def _ask_again(self, name: str) -> None:
        self._run(lambda: self._tools.ask_again(name), lambda _none: self.show_servers())

    def _remove(self, name: str) -> None:
        def show(server: ToolServer) -> None:
            had_focus = self.isAncestorOf(self.focusWidget() or self)
            self.show_servers()
            if had_focus:
                self.text.setFocus()
            text = self.tr("Removed {server}.").format(server=name)
            self._status.show_message(text, action=(self.tr("Undo"), lambda: self._restore(server)))
            self.changed.emit()

        self._run(lambda: self._tools.remove(name), show)

    def _restore(self, server: ToolServer) -> None:
        def show(_none: object) -> None:
            self._status.clear()
            self.show_servers()
            self.rows[server.name].switch.setFocus()
            self.changed.emit()

        self._run(lambda: self._tools.add(server), show)

    def _run(self, work: Callable[[], Any], succeeded: Callable[[Any], None]) -> None:
        run_job(self, work, succeeded, self._status.show_error)


def _described(tool: Tool) -> str:
    description = tool.description
    cut = description if len(description) <= SHOWN_CHARACTERS else f"{description[:SHOWN_CHARACTERS]}…"
    return f"<p><b>{escape(tool.name)}</b><br>{escape(cut)}</p>"
