"""Where the person writes: a rounded frame that grows with the text, with what is attached and the button that sends.

All that stands in it is one ``Draft``: it can be taken out, kept, and put back.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.config.drafts import Draft
from app.conversation import Attachment
from ui.composer.attachment_chips import Chips
from ui.composer.text_field import ComposerField
from ui.widgets.icons import icon, pixmap
from ui.widgets.theme import Theme, interface_font

RADIUS = 12
SHARE_OF_WINDOW = 0.4
BUTTON = 32
SMALL = 13


class Composer(QWidget):
    """The field in its rounded frame, what is attached above it, and the buttons."""

    sent = Signal(object)
    """A ``Draft``."""
    stop_wanted = Signal()
    changed = Signal()
    """What stands in it is another draft now."""
    attach_wanted = Signal()
    edit_cancelled = Signal()
    attachment_opened = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._running = self._is_temporary = self._is_waiting = False
        self._instead_of: str | None = None
        self._before: Draft | None = None
        self.field = ComposerField(self)
        self.chips = Chips(theme, self)
        self._make_strip()
        self.attach_button = self._button("attachButton")
        self.send_button = self._button("sendButton")
        self.stop_button = self._button("stopButton")
        self.stop_button.hide()
        self._lay_out()
        self.setFocusProxy(self.field)
        self.field.send_wanted.connect(self._send)
        self.field.focus_changed.connect(self.update)
        self.field.textChanged.connect(self._on_change)
        self.field.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        self.chips.changed.connect(self._on_change)
        self.chips.opened.connect(self.attachment_opened)
        self.attach_button.clicked.connect(self.attach_wanted)
        self.send_button.clicked.connect(self._send)
        self.stop_button.clicked.connect(self.stop_wanted)
        self.set_theme(theme)
        self._retranslate()
        self._refresh()

    def _make_strip(self) -> None:
        """The line that says that an earlier question is being edited."""
        self._strip = QWidget(self)
        self._strip_sign = QLabel(self._strip)
        self._strip_text = QLabel(self._strip)
        self._strip_text.setFont(interface_font(SMALL))
        self._cancel = QToolButton(self._strip)
        self._cancel.setObjectName("cancelEditButton")
        self._cancel.setFont(interface_font(SMALL))
        self._cancel.clicked.connect(self.cancel_edit)
        line = QHBoxLayout(self._strip)
        line.setContentsMargins(4, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self._strip_sign)
        line.addWidget(self._strip_text)
        line.addStretch(1)
        line.addWidget(self._cancel)
        self._strip.hide()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.attach_button, 0, Qt.AlignmentFlag.AlignBottom)
        line.addWidget(self.field, 1)
        for button in (self.send_button, self.stop_button):
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self._strip)
        layout.addWidget(self.chips)
        layout.addLayout(line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setFixedSize(BUTTON, BUTTON)
        button.setIconSize(QSize(18, 18))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        return button

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
        self.attach_button.setIcon(icon("attachment", theme.quiet_text))
        self._strip_sign.setPixmap(pixmap("edit", theme.accent, 16, self.devicePixelRatioF()))
        self._strip_text.setStyleSheet(f"color: {theme.quiet_text};")
        self.chips.set_theme(theme)
        self._refresh()

    def set_text_size(self, size: int) -> None:
        """The size of the text in device-independent pixels."""
        self.field.set_text_size(size)
        self._fit_height()

    def set_running(self, running: bool) -> None:
        """Show the stop button while an answer is made, the send button otherwise."""
        had_focus = self.send_button.hasFocus() or self.stop_button.hasFocus()
        self._running = running
        self.send_button.setVisible(not running)
        self.stop_button.setVisible(running)
        if had_focus:
            self.field.setFocus()

    def set_temporary(self, temporary: bool) -> None:
        """Whether what is written here is never stored."""
        if temporary != self._is_temporary:
            self._is_temporary = temporary
            self._retranslate()
            self.update()

    def set_waiting(self, waiting: bool) -> None:
        """Whether a file is still being read: nothing is sent without it."""
        self._is_waiting = waiting
        self._refresh()

    # What stands in it

    def draft(self) -> Draft:
        """All that stands in it."""
        return Draft(self.text(), self.chips.attachments(), self._instead_of, self._before)

    def show_draft(self, draft: Draft) -> None:
        """Let this stand in it instead."""
        self._instead_of, self._before = draft.instead_of, draft.before
        self.chips.set_attachments(draft.attachments)
        self.set_text(draft.text)
        self._strip.setVisible(self.is_editing())
        self._retranslate()
        self._on_change()

    def begin_edit(self, message_id: str, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Edit an earlier question; what stands here comes back afterwards."""
        before = self._before if self.is_editing() else self.draft()
        self.show_draft(Draft(text, attachments, message_id, before))
        self.field.setFocus()

    def is_editing(self) -> bool:
        """Whether an earlier question is being edited."""
        return self._instead_of is not None

    def cancel_edit(self) -> None:
        """Let the earlier question be as it is."""
        self.show_draft(self.draft().after())
        self.field.setFocus()
        self.edit_cancelled.emit()

    def set_text(self, text: str) -> None:
        """Replace the text, the cursor at its end."""
        self.field.setPlainText(text)
        cursor = self.field.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.field.setTextCursor(cursor)

    def insert_text(self, text: str) -> None:
        """Put text where the cursor is."""
        self.field.insertPlainText(text)
        self.field.setFocus()

    def text(self) -> str:
        """What is written."""
        return self.field.toPlainText()

    def clear(self) -> None:
        """It was sent: empty it, or bring back what stood there before; what was written can be had by undo."""
        if self.is_editing():
            self.show_draft(self.draft().after())
            return
        cursor = self.field.textCursor()
        cursor.select(cursor.SelectionType.Document)
        cursor.removeSelectedText()
        self.chips.set_attachments(())
        self._on_change()

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
        """Draw the rounded frame; what is not stored has a dashed one on a tinted ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(self._theme.accent if self.field.hasFocus() else self._theme.edge), 1)
        if self._is_temporary:
            pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.setBrush(QColor(self._theme.question if self._is_temporary else self._theme.raised))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()

    def _can_send(self) -> bool:
        return bool(self.text().strip() or self.chips.attachments()) and not self._is_waiting

    def _send(self) -> None:
        if self._can_send() and not self._running:
            draft = self.draft()
            self.sent.emit(Draft(draft.text.strip(), draft.attachments, draft.instead_of, draft.before))

    def _on_change(self) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        can = self._can_send()
        self.send_button.setEnabled(can)
        self.send_button.setToolTip(self._send_tip())
        self.send_button.setIcon(icon("send", self._theme.accent_text if can else self._theme.quiet_text))
        self.update()

    def _send_tip(self) -> str:
        if self._is_waiting:
            return self.tr("Reading file…")
        return self.tr("Send as a new version (Enter)") if self.is_editing() else self.tr("Send (Enter)")

    def _fit_height(self) -> None:
        line = self.field.fontMetrics().lineSpacing()
        lines = max(1, round(self.field.document().size().height()))
        wanted = lines * line + 2 * round(self.field.document().documentMargin())
        most = max(line * 3, int(self.window().height() * SHARE_OF_WINDOW))
        # As high as its text it needs no bar; asked to decide for itself the field shows one for a pixel too few.
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if wanted > most else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.field.setVerticalScrollBarPolicy(policy)
        self.field.setFixedHeight(max(BUTTON, min(wanted, most)))

    def _retranslate(self) -> None:
        placeholder = self.tr("Message…")
        if self._is_temporary:
            placeholder = self.tr("Message… (not saved)")
        self.field.setPlaceholderText(placeholder)
        self.field.setAccessibleName(self.tr("Message"))
        self._strip_text.setText(self.tr("Editing an earlier question"))
        self._cancel.setText(self.tr("Cancel"))
        self._cancel.setToolTip(self.tr("Keep the original question (Esc)"))
        self._cancel.setAccessibleName(self.tr("Cancel editing"))
        self.attach_button.setToolTip(self.tr("Attach text files (Ctrl+Shift+A), or drop them here"))
        self.attach_button.setAccessibleName(self.tr("Attach text files"))
        self.send_button.setToolTip(self._send_tip())
        self.send_button.setAccessibleName(self.tr("Send"))
        self.stop_button.setToolTip(self.tr("Stop (Esc)"))
        self.stop_button.setAccessibleName(self.tr("Stop"))
