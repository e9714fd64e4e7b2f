"""Choice of the tool servers whose tools the model may call in a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from app.chat.token_estimate import estimated_tokens
from app.tools.registry import ToolServers
from app.tools.server import MEMORY, WEB
from app.units import grouped, rounded
from model_manager.disk.json_file import to_json
from ui.widgets.dialog_parts import button, quiet_label, set_kind
from ui.widgets.layouts import hbox, vbox


class ToolChoice(QWidget):
    """A box for each server that is switched on, and a button for the list of servers."""

    changed = Signal(tuple)
    """Names of the chosen servers."""
    servers_requested = Signal()

    def __init__(self, servers: ToolServers, *, model_knows_tools: bool) -> None:
        """``model_knows_tools``: whether the chat template of the selected model has tools."""
        super().__init__()
        self._servers = servers
        usable = [each.name for each in servers.list() if each.is_on]
        self.boxes = {name: self._box(name) for name in usable}
        self.manage = button("manageToolsButton", self.tr("MCP servers…"), quiet=True)
        self.manage.clicked.connect(self.servers_requested)
        note = ""
        if not usable:
            note = self.tr("Programs and services that a model can call, such as a search or your files.")
        elif not model_knows_tools:
            note = self.tr("The selected model doesn't know tools. Choose another model to use them.")
        self.note = quiet_label(note)
        self.sizes = [self._size(name) for name in usable]
        rows = [item for pair in zip(self.boxes.values(), self.sizes, strict=True) for item in pair]
        vbox(self.note, *rows, hbox(None, self.manage), parent=self, spacing=4)
        # Shown before it has a parent, a label would be a window.
        self.note.setVisible(bool(note))
        for each in self.sizes:
            each.setVisible(bool(each.text()))

    def set_value(self, names: Iterable[str], *, answers_are_json: bool = False) -> None:
        """Show the chosen servers; for JSON answers the model gets no tools."""
        chosen = set(names)
        for name, box in self.boxes.items():
            box.setEnabled(not answers_are_json)
            with QSignalBlocker(box):
                box.setChecked(name in chosen)

    def _box(self, name: str) -> QCheckBox:
        titles = {WEB: self.tr("Web search"), MEMORY: self.tr("Let the model change the memory")}
        box = QCheckBox(titles.get(name, name).replace("&", "&&"))
        box.setObjectName(f"toolServer:{name}")
        box.toggled.connect(lambda _is_on: self.changed.emit(self._chosen()))
        return box

    def _chosen(self) -> Sequence[str]:
        return tuple(name for name, box in self.boxes.items() if box.isChecked())

    def _size(self, name: str) -> QLabel:
        """Return the number of tools and what they take of the context, once that is known."""
        status = self._servers.status(name)
        tools, text = status.tools, ""
        if status.state == "failed":
            text = self.tr("It couldn't be reached when it was last tried.")
        elif tools:
            offered = "".join(f"{each.name}{each.description}{to_json(each.schema).decode()}" for each in tools)
            tokens = grouped(rounded(estimated_tokens(offered)))
            text = self.tr("{count} tools, which take about {tokens} tokens of the context").format(
                count=len(tools), tokens=tokens
            )
        label = quiet_label(text)
        set_kind(label, "warning" if status.state == "failed" else "quiet")
        label.setContentsMargins(24, 0, 0, 4)
        return label
