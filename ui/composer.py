"""Where the person writes: grows with the text, sends on Enter, never inside an input method's composition."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QInputMethodEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QSizePolicy, QToolButton, QWidget

from ui.icons import icon
from ui.theme import TEXT_SIZE, Theme, interface_font

RADIUS = 12
SHARE_OF_WINDOW = 0.4
BUTTON = 32


class ComposerField(QPlainTextEdit):
    """The text field.  ``objectName`` is ``composer``: this is what has the keyboard."""

    send_wanted = Signal()
    focus_changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFont(interface_font(TEXT_SIZE))
        self.setStyleSheet("QPlainTextEdit { background: transparent; border: none; }")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(4)
        self._composing = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter sends; with Shift it breaks the line; while a composition is open it belongs to the input method."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._composing:
                event.accept()
                return
            if not event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
                event.accept()
                self.send_wanted.emit()
                return
        super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Watch whether a composition is open."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the text's size when the application's font is set anew."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.setFont(interface_font(TEXT_SIZE))
        super().changeEvent(event)

    def focusInEvent(self, event: object) -> None:  # noqa: D102
        super().focusInEvent(event)  # type: ignore[arg-type]
        self.focus_changed.emit()

    def focusOutEvent(self, event: object) -> None:  # noqa: D102
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self._composing = False
        self.focus_changed.emit()


class Composer(QWidget):
    """The field in its rounded frame, with the button that sends or stops."""

    sent = Signal(str)
    stop_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._running = False
        self.field = ComposerField(self)
        self.send_button = QToolButton(self)
        self.send_button.setObjectName("sendButton")
        self.stop_button = QToolButton(self)
        self.stop_button.setObjectName("stopButton")
        for button in (self.send_button, self.stop_button):
            button.setFixedSize(BUTTON, BUTTON)
            button.setIconSize(QSize(18, 18))
            button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.stop_button.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self.field, 1)
        for button in (self.send_button, self.stop_button):
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.field)

        self.field.send_wanted.connect(self._send)
        self.field.focus_changed.connect(self.update)
        self.field.textChanged.connect(self._on_text)
        self.field.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        self.send_button.clicked.connect(self._send)
        self.stop_button.clicked.connect(self.stop_wanted)
        self.set_theme(theme)
        self._retranslate()
        self._on_text()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme
        style = (
            f"QToolButton {{ background: {theme.accent}; border: none; border-radius: {BUTTON // 2}px; }}"
            f"QToolButton:hover {{ background: {theme.accent_hover}; }}"
            f"QToolButton:focus {{ border: 2px solid {theme.text}; }}"
            f"QToolButton:disabled {{ background: {theme.hover}; }}"
        )
        self.send_button.setStyleSheet(style)
        self.stop_button.setStyleSheet(style)
        self.stop_button.setIcon(icon("stop", theme.accent_text))
        self._on_text()
        self.update()

    def set_running(self, running: bool) -> None:
        """Show the stop button while an answer is made, the send button otherwise."""
        had_focus = self.send_button.hasFocus() or self.stop_button.hasFocus()
        self._running = running
        self.send_button.setVisible(not running)
        self.stop_button.setVisible(running)
        if had_focus:
            self.field.setFocus()

    def set_text(self, text: str) -> None:
        """Replace the text, the cursor at its end."""
        self.field.setPlainText(text)
        cursor = self.field.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.field.setTextCursor(cursor)

    def text(self) -> str:
        """What is written."""
        return self.field.toPlainText()

    def clear(self) -> None:
        """Empty the field; what was there can still be had by undo."""
        cursor = self.field.textCursor()
        cursor.select(cursor.SelectionType.Document)
        cursor.removeSelectedText()

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._fit_height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the rounded frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self._theme.accent if self.field.hasFocus() else self._theme.edge
        painter.setPen(QPen(QColor(colour), 1))
        painter.setBrush(QColor(self._theme.raised))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()

    def _send(self) -> None:
        text = self.field.toPlainText().strip()
        if text and not self._running:
            self.sent.emit(text)

    def _on_text(self) -> None:
        has_text = bool(self.field.toPlainText().strip())
        self.send_button.setEnabled(has_text)
        self.send_button.setIcon(icon("send", self._theme.accent_text if has_text else self._theme.quiet_text))

    def _fit_height(self) -> None:
        line = self.field.fontMetrics().lineSpacing()
        lines = max(1, round(self.field.document().size().height()))
        wanted = lines * line + 2 * round(self.field.document().documentMargin())
        most = max(line * 3, int(self.window().height() * SHARE_OF_WINDOW))
        self.field.setFixedHeight(max(BUTTON, min(wanted, most)))

    def _retranslate(self) -> None:
        self.field.setPlaceholderText(self.tr("Message…"))
        self.field.setAccessibleName(self.tr("Message"))
        self.send_button.setToolTip(self.tr("Send (Enter)"))
        self.send_button.setAccessibleName(self.tr("Send"))
        self.stop_button.setToolTip(self.tr("Stop (Esc)"))
        self.stop_button.setAccessibleName(self.tr("Stop"))
