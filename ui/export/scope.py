"""Selector of what is exported: one message, one conversation, the selected ones, or all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QRadioButton, QVBoxLayout, QWidget

from app.conversation import Conversation

LONGEST_TITLE = 40


@dataclass(frozen=True)
class Scope:
    """What is exported."""

    conversation_ids: tuple[str, ...] | None
    """None for all."""
    message_id: str | None = None

    @property
    def is_one(self) -> bool:
        """Whether it is one conversation, or a message of it."""
        return self.conversation_ids is not None and len(self.conversation_ids) == 1


class ScopeSelector(QWidget):
    """A radio button for each scope; those that do not apply are hidden."""

    changed = Signal()

    def __init__(
        self,
        conversations: Mapping[str, Conversation],
        current: Conversation | None,
        selection: Sequence[str],
        message_id: str | None,
    ) -> None:
        super().__init__()
        self._conversation_count = len(conversations)
        self._current = current
        self._selection = tuple(each for each in selection if each in conversations)
        self._message_id = message_id if current is not None else None
        has_selection = len(self._selection) > 1
        self.message = self._button("exportThisMessage", shown=self._message_id is not None)
        self.this_one = self._button("exportThisConversation", shown=True)
        self.selected = self._button("exportSelection", shown=has_selection)
        self.everything = self._button("exportAllConversations", shown=True)
        self.this_one.setEnabled(current is not None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        buttons = (self.message, self.this_one, self.selected, self.everything)
        for each in buttons:
            layout.addWidget(each)
        if self._message_id is not None:
            self.message.setChecked(True)
        elif has_selection:
            self.selected.setChecked(True)
        else:
            (self.everything if current is None else self.this_one).setChecked(True)
        for each in buttons:
            each.toggled.connect(self._toggled)

    @property
    def scope(self) -> Scope:
        """The selected scope."""
        if self.selected.isChecked():
            return Scope(self._selection)
        if self.everything.isChecked() or self._current is None:
            return Scope(None)
        return Scope((self._current.id,), self._message_id if self.message.isChecked() else None)

    @property
    def first_button(self) -> QRadioButton:
        """The topmost button."""
        return self.this_one if self.message.isHidden() else self.message

    def title(self) -> str:
        """Return the title of the conversation in scope; empty for several."""
        return self._current.title if self.scope.is_one and self._current is not None else ""

    def retranslate(self) -> None:
        """Set all texts."""
        title = self._current.title if self._current else ""
        shown = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        # A single ampersand would mark a shortcut.
        shown = shown.replace("&", "&&")
        self.message.setText(self.tr("This message"))
        self.this_one.setText(
            self.tr("This conversation: {title}").format(title=shown) if shown else self.tr("This conversation")
        )
        self.selected.setText(self.tr("Selected conversations ({count})").format(count=len(self._selection)))
        self.everything.setText(self.tr("All conversations ({count})").format(count=self._conversation_count))

    def _button(self, name: str, *, shown: bool) -> QRadioButton:
        button = QRadioButton(self)
        button.setObjectName(name)
        button.setVisible(shown)
        return button

    def _toggled(self, is_on: bool) -> None:
        if is_on:
            self.changed.emit()
