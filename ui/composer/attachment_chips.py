"""Attachments in the composer: chips in lines that wrap, each with the name and size of a text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from app.chat.token_estimate import estimated_tokens
from app.conversation import Attachment
from app.units import grouped, rounded
from ui.widgets.dialog_parts import set_kind
from ui.widgets.icons import set_icon
from ui.widgets.theme import interface_font

SPACING = 6
NAME_WIDTH = 200
SMALL_SIZE = 13


class AttachmentChip(QFrame):
    """One attachment, to be opened or removed."""

    opened = Signal()
    removed = Signal()

    def __init__(self, attachment: Attachment, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("attachmentChip")
        self.attachment = attachment
        self._context = 0
        self._estimate = rounded(estimated_tokens(attachment.content))
        self._open = QToolButton(self)
        self._open.setObjectName("openAttachmentButton")
        self._open.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._open.setIconSize(QSize(16, 16))
        self._open.setFont(interface_font(SMALL_SIZE))
        self._size = QLabel(self)
        self._size.setFont(interface_font(SMALL_SIZE))
        self._warning = QLabel(self)
        set_icon(self._open, "file", size=16)
        set_icon(self._warning, "warning", "warning", 14)
        self._remove = QToolButton(self)
        self._remove.setObjectName("removeAttachmentButton")
        self._remove.setIconSize(QSize(12, 12))
        self._remove.setFixedSize(22, 22)
        set_icon(self._remove, "close", size=12)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 4, 2)
        layout.setSpacing(4)
        layout.addWidget(self._open)
        layout.addWidget(self._warning)
        layout.addWidget(self._size)
        layout.addWidget(self._remove)
        for button in (self._open, self._remove):
            button.setCursor(Qt.CursorShape.PointingHandCursor)
        self._open.clicked.connect(self.opened)
        self._remove.clicked.connect(self.removed)
        self._retranslate()

    def set_attachment(self, attachment: Attachment, context: int) -> None:
        """Show another count of its tokens, and a warning where they exceed ``context``; 0 is unknown."""
        self.attachment, self._context = attachment, context
        self._retranslate()

    def _retranslate(self) -> None:
        """Set all texts."""
        attachment = self.attachment
        name = self.fontMetrics().elidedText(attachment.name, Qt.TextElideMode.ElideMiddle, NAME_WIDTH)
        self._open.setText(name.replace("&", "&&"))
        if attachment.tokens is not None:
            tokens = attachment.tokens
            size = self.tr("{count} tokens").format(count=grouped(tokens))
        else:
            tokens = self._estimate
            size = self.tr("about {count} tokens").format(count=grouped(tokens))
        too_large = 0 < self._context <= tokens
        self._size.setText(size)
        set_kind(self._size, "warning" if too_large else "quiet")
        self._warning.setVisible(too_large)
        tip = f"{attachment.name}\n{size}"
        if too_large:
            tip += "\n" + self.tr(
                "This doesn't fit in the context of {context} tokens. Choose a larger context or attach only "
                "part of the text."
            ).format(context=grouped(self._context))
        self.setToolTip(tip)
        self._open.setAccessibleName(self.tr("Show {name}, {size}").format(name=attachment.name, size=size))
        self._remove.setToolTip(self.tr("Remove"))
        self._remove.setAccessibleName(self.tr("Remove {name}").format(name=attachment.name))
        self.adjustSize()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)


class AttachmentChips(QWidget):
    """All attachments; the widget is as high as its lines."""

    changed = Signal()
    opened = Signal(Attachment)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._chips: list[AttachmentChip] = []
        self._context = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    def attachments(self) -> tuple[Attachment, ...]:
        """Return the attachments in order."""
        return tuple(chip.attachment for chip in self._chips)

    def set_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Replace the attachments."""
        for chip in self._chips:
            chip.hide()
            chip.deleteLater()
        self._chips = []
        for attachment in attachments:
            self._add(attachment)
        self._arrange()

    def add(self, attachment: Attachment) -> None:
        """Add an attachment."""
        self._add(attachment)
        self._arrange()
        self.changed.emit()

    def replace(self, before: Attachment, after: Attachment) -> None:
        """Replace an attachment by its counted version, unless it was removed meanwhile."""
        for chip in self._chips:
            if chip.attachment == before:
                chip.set_attachment(after, self._context)
                self._arrange()
                self.changed.emit()
                return

    def remove(self, attachment: Attachment) -> None:
        """Remove an attachment."""
        chip = next((each for each in self._chips if each.attachment == attachment), None)
        if chip is not None:
            self._remove(chip)

    def set_context(self, tokens: int) -> None:
        """Set the context in tokens; 0 is unknown."""
        if tokens == self._context:
            return
        self._context = tokens
        for chip in self._chips:
            chip.set_attachment(chip.attachment, tokens)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Arrange the chips again, whose texts have other widths."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.LanguageChange, QEvent.Type.FontChange):
            self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the lines."""
        super().resizeEvent(event)
        self._arrange()

    def _add(self, attachment: Attachment) -> None:
        chip = AttachmentChip(attachment, self)
        chip.set_attachment(attachment, self._context)
        chip.opened.connect(lambda: self.opened.emit(chip.attachment))
        chip.removed.connect(lambda: self._remove(chip))
        self._chips.append(chip)
        chip.show()

    def _remove(self, chip: AttachmentChip) -> None:
        self._chips.remove(chip)
        chip.hide()
        # Later: its own button is emitting the signal.
        chip.deleteLater()
        self._arrange()
        self.changed.emit()

    def _arrange(self) -> None:
        x = y = line = 0
        for chip in self._chips:
            size = chip.sizeHint()
            width = min(size.width(), max(80, self.width()))
            if x and x + width > self.width():
                x, y = 0, y + line + SPACING
            chip.setGeometry(x, y, width, size.height())
            x, line = x + width + SPACING, size.height()
        self.setFixedHeight(y + line if self._chips else 0)
        self.setVisible(bool(self._chips))
