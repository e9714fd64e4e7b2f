"""Composer: a rounded frame that grows with its text, with attachments above it and buttons beside it.

Its whole content is one ``Draft``, which can be read, saved and shown again.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ui.composer.attachment_chips import AttachmentChips
from ui.composer.text_field import ComposerField
from ui.widgets.icons import IconLabel, icon
from ui.widgets.layouts import hbox, vbox
from ui.widgets.theme import current_theme, interface_font
from ui.widgets.tool_button import ToolButton, set_name, tool_button
from ui.widgets.translated import TranslatedWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    # Imported by the window after its first paint, which they would delay.
    from app.config.drafts import Draft
    from app.conversation import Attachment
    from ui.composer.queue import QuestionQueue

RADIUS = 12
MAX_WINDOW_SHARE = 0.4
"""Share of the window's height that the text may take before it scrolls."""
BUTTON_SIZE = 32
SMALL_SIZE = 13
CHIP_WIDTH = 240
"""Longest text of a chip, in pixels."""


class Composer(TranslatedWidget):
    """Text field, attachments and buttons of the next question."""

    submitted = Signal(object)
    """The ``Draft``; also while an answer is running."""
    edited = Signal(str)
    """Id of the earlier question that is edited; empty once it is sent, or kept as it is."""
    changed = Signal()
    """The draft has changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_temporary = self._is_waiting = self._is_running = False
        self._instead_of: str | None = None
        self._before: Draft | None = None
        self.field = ComposerField(self)
        self.chips = AttachmentChips(self)
        self._edit_label, self._cancel = QLabel(), ToolButton()
        self._edit_label.setProperty("quiet", True)
        self._edit_label.setWordWrap(True)
        self._cancel.setObjectName("cancelEditButton")
        for widget in (self._edit_label, self._cancel):
            widget.setFont(interface_font(SMALL_SIZE))
        self._edit_bar = QWidget()
        items = IconLabel("edit", "accent", 16), (self._edit_label, 1), self._cancel
        hbox(*items, parent=self._edit_bar, spacing=8, margins=(4, 0, 0, 0))
        self._edit_bar.hide()
        self._queue: QuestionQueue | None = None
        self._edited_place: int | None = None
        """Place among the questions that wait to which the content returns."""
        self._queue_place = vbox()
        self.preset_button = tool_button("presetChip", "sliders", size=16, with_text=True)
        """Shows the preset of the conversation; hidden while it has none."""
        self.preset_button.setFont(interface_font(SMALL_SIZE))
        self._preset_bar = QWidget()
        self.folder_button = tool_button("folderChip", "folder", size=16, with_text=True)
        """Shows the folder of the conversation; hidden outside of all."""
        self.folder_button.setFont(interface_font(SMALL_SIZE))
        hbox(self.folder_button, self.preset_button, None, parent=self._preset_bar, spacing=8)
        self._preset_bar.hide()
        self.attach_button = tool_button("attachButton", "attachment")
        self.web_button = tool_button("webSearchButton", "globe")
        self.web_button.setCheckable(True)
        self.send_button = tool_button("sendButton", "send", colour="accent_text")
        self.stop_button = tool_button("stopButton", "stop", colour="accent_text")
        buttons = self.attach_button, self.web_button, self.send_button, self.stop_button
        for button in buttons:
            button.setFixedSize(BUTTON_SIZE, BUTTON_SIZE)
        self.stop_button.hide()
        attach, web, send, stop = ((button, 0, Qt.AlignmentFlag.AlignBottom) for button in buttons)
        left = hbox(attach, web, spacing=0)
        line = hbox(left, (self.field, 1), send, stop, spacing=8)
        bars = self._preset_bar, self._edit_bar, self._queue_place, self.chips
        vbox(*bars, line, parent=self, spacing=6, margins=(8, 8, 8, 8))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.field)
        self.setTabOrder(self.attach_button, self.web_button)
        self.setTabOrder(self.web_button, self.field)
        self._cancel.clicked.connect(self.cancel_edit)
        self.send_button.clicked.connect(self.send)
        self.field.send_requested.connect(self.send)
        self.field.focus_changed.connect(self.update)
        self.field.textChanged.connect(self._on_change)
        self.field.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        self.chips.changed.connect(self._on_change)
        self._retranslate()

    def set_running(self, running: bool) -> None:
        """Show the stop button while an answer is running, the send button otherwise."""
        self._is_running = running
        self._show_placeholder()
        self._refresh()
        had_focus = self.send_button.hasFocus() or self.stop_button.hasFocus()
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

    def show_preset(
        self, name: str, folder: str = "", *, has_instructions: bool = False, documents: Sequence[str] = ()
    ) -> None:
        """Show the names of the preset and the folder of the conversation, empty for none, and what the folder adds."""
        self.folder_button.setText(self._chip_text(folder))
        self.folder_button.setVisible(bool(folder))
        tip = [self.tr("Folder: {name}").format(name=folder)]
        if has_instructions:
            tip.append(self.tr("The model follows its instructions."))
        if documents:
            tip.append(self.tr("The model reads its documents: {names}").format(names=", ".join(documents)))
        set_name(self.folder_button, "\n".join(tip))
        self.preset_button.setVisible(bool(name))
        self.preset_button.setText(self._chip_text(name))
        set_name(self.preset_button, self.tr("Preset: {name}").format(name=name))
        self._preset_bar.setVisible(bool(name or folder))

    def show_web_search(self, is_on: bool) -> None:
        """Show whether the model searches the web in the conversation."""
        self.web_button.setChecked(is_on)
        self.web_button.setIcon(icon("globe", "accent" if is_on else "quiet_text"))
        self.web_button.setToolTip(self.tr("Web search: on") if is_on else self.tr("Web search: off"))

    def _chip_text(self, name: str) -> str:
        shown = self.preset_button.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, CHIP_WIDTH)
        return shown.replace("&", "&&")

    def set_waiting(self, waiting: bool) -> None:
        """Set whether a file is still being read; sending waits for it."""
        self._is_waiting = waiting
        self._refresh()

    def draft(self) -> Draft:
        """Return the content."""
        from app.config.drafts import Draft

        queue = self._queue.questions() if self._queue is not None else ()
        return Draft(self.text(), self.chips.attachments(), self._instead_of, self._before, queue)

    def show_draft(self, draft: Draft) -> None:
        """Replace the content."""
        self._instead_of, self._before, self._edited_place = draft.instead_of, draft.before, None
        self.chips.set_attachments(draft.attachments)
        self.set_text(draft.text)
        self._set_queue(draft.queue)
        self._edit_bar.setVisible(self.is_editing())
        self.edited.emit(self._instead_of or "")
        self._retranslate()
        self._on_change()

    def begin_edit(self, message_id: str, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Edit an earlier question; the current draft returns afterwards."""
        from app.config.drafts import Draft

        queue = self.draft().queue
        before = self._before if self.is_editing() else replace(self.draft(), queue=())
        self.show_draft(Draft(text, attachments, message_id, before, queue))
        self.field.setFocus()

    def enqueue(self) -> None:
        """Move the content to the end of the questions that wait, or back to its place there."""
        draft = self.draft()
        queue, place = list(draft.queue), self._edited_place
        queue.insert(len(queue) if place is None else place, replace(draft, text=draft.text.strip(), queue=()))
        self.clear()
        self._set_queue(tuple(queue))

    def next_question(self) -> Draft | None:
        """Return the first of the questions that wait."""
        return next(iter(self._queue.questions()), None) if self._queue is not None else None

    def drop_next_question(self) -> None:
        """Remove the first of the questions that wait."""
        if self._queue is not None and self._queue.questions():
            self._queue.take(0)
            if self._edited_place:
                self._edited_place -= 1

    def edit_queued(self, place: int = -1) -> bool:
        """Edit a waiting question; another text waits then.  Return false where none waits."""
        if self._queue is None or not self._queue.questions():
            return False
        place %= len(self._queue.questions())
        question = self._queue.take(place)
        if self._has_question():
            if self._edited_place is not None and self._edited_place <= place:
                place += 1
            elif self._edited_place is not None:
                self._edited_place -= 1
            self.enqueue()
        self.show_draft(replace(question, queue=self.draft().queue))
        self._edited_place = place
        self.field.setFocus()
        return True

    def _set_queue(self, questions: tuple[Draft, ...]) -> None:
        if self._queue is None:
            if not questions:
                return
            from ui.composer.queue import QuestionQueue

            self._queue = QuestionQueue(())
            self._queue_place.addWidget(self._queue)
            self._queue.changed.connect(self._on_change)
            self._queue.edit_requested.connect(self.edit_queued)
        self._queue.set_questions(questions)

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
        self._edited_place = None
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
        waits = not self._is_running and self.next_question() is not None
        return (self._has_question() or waits) and not self._is_waiting

    def _has_question(self) -> bool:
        return bool(self.text().strip() or self.chips.attachments())

    def send(self) -> None:
        """Submit the draft, or where it is empty the first question that waits."""
        if self._can_send():
            if not self._has_question():
                self.edit_queued(0)
            draft = self.draft()
            self.submitted.emit(replace(draft, text=draft.text.strip()))

    def _on_change(self) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        can = self._can_send()
        self.send_button.setEnabled(can)
        set_name(self.send_button, self.tr("Send as a new version") if self.is_editing() else self.tr("Send"), "Enter")
        if self._is_waiting:
            self.send_button.setToolTip(self.tr("Reading file…"))
        self.send_button.setIcon(icon("send", "accent_text" if can else "quiet_text"))
        self.update()

    def _fit_height(self) -> None:
        document, line = self.field.document(), self.field.fontMetrics().lineSpacing()
        most = max(line * 3, int(self.window().height() * MAX_WINDOW_SHARE))
        margin, block = round(document.documentMargin()), document.begin()
        # With one margin more, as Qt would scroll otherwise; the first block has that at its top.
        height = 2 * margin
        while block.isValid() and height <= most:
            height += math.ceil(document.documentLayout().blockBoundingRect(block).height())
            block = block.next()
        # A single line is in the middle beside the buttons.
        self.field.setViewportMargins(0, max(0, (BUTTON_SIZE - height + margin) // 2), 0, 0)
        # With ScrollBarAsNeeded the bar appears when a single pixel is missing.
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if height > most else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.field.setVerticalScrollBarPolicy(policy)
        self.field.setFixedHeight(min(height, most) if height - margin > BUTTON_SIZE else BUTTON_SIZE)

    def _show_placeholder(self) -> None:
        placeholder = self.tr("Message… (not saved)") if self._is_temporary else self.tr("Message…")
        if self._is_running:
            placeholder = self.tr("Next question… (sent after this answer)")
        self.field.setPlaceholderText(placeholder)

    def _retranslate(self) -> None:
        self._show_placeholder()
        self.field.setAccessibleName(self.tr("Message"))
        self._edit_label.setText(self.tr("Editing an earlier question. It stays as another version, with all answers."))
        set_name(self._cancel, self.tr("Cancel editing"), "Esc")
        self._cancel.setText(self.tr("Cancel"))
        set_name(self.attach_button, self.tr("Attach files"), "Ctrl+Shift+A")
        self.web_button.setAccessibleName(self.tr("Web search"))
        self.show_web_search(self.web_button.isChecked())
        self.attach_button.setToolTip(self.tr("Attach files (Ctrl+Shift+A), or drop them here"))
        set_name(self.stop_button, self.tr("Stop"), "Esc")
        self._refresh()
