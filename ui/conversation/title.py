"""Title of the open conversation in the header, edited in place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy

from ui.widgets.layouts import hbox
from ui.widgets.tool_button import ToolButton
from ui.widgets.translated import TranslatedWidget

MIN_WIDTH, MAX_WIDTH = 72, 420
"""Pixels; a narrower header shows no title."""
PADDING = 16
"""Of the button, in pixels."""


class _TitleField(QLineEdit):
    """Field whose Escape cancels instead of reaching the shortcuts of the window."""

    cancelled = Signal()

    def event(self, event: QEvent) -> bool:
        """Claim Escape."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.KeyPress:
                self.cancelled.emit()
            event.accept()
            return True
        return super().event(event)


class ConversationTitle(TranslatedWidget):
    """A button with the elided title, and the field that replaces it while the title is edited."""

    edited = Signal(str)
    """The new title."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._title: str | None = None
        self.button = ToolButton()
        self.button.setObjectName("titleButton")
        self.button.setCursor(Qt.CursorShape.IBeamCursor)
        self.field = _TitleField()
        self.field.setObjectName("headerTitleField")
        self.field.setMaximumWidth(MAX_WIDTH)
        self.field.hide()
        hbox(self.button, (self.field, 100), None, parent=self)
        self.button.clicked.connect(self.edit)
        self.field.editingFinished.connect(self._finish)
        self.field.cancelled.connect(self._close)
        self._retranslate()

    def set_title(self, title: str | None) -> None:
        """Show a title, empty for an untitled conversation; None shows nothing."""
        if title != self._title:
            self._title = title
            self._close()
            self._retranslate()

    def text(self) -> str:
        """Return the title in one line as it is shown; empty without a conversation."""
        return "" if self._title is None else " ".join(self._title.split()) or self.tr("Untitled")

    def edit(self) -> None:
        """Replace the title by a field."""
        self.field.setText(self._title or "")
        self.button.hide()
        self.field.show()
        self.field.selectAll()
        self.field.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide the title to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _finish(self) -> None:
        title = self.field.text().strip()
        # Hiding the field finishes the editing again.
        if self.field.isVisible():
            self._close()
            if title and title != self._title:
                self.edited.emit(title)

    def _close(self) -> None:
        had_focus = self.field.hasFocus()
        self.field.hide()
        self._elide()
        if had_focus:
            self.button.setFocus()

    def _elide(self) -> None:
        text = self.text()
        room = min(self.width(), MAX_WIDTH)
        self.button.setVisible(bool(text) and room >= MIN_WIDTH and self.field.isHidden())
        shown = self.button.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room - PADDING)
        self.button.setText(shown.replace("&", "&&"))

    def _retranslate(self) -> None:
        self.field.setAccessibleName(self.tr("Title"))
        self.button.setAccessibleName(self.tr("Title: {title}").format(title=self.text()))
        self.button.setToolTip(self.tr("{title}\nClick to rename").format(title=self.text()))
        self._elide()
