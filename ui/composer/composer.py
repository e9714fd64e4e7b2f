"""Composer: a rounded frame that grows with its text, with attachments above it and buttons beside it.

Its whole content is one ``Draft``, which can be read, saved and shown again.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.config.drafts import Draft
from app.conversation import Attachment
from ui.composer.attachment_chips import AttachmentChips
from ui.composer.text_field import ComposerField
from ui.widgets.icons import set_icon
from ui.widgets.theme import current_theme, interface_font
from ui.widgets.translated import TranslatedWidget

RADIUS = 12
MAX_WINDOW_SHARE = 0.4
"""Share of the window's height that the text may take before it scrolls."""
BUTTON_SIZE = 32
SMALL_SIZE = 13


class Composer(TranslatedWidget):
    """Text field, attachments and buttons of the next question."""

    submitted = Signal(Draft)
    stop_requested = Signal()
    attach_requested = Signal()
    attachment_opened = Signal(Attachment)
    changed = Signal()
    """The draft has changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_running = self._is_temporary = self._is_waiting = False
        self._instead_of: str | None = None
        self._before: Draft | None = None
        self.field = ComposerField(self)
        self.chips = AttachmentChips(self)
        self._edit_bar = QWidget(self)
        self._edit_icon, self._edit_label = QLabel(self._edit_bar), QLabel(self._edit_bar)
        self._edit_label.setFont(interface_font(SMALL_SIZE))
        self._edit_label.setProperty("quiet", True)
        set_icon(self._edit_icon, "edit", "accent", 16)
        self._cancel = QToolButton(self._edit_bar)
        self._cancel.setObjectName("cancelEditButton")
        self._cancel.setFont(interface_font(SMALL_SIZE))
        self._cancel.clicked.connect(self.cancel_edit)
        self.attach_button = self._button("attachButton", self.attach_requested)
        self.send_button = self._button("sendButton")
        self.send_button.clicked.connect(self._send)
        self.stop_button = self._button("stopButton", self.stop_requested)
        self.stop_button.hide()
        set_icon(self.attach_button, "attachment")
        set_icon(self.stop_button, "stop", "accent_text")
        self._lay_out()
        self.setFocusProxy(self.field)
        self.field.send_requested.connect(self._send)
        self.field.focus_changed.connect(self.update)
        self.field.textChanged.connect(self._on_change)
        self.field.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        self.chips.changed.connect(self._on_change)
        self.chips.opened.connect(self.attachment_opened)
        self._refresh()
        self._retranslate()

    def _lay_out(self) -> None:
        edit = QHBoxLayout(self._edit_bar)
        edit.setContentsMargins(4, 0, 0, 0)
        edit.setSpacing(8)
        edit.addWidget(self._edit_icon)
        edit.addWidget(self._edit_label)
        edit.addStretch(1)
        edit.addWidget(self._cancel)
        self._edit_bar.hide()
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.attach_button, 0, Qt.AlignmentFlag.AlignBottom)
        line.addWidget(self.field, 1)
        for button in (self.send_button, self.stop_button):
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self._edit_bar)
        layout.addWidget(self.chips)
        layout.addLayout(line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _button(self, name: str, clicked: SignalInstance | None = None) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setFixedSize(BUTTON_SIZE, BUTTON_SIZE)
        button.setIconSize(QSize(18, 18))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        if clicked is not None:
            button.clicked.connect(clicked)
        return button

    def set_text_size(self, size: int) -> None:
        """Set the size of the text in device-independent pixels."""
        self.field.set_text_size(size)
        self._fit_height()

    def set_running(self, running: bool) -> None:
        """Show the stop button while an answer is running, the send button otherwise."""
        had_focus = self.send_button.hasFocus() or self.stop_button.hasFocus()
        self._is_running = running
        self.send_button.setVisible(not running)
        self.stop_button.setVisible(running)
        if had_focus:
            self.field.setFocus()

    def set_temporary(self, temporary: bool) -> None:
        """Show whether the conversation is temporary."""
        if temporary != self._is_temporary:
            self._is_temporary = temporary
            self._retranslate()
            self.update()

    def set_waiting(self, waiting: bool) -> None:
        """Set whether a file is still being read; sending waits for it."""
        self._is_waiting = waiting
        self._refresh()

    def draft(self) -> Draft:
        """Return the content."""
        return Draft(self.text(), self.chips.attachments(), self._instead_of, self._before)

    def show_draft(self, draft: Draft) -> None:
        """Replace the content."""
        self._instead_of, self._before = draft.instead_of, draft.before
        self.chips.set_attachments(draft.attachments)
        self.set_text(draft.text)
        self._edit_bar.setVisible(self.is_editing())
        self._retranslate()
        self._on_change()

    def begin_edit(self, message_id: str, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Edit an earlier question; the current draft returns afterwards."""
        before = self._before if self.is_editing() else self.draft()
        self.show_draft(Draft(text, attachments, message_id, before))
        self.field.setFocus()

    def is_editing(self) -> bool:
        """Return whether an earlier question is being edited."""
        return self._instead_of is not None

    def cancel_edit(self) -> None:
        """Keep the earlier question as it is."""
        self.show_draft(self.draft().after())
        self.field.setFocus()

    def set_text(self, text: str) -> None:
        """Replace the text and put the cursor at its end."""
        self.field.setPlainText(text)
        cursor = self.field.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.field.setTextCursor(cursor)

    def insert_text(self, text: str) -> None:
        """Insert text at the cursor."""
        self.field.insertPlainText(text)
        self.field.setFocus()

    def text(self) -> str:
        """Return the text."""
        return self.field.toPlainText()

    def clear(self) -> None:
        """Clear the content after sending, or return to the draft before the edit; undo brings the text back."""
        if self.is_editing():
            self.show_draft(self.draft().after())
            return
        cursor = self.field.textCursor()
        cursor.select(cursor.SelectionType.Document)
        cursor.removeSelectedText()
        self.chips.set_attachments(())
        self._on_change()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the height to the wrapped text."""
        super().resizeEvent(event)
        self._fit_height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the rounded frame, dashed and tinted in a temporary conversation."""
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(theme.accent if self.field.hasFocus() else theme.edge), 1)
        if self._is_temporary:
            pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.setBrush(QColor(theme.question if self._is_temporary else theme.raised))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()

    def _can_send(self) -> bool:
        return bool(self.text().strip() or self.chips.attachments()) and not self._is_waiting

    def _send(self) -> None:
        if self._can_send() and not self._is_running:
            draft = self.draft()
            self.submitted.emit(replace(draft, text=draft.text.strip()))

    def _on_change(self) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        can = self._can_send()
        self.send_button.setEnabled(can)
        self.send_button.setToolTip(self._send_tool_tip())
        set_icon(self.send_button, "send", "accent_text" if can else "quiet_text")
        self.update()

    def _send_tool_tip(self) -> str:
        if self._is_waiting:
            return self.tr("Reading file…")
        return self.tr("Send as a new version (Enter)") if self.is_editing() else self.tr("Send (Enter)")

    def _fit_height(self) -> None:
        line = self.field.fontMetrics().lineSpacing()
        lines = max(1, round(self.field.document().size().height()))
        height = lines * line + 2 * round(self.field.document().documentMargin())
        most = max(line * 3, int(self.window().height() * MAX_WINDOW_SHARE))
        # With ScrollBarAsNeeded the bar appears when a single pixel is missing.
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if height > most else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.field.setVerticalScrollBarPolicy(policy)
        self.field.setFixedHeight(max(BUTTON_SIZE, min(height, most)))

    def _retranslate(self) -> None:
        placeholder = self.tr("Message…")
        if self._is_temporary:
            placeholder = self.tr("Message… (not saved)")
        self.field.setPlaceholderText(placeholder)
        self.field.setAccessibleName(self.tr("Message"))
        self._edit_label.setText(self.tr("Editing an earlier question"))
        self._cancel.setText(self.tr("Cancel"))
        self._cancel.setToolTip(self.tr("Keep the original question (Esc)"))
        self._cancel.setAccessibleName(self.tr("Cancel editing"))
        self.attach_button.setToolTip(self.tr("Attach text files (Ctrl+Shift+A), or drop them here"))
        self.attach_button.setAccessibleName(self.tr("Attach text files"))
        self.send_button.setToolTip(self._send_tool_tip())
        self.send_button.setAccessibleName(self.tr("Send"))
        self.stop_button.setToolTip(self.tr("Stop (Esc)"))
        self.stop_button.setAccessibleName(self.tr("Stop"))
