"""What is exported: one message, one conversation, those that were selected, or all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QRadioButton, QVBoxLayout, QWidget

from app.conversation import Conversation

LONGEST_TITLE = 40


@dataclass(frozen=True)
class Scope:
    """What the person chose."""

    conversation_ids: tuple[str, ...] | None
    """None for all there are."""
    message_id: str | None = None

    @property
    def is_one(self) -> bool:
        """One conversation, or a message of it."""
        return self.conversation_ids is not None and len(self.conversation_ids) == 1


class ScopeChoice(QWidget):
    """A radio button for each thing that could be meant; those that mean nothing here are not shown."""

    changed = Signal()

    def __init__(
        self,
        conversations: Mapping[str, Conversation],
        current: Conversation | None,
        selection: Sequence[str],
        message_id: str | None,
    ) -> None:
        super().__init__()
        self._conversations = conversations
        self._current = current
        self._selection = tuple(each for each in selection if each in conversations)
        self._message_id = message_id if current is not None else None
        self.message = self._button("exportThisMessage", shown=self._message_id is not None)
        self.this_one = self._button("exportThisConversation", shown=True)
        self.selected = self._button("exportSelection", shown=len(self._selection) > 1)
        self.everything = self._button("exportAllConversations", shown=True)
        self.this_one.setEnabled(current is not None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for each in (self.message, self.this_one, self.selected, self.everything):
            layout.addWidget(each)
        first = (
            self.message
            if self._message_id
            else self.selected
            if len(self._selection) > 1
            else self.this_one
            if current is not None
            else self.everything
        )
        first.setChecked(True)
        for each in (self.message, self.this_one, self.selected, self.everything):
            each.toggled.connect(self._toggled)

    @property
    def scope(self) -> Scope:
        """What is chosen."""
        if self.everything.isChecked() or self._current is None:
            return Scope(self._selection if self.selected.isChecked() else None)
        if self.selected.isChecked():
            return Scope(self._selection)
        return Scope((self._current.id,), self._message_id if self.message.isChecked() else None)

    @property
    def first_row(self) -> QRadioButton:
        """The button that stands at the top."""
        return self.this_one if self.message.isHidden() else self.message

    def title(self) -> str:
        """The title of the one conversation that is meant, or nothing."""
        return self._current.title if self.scope.is_one and self._current is not None else ""

    def retranslate(self) -> None:
        """Word the buttons."""
        title = self._current.title if self._current else ""
        shown = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        # An ampersand would be read as the mark of a shortcut.
        shown = shown.replace("&", "&&")
        self.message.setText(self.tr("This message"))
        self.this_one.setText(
            self.tr("This conversation: {title}").format(title=shown) if shown else self.tr("This conversation")
        )
        self.selected.setText(self.tr("Selected conversations ({count})").format(count=len(self._selection)))
        self.everything.setText(self.tr("All conversations ({count})").format(count=len(self._conversations)))

    def _button(self, name: str, *, shown: bool) -> QRadioButton:
        made = QRadioButton(self)
        made.setObjectName(name)
        made.setVisible(shown)
        return made

    def _toggled(self, is_on: bool) -> None:
        if is_on:
            self.changed.emit()
