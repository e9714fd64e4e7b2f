"""Memory section of the settings: the facts that models are given, and whether they may note some themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.bounds import MAX_FACT_CHARACTERS
from app.conversation import Fact
from app.services import Services
from app.store.folding import fold
from app.tools.server import MEMORY
from ui.settings.allowed_tools import AllowedTools
from ui.settings.fact_dialog import FactDialog
from ui.widgets.dialog_parts import StatusLine, button, hairline, line_edit, quiet_label, show_dialog
from ui.widgets.layouts import CENTRE, clear, hbox, vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page
from ui.widgets.tool_button import set_name, tool_button

SEARCHED_FROM = 8
"""Number of facts from which on there is a search field."""


class FactRow(QWidget):
    """One fact with its buttons."""

    def __init__(self, fact: Fact) -> None:
        super().__init__()
        self.fact = fact
        text = QLabel(fact.text)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        text.setAccessibleName(fact.text)
        self.edit = tool_button("editFactButton", "edit")
        self.delete = tool_button("deleteFactButton", "trash")
        set_name(self.edit, self.tr("Edit: {fact}").format(fact=fact.text))
        set_name(self.delete, self.tr("Delete: {fact}").format(fact=fact.text))
        self.edit.setToolTip(self.tr("Edit"))
        self.delete.setToolTip(self.tr("Delete"))
        buttons = (self.edit, 0, CENTRE), (self.delete, 0, CENTRE)
        hbox((text, 1), *buttons, parent=self, spacing=4, margins=(0, 6, 0, 6))


class MemorySettings(QWidget):
    """Changes apply from the next answer."""

    changed = Signal()
    """Facts or settings were changed."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services, self._store = services, services.store
        self._status = StatusLine("memoryStatus", hide_when_empty=True)
        self.form = ParameterForm(settings_of_page("memory"))
        self.text = line_edit("newFact", self.tr("New fact"), self.tr("For example: I'm vegetarian."))
        self.text.setMaxLength(MAX_FACT_CHARACTERS)
        self.add_button = button("addFactButton", self.tr("Add"))
        self.search = line_edit("searchFacts", self.tr("Search facts"), self.tr("Search"))
        self.copy = button("copyFactsButton", self.tr("Copy all"), quiet=True)
        self.allowed = AllowedTools(services.tools, MEMORY, self._status)
        self.none = quiet_label(self.tr("Nothing is remembered yet."))
        self.none.setObjectName("noFacts")
        self.rows: list[FactRow] = []
        self._list = vbox()
        vbox(
            self.form,
            self.allowed,
            hairline(),
            12,
            hbox((self.text, 1), self.add_button, spacing=8),
            8,
            self.search,
            self.none,
            self._list,
            hbox(None, self.copy),
            self._status,
            parent=self,
            margins=(0, 0, 0, 16),
        )
        self.form.changed.connect(self._on_changed)
        self.text.returnPressed.connect(self.add)
        self.add_button.clicked.connect(self.add)
        self.search.textChanged.connect(self._filter)
        self.copy.clicked.connect(self._copy)

    def showEvent(self, event: QShowEvent) -> None:
        """Read the facts: models and other windows note some while the page is hidden."""
        super().showEvent(event)
        self.show_settings()

    def show_settings(self) -> None:
        """Show the current settings and facts."""
        self.form.show_values(self._services.settings.current)
        settings = self._services.settings.current
        self.form.rows["memory_tool"].setEnabled(settings.memory)
        self.form.rows["memory_unasked"].setEnabled(settings.memory and settings.memory_tool)
        self.allowed.refresh()
        self._status.attempt(self.show_facts)

    def show_facts(self) -> None:
        """Show the facts as they are stored.  Raises UserError as the store does."""
        facts = self._store.facts()
        clear(self._list)
        self.rows = [FactRow(fact) for fact in reversed(facts)]
        for row in self.rows:
            row.edit.clicked.connect(partial(self._edit, row.fact))
            row.delete.clicked.connect(partial(self._delete, row.fact))
            self._list.addWidget(row)
        self.copy.setVisible(bool(facts))
        self.none.setVisible(not facts)
        self.search.setVisible(len(facts) >= SEARCHED_FROM)
        if self.search.isHidden():
            self.search.clear()
        self._filter()

    def add(self) -> None:
        """Add the fact of the field."""
        text = self.text.text()
        if self._change(lambda: self._store.add_fact(text)):
            self.text.clear()
        self.text.setFocus()

    def _on_changed(self, values: Mapping[str, Any]) -> None:
        self._status.attempt(lambda: self._services.settings.change(**values))
        self.show_settings()
        self.changed.emit()

    def _filter(self) -> None:
        needle = fold(self.search.text().strip())
        for row in self.rows:
            row.setVisible(needle in fold(row.fact.text))

    def _edit(self, fact: Fact) -> None:
        dialog = FactDialog(self.tr("Edit fact"), fact.text, self.window())
        dialog.saved.connect(lambda text: self._change(lambda: self._store.edit_fact(fact.id, text)))
        show_dialog(dialog)

    def _delete(self, fact: Fact) -> None:
        if self._change(lambda: self._store.delete_fact(fact.id)):
            undo = self.tr("Undo"), lambda: self._change(lambda: self._store.add_fact(fact.text))
            self._status.show_message(self.tr("Fact deleted."), action=undo)
            self.text.setFocus()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(each.text for each in self._store.facts()))

    def _change(self, change: Callable[[], object]) -> bool:
        """Change the facts and show them; return whether it succeeded."""
        self._status.clear()

        def change_and_show() -> None:
            change()
            self.show_facts()

        if not self._status.attempt(change_and_show):
            return False
        self.changed.emit()
        return True
