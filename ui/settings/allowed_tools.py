"""The built-in tools that run without asking the user."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.tools.registry import ToolServers
from ui.widgets.dialog_parts import StatusLine, button, quiet_label
from ui.widgets.formats import list_text
from ui.widgets.job import run_job
from ui.widgets.layouts import hbox


class AllowedTools(QWidget):
    """Their names, and a button that lets them ask again; hidden while there are none."""

    changed = Signal()

    def __init__(self, tools: ToolServers, server: str, status: StatusLine) -> None:
        """``server`` is the name of built-in tools."""
        super().__init__()
        self._tools, self._server, self._status = tools, server, status
        self.names = quiet_label()
        self.names.setObjectName("allowedBuiltInTools")
        self.ask_again = button("askAgainForBuiltInButton", self.tr("Ask again"), quiet=True)
        hbox((self.names, 1), self.ask_again, parent=self)
        self.ask_again.clicked.connect(self._ask_again)

    def refresh(self) -> None:
        """Show what runs without asking now."""
        allowed = self._tools.get(self._server).allowed
        text = self.tr("Run without asking: {names}").format(names=list_text(allowed))
        self.names.setText(text)
        self.ask_again.setAccessibleDescription(text)
        self.setVisible(bool(allowed))

    def _ask_again(self) -> None:
        def show(_none: object) -> None:
            self.refresh()
            self.changed.emit()

        run_job(self, lambda: self._tools.ask_again(self._server), show, self._status.show_error)
