"""Attachments in the composer: chips in lines that wrap, each with the name and size of a text or document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QImageWriter, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.units import grouped, rounded
from model_manager.errors import UserError
from ui.widgets.dialog_parts import SMALL_SIZE, set_kind
from ui.widgets.job import Job
from ui.widgets.layouts import hbox
from ui.widgets.theme import interface_font
from ui.widgets.tool_button import set_name, tool_button
from ui.widgets.translated import TranslatedWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.conversation import Attachment, Picture
    from model_manager.cancellation import CancelToken
    from ui.pictures.thumbnails import Thumbnails

SPACING = 6
FAST = 10
"""Compression of a picture that is encoded again elsewhere, of 100."""
THUMBNAIL = 36
"""Largest side of the thumbnail of a picture."""
NAME_WIDTH, LEAST_NAME_WIDTH, WIDEST = 200, 72, 4096


class _Chip(TranslatedWidget):
    """Name and state of a file, with a button that removes it."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("attachmentChip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.name, self._state, self._room = name, "", WIDEST
        self.open_button = tool_button("openAttachmentButton", "file", size=16, with_text=True)
        self._size = QLabel()
        self._size.setProperty("quiet", True)
        for widget in (self.open_button, self._size):
            widget.setFont(interface_font(SMALL_SIZE))
        self.remove_button = tool_button("removeAttachmentButton", "close", size=12)
        self.remove_button.setFixedSize(22, 22)
        items = self.open_button, self._size, self.remove_button
        hbox(*items, parent=self, spacing=4, margins=(2, 2, 4, 2))

    def fit(self, width: int) -> None:
        """Shorten the name, and then the state, to a width."""
        if width != self._room:
            self._room = width
            self._show(self._state)

    def _show(self, state: str) -> None:
        self._state = state
        metrics = self._size.fontMetrics()
        self._set_texts(NAME_WIDTH, state)
        excess = self.sizeHint().width() - self._room
        if excess > 0:
            name_width = max(LEAST_NAME_WIDTH, min(NAME_WIDTH, metrics.horizontalAdvance(self.name)) - excess)
            self._set_texts(name_width, state)
            state_width = metrics.horizontalAdvance(state) - max(0, self.sizeHint().width() - self._room)
            self._size.setText(metrics.elidedText(state, Qt.TextElideMode.ElideRight, max(0, state_width)))
        set_name(self.remove_button, self.tr("Remove {name}").format(name=self.name))
        self.adjustSize()

    def _set_texts(self, name_width: int, state: str) -> None:
        name = self.fontMetrics().elidedText(self.name, Qt.TextElideMode.ElideMiddle, name_width)
        self.open_button.setText(name.replace("&", "&&"))
        self._size.setText(state)


class ReadingChip(_Chip):
    """A file that is being read."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self.open_button.setEnabled(False)
        self._share = 0.0
        self._retranslate()

    def set_share(self, share: float) -> None:
        """Show the share that was read."""
        self._share = share
        self._retranslate()

    def _retranslate(self) -> None:
        self._show(self.tr("reading, {percent}%").format(percent=round(self._share * 100)))
        self.setToolTip(self.tr("Reading {name}. Remove it to cancel.").format(name=self.name))
        self.setAccessibleName(self.toolTip())


class AttachmentChip(_Chip):
    """One attachment, to be opened or removed."""

    def __init__(self, attachment: Attachment, parent: QWidget) -> None:
        from app.chat.token_estimate import estimated_picture_tokens, estimated_tokens
        from app.documents.passages import page_count

        super().__init__(attachment.name, parent)
        picture = attachment.picture
        if picture is not None:
            self._estimate, self._pages = estimated_picture_tokens(picture.width, picture.height), 0
            from ui.pictures.thumbnails import Thumbnails

            thumbnails = Thumbnails(self)
            thumbnails.ready.connect(partial(self._show_thumbnail, thumbnails, picture))
            self._show_thumbnail(thumbnails, picture)
        else:
            self._estimate = rounded(estimated_tokens(attachment.content))
            self._pages = page_count(attachment.content)
        self._fits = self._is_read = True
        self._share: float | None = None
        self.set_attachment(attachment)

    @property
    def tokens(self) -> int:
        """Its tokens, counted or estimated."""
        return self._estimate if self.attachment.tokens is None else self.attachment.tokens

    def set_attachment(self, attachment: Attachment) -> None:
        """Show another count of its tokens."""
        self.attachment = attachment
        self._retranslate()

    def set_fits(self, fits: bool) -> None:
        """Show whether it fits beside the conversation as a whole."""
        if fits != self._fits:
            self._fits = fits
            self._retranslate()

    def set_read(self, is_read: bool) -> None:
        """Show whether the model reads pictures."""
        if is_read != self._is_read:
            self._is_read = is_read
            self._retranslate()

    def _show_thumbnail(self, thumbnails: Thumbnails, picture: Picture) -> None:
        from ui.pictures.thumbnails import fitted

        size = fitted(picture, THUMBNAIL, THUMBNAIL)
        pixmap = thumbnails.pixmap(picture, size, self.devicePixelRatioF())
        self.open_button.setIconSize(QSize(THUMBNAIL + SPACING, THUMBNAIL))
        if pixmap is not None and not pixmap.isNull():
            # A button leaves hardly a gap between icon and text.
            ratio = pixmap.devicePixelRatio()
            framed = QPixmap(round((THUMBNAIL + SPACING) * ratio), round(THUMBNAIL * ratio))
            framed.setDevicePixelRatio(ratio)
            framed.fill(Qt.GlobalColor.transparent)
            painter = QPainter(framed)
            left, top = (THUMBNAIL - pixmap.width() / ratio) / 2, (THUMBNAIL - pixmap.height() / ratio) / 2
            painter.drawPixmap(QPointF(left, top), pixmap)
            painter.end()
            self.open_button.setIcon(QIcon(framed))

    def set_share(self, share: float) -> None:
        """Show the share of the passages that the embedding model has read."""
        self._share = share
        self._retranslate()

    def finish_passages(self) -> None:
        """Stop showing it."""
        self._share = None
        self._retranslate()

    def _retranslate(self) -> None:
        attachment = self.attachment
        if attachment.picture is not None:
            self._describe_picture(attachment.picture)
            return
        size = self.tr("about {count} tokens") if attachment.tokens is None else self.tr("{count} tokens")
        size = size.format(count=grouped(self.tokens))
        if self._pages:
            pages = (
                self.tr("1 page") if self._pages == 1 else self.tr("{count} pages").format(count=grouped(self._pages))
            )
            size = f"{pages} · {size}"
        tip = f"{attachment.name}\n{size}"
        if not self._fits:
            size = self.tr("{size} · passages only").format(size=size)
            if self._share is not None:
                size += f" · {round(self._share * 100)}%"
            tip += "\n" + self.tr(
                "The attachments don't fit in the context beside the conversation. For each question the model is "
                "given the passages that best match it. Choose a larger context to give it everything."
            )
            if self._share is not None:
                tip += "\n" + self.tr("The embedding model is reading the passages: {percent}%.").format(
                    percent=round(self._share * 100)
                )
        self.setToolTip(f"{tip}\n{self.tr('Click to see what the model reads.')}")
        self.open_button.setAccessibleName(self.tr("Show {name}, {size}").format(name=attachment.name, size=size))
        self._show(size)

    def _describe_picture(self, picture: Picture) -> None:
        size = self.tr("{width} × {height}").format(width=grouped(picture.width), height=grouped(picture.height))
        tokens = self.tr("about {count} tokens").format(count=grouped(self.tokens))
        tip = f"{self.attachment.name}\n{size} · {tokens}"
        if not self._is_read:
            size = self.tr("not read by this model")
        set_kind(self._size, "quiet" if self._is_read else "warning")
        if not self._is_read:
            tip += "\n" + self.tr("The selected model doesn't read pictures. Choose one that does.")
        self.setToolTip(tip)
        self.open_button.setAccessibleName(self.tr("Show {name}, {size}").format(name=self.attachment.name, size=size))
        self._show(size)


class AttachmentChips(QWidget):
    """All attachments; the widget is as high as its lines."""

    changed = Signal()
    opened = Signal(object)
    """An ``Attachment``."""
    passages_needed = Signal(AttachmentChip)
    """An attachment doesn't fit as a whole, for the first time."""
    arrived = Signal(object)
    """A file was read; its ``Attachment`` isn't added yet."""
    failed = Signal(UserError)
    """A file can't be read."""
    reading_changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._chips: list[AttachmentChip] = []
        self._reading: list[ReadingChip] = []
        self._in_passages: list[AttachmentChip] = []
        self._room: int | None = None
        self._are_pictures_read = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    def attachments(self) -> tuple[Attachment, ...]:
        """Return the attachments in order."""
        return tuple(chip.attachment for chip in self._chips)

    def names(self) -> set[str]:
        """Return the names of the attachments, also of those that are being read."""
        return {chip.name for chip in (*self._chips, *self._reading)}

    def set_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Replace the attachments, without ``changed``."""
        for chip in self._chips:
            self._drop(chip)
        self._chips = [self._chip(attachment) for attachment in attachments]
        self._arrange()

    def add(self, attachment: Attachment) -> None:
        """Add an attachment."""
        self._chips.append(self._chip(attachment))
        self._arrange()
        self.changed.emit()

    def replace(self, before: Attachment, after: Attachment) -> None:
        """Replace an attachment by its counted version, unless it was removed meanwhile."""
        for chip in self._chips:
            if chip.attachment == before:
                chip.set_attachment(after)
                self._arrange()
                self.changed.emit()

    def remove(self, attachment: Attachment) -> None:
        """Remove an attachment."""
        for chip in self._chips:
            if chip.attachment == attachment:
                self._drop(chip)
        self._chips = [chip for chip in self._chips if chip.attachment != attachment]
        self._arrange()
        self.changed.emit()

    def read(self, path: Path) -> None:
        """Read a text file, a document or a picture; its chip shows the progress, and removing that cancels it."""
        from app.documents.attachments import clean_name, read_attachment

        self._read(clean_name(path.name), lambda token, report: read_attachment(path, token, report))

    def read_picture(self, image: QImage, name: str) -> None:
        """Make a picture of the clipboard an attachment."""

        def read(token: CancelToken, _report: Callable[[float], object]) -> Attachment:
            from app.documents.pictures import read_picture

            return read_picture(_png(image), name, token)

        self._read(name, read)

    def _read(self, name: str, read: Callable[[CancelToken, Callable[[float], object]], Attachment]) -> None:
        job, chip = Job(self), ReadingChip(name, self)
        self._reading.append(chip)
        chip.show()
        self._arrange()
        self.reading_changed.emit()
        job.progress.connect(chip.set_share)
        job.succeeded.connect(partial(self._finish_reading, chip))
        job.failed.connect(self.failed)
        job.finished.connect(partial(self._finish_reading, chip, None))
        chip.remove_button.clicked.connect(job.cancel)
        chip.remove_button.clicked.connect(lambda: self._finish_reading(chip, None))
        job.start(lambda: read(job.token, job.report))

    def _finish_reading(self, chip: ReadingChip, attachment: Attachment | None) -> None:
        # The chip may have been removed at the last moment.
        if chip in self._reading:
            self._reading.remove(chip)
            self._drop(chip)
            self._arrange()
            if attachment is not None:
                self.arrived.emit(attachment)
            self.reading_changed.emit()

    @property
    def is_reading(self) -> bool:
        """Whether a file is being read."""
        return bool(self._reading)

    @property
    def tokens(self) -> int:
        """Tokens of all attachments, counted or estimated."""
        return sum(chip.tokens for chip in self._chips)

    @property
    def has_pictures(self) -> bool:
        """Whether there are pictures."""
        return any(chip.attachment.picture is not None for chip in self._chips)

    def set_pictures_read(self, are_read: bool) -> None:
        """Show whether the selected model reads pictures."""
        if are_read != self._are_pictures_read:
            self._are_pictures_read = are_read
            self._arrange()

    def set_room(self, tokens: int | None) -> None:
        """Set the tokens that the conversation leaves for all attachments; None if that is unknown."""
        if tokens != self._room:
            self._room = tokens
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

    def _chip(self, attachment: Attachment) -> AttachmentChip:
        chip = AttachmentChip(attachment, self)
        chip.open_button.clicked.connect(lambda: self.opened.emit(chip.attachment))
        chip.remove_button.clicked.connect(lambda: self.remove(chip.attachment))
        chip.show()
        return chip

    def _drop(self, chip: QWidget) -> None:
        chip.hide()
        if chip in self._in_passages:
            self._in_passages.remove(chip)
        # Later: its own button may be emitting the signal.
        chip.deleteLater()

    def _arrange(self) -> None:
        x = y = line = 0
        fits = self._room is None or self.tokens <= self._room
        for chip in self._chips:
            if chip.attachment.picture is not None:
                chip.set_read(self._are_pictures_read)
                continue
            chip.set_fits(fits)
            if not fits and chip not in self._in_passages:
                self._in_passages.append(chip)
                self.passages_needed.emit(chip)
        lines: list[list[_Chip]] = [[]]
        for each in (*self._chips, *self._reading):
            each.fit(max(LEAST_NAME_WIDTH, self.width()))
            width = min(each.sizeHint().width(), self.width())
            if x and x + width > self.width():
                x = 0
                lines.append([])
            each.setGeometry(x, 0, width, each.sizeHint().height())
            lines[-1].append(each)
            x += width + SPACING
        for chips in lines:
            y, line = y + line + (SPACING if line else 0), max((each.height() for each in chips), default=0)
            for each in chips:
                # A picture is higher than a file.
                each.move(each.x(), y + (line - each.height()) // 2)
        self.setFixedHeight(y + line)
        self.setVisible(bool(self._chips or self._reading))


def _png(image: QImage) -> bytes:
    """Return an image as a PNG file."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"png"))
    writer.setCompression(FAST)
    writer.write(image)
    return bytes(content.data())
