"""Parts of dialogs: base classes, frame, headings, rows of settings, status line, and questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QCloseEvent, QIcon, QResizeEvent, QTextLayout
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from model_manager.errors import UserError
from ui.widgets.announcement import announce
from ui.widgets.error_text import error_text
from ui.widgets.job import Job
from ui.widgets.layouts import CENTRE, LEFT, MAX_WIDGET_SIZE, RIGHT, forget_items, hbox, vbox
from ui.widgets.theme import interface_font
from ui.widgets.tool_button import PushButton, name_choice

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMessageBox

MARGIN = 24
HEADING_SIZE = 16
SMALL_SIZE = 13
NAME_WIDTH = 400
"""Of the dialog that asks for a name."""
TEXT_WIDTH = 160
"""Of a setting beside its control, at least; with less room the control is below."""


class BusyDialog(QDialog):
    """Dialog with a job; closed during the job it is only hidden, and shown again if the job fails."""

    status: StatusLine

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        """The running job; subclasses set it."""
        self._pending_result: int | None = None

    def _is_busy(self) -> bool:
        return self._job is not None

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self.status.show_message(self.tr("Stopping…"))

    def _work_finished(self, *, succeeded: bool) -> None:
        """To be called when the work has finished and ``_is_busy`` returns false."""
        result, self._pending_result = self._pending_result, None
        if result is not None and succeeded:
            self.done(result)
        elif result is not None:
            self.open()

    def done(self, result: int) -> None:
        """Close, or hide while work is running."""
        if self._is_busy():
            self._pending_result = result
            self.hide()
        else:
            super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Do the same for the window's close button: an accepted event would destroy the dialog."""
        if self._is_busy():
            event.ignore()
            self.done(QDialog.DialogCode.Rejected)
        else:
            super().closeEvent(event)


def heading(text: str = "") -> QLabel:
    """Return a label for the title of a group."""
    label = QLabel(text)
    label.setFont(interface_font(HEADING_SIZE, bold=True))
    return label


def quiet_label(text: str = "") -> QLabel:
    """Return a label for an explanation: small, pale, and wrapped at the available width."""
    label = QLabel(text)
    label.setProperty("quiet", True)
    label.setFont(interface_font(SMALL_SIZE))
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def paragraph(text: str = "") -> QLabel:
    """Return a label for plain text that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def line_edit(name: str, label: str, placeholder: str = "", *, is_secret: bool = False) -> QLineEdit:
    """Return a text field; ``label`` is its accessible name."""
    field = QLineEdit()
    field.setObjectName(name)
    field.setAccessibleName(label)
    field.setPlaceholderText(placeholder)
    if is_secret:
        field.setEchoMode(QLineEdit.EchoMode.Password)
    return field


def hairline() -> QFrame:
    """Return a line between two rows."""
    line = QFrame()
    line.setProperty("hairline", True)
    return line


def button(name: str, text: str = "", *, primary: bool = False, quiet: bool = False) -> QPushButton:
    """Return a button; Enter presses the ``primary`` one of a dialog where no other one has the focus."""
    made = PushButton(text)
    made.setObjectName(name)
    made.setAutoDefault(False)
    made.setDefault(primary)
    if quiet:
        made.setProperty("quiet", True)
    return made


class Row(QWidget):
    """Row of a setting: title and explanation at the left, control at the right, or below where it is ``wide``.

    The control is below in a narrow row, too.  A ``compact`` row has its explanation as a tool tip, and a control below
    takes the whole width.
    """

    def __init__(
        self, control: QWidget, title: str = "", explanation: str = "", *, wide: bool = False, compact: bool = False
    ) -> None:
        super().__init__()
        self.control, self._is_compact = control, compact
        self.title = paragraph()
        self.explanation = quiet_label()
        texts = vbox(None, self.title, self.explanation, None, spacing=2)
        margin = 6 if compact else 12
        if wide and compact:
            control.setMinimumWidth(0)
            control.setMaximumWidth(MAX_WIDGET_SIZE)
        self._line: QBoxLayout | None = None
        if wide:
            vbox(texts, control, parent=self, spacing=margin - 4, margins=(0, margin, 0, margin))
        else:
            items = (texts, 1), (control, 0, CENTRE | RIGHT)
            self._line = hbox(*items, parent=self, margins=(0, margin, 0, margin))
        self._spacing = 2 * margin
        self.set_texts(title, explanation)

    def minimumSizeHint(self) -> QSize:
        """Return the size with the control below the texts."""
        hint = super().minimumSizeHint()
        if self._line is None:
            return hint
        widths = [item.minimumSize().width() for place in range(2) if (item := self._line.itemAt(place)) is not None]
        forget_items(self._line)
        return QSize(max(widths), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move the control below the texts, or beside them."""
        super().resizeEvent(event)
        if self._line is not None:
            is_narrow = self.width() < self.control.sizeHint().width() + TEXT_WIDTH
            vertical, horizontal = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
            self._line.setDirection(vertical if is_narrow else horizontal)
            self._line.setSpacing(self._spacing // 3 if is_narrow else self._spacing)
            self._line.setAlignment(self.control, LEFT if is_narrow else CENTRE | RIGHT)

    def set_texts(self, title: str, explanation: str = "") -> None:
        """Set the texts of the row, which are also the accessible texts of the control."""
        self.title.setText(title)
        self.explanation.setText(explanation)
        self.explanation.setVisible(bool(explanation) and not self._is_compact)
        self.setToolTip(explanation if self._is_compact else "")
        named = self.control.focusProxy() or self.control
        if isinstance(named, QComboBox):
            name_choice(named, title)
        elif not isinstance(named, QPushButton):
            named.setAccessibleName(title)
        named.setAccessibleDescription(explanation)


def set_style_property(widget: QWidget, **properties: object) -> None:
    """Set properties that the style sheet selects by; they are evaluated only when a widget is polished."""
    if any(widget.property(name) != value for name, value in properties.items()):
        for name, value in properties.items():
            widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def align_first_lines(*labels: QLabel) -> None:
    """Give labels at the top of one row a common baseline: a line with Chinese characters is higher."""
    ascents = [_ascent(each) for each in labels]
    for each, ascent in zip(labels, ascents, strict=True):
        each.setContentsMargins(0, round(max(ascents) - ascent), 0, 0)


def _ascent(label: QLabel) -> float:
    """Return the height of the first line of a label above its baseline."""
    layout = QTextLayout(label.text().partition("\n")[0], label.font())
    layout.beginLayout()
    line = layout.createLine()
    layout.endLayout()
    return line.ascent() if line.isValid() else 0.0


def set_kind(widget: QWidget, kind: str) -> None:
    """Colour a text; ``kind`` is ``quiet``, ``good``, ``warning``, ``bad`` or empty for normal text."""
    set_style_property(widget, **{each: each == kind for each in ("quiet", "good", "warning", "bad")})


class StatusLine(QWidget):
    """Result of the last action as one sentence, with at most one button beside it, or below it if ``centred``."""

    def __init__(self, name: str, *, hide_when_empty: bool = False, centred: bool = False) -> None:
        super().__init__()
        self._hide_when_empty = hide_when_empty
        self.label = paragraph()
        self.label.setObjectName(name)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # A long path must not make the dialog wider than the screen.
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.action = button(f"{name}Action")
        self.action.clicked.connect(self._act)
        if centred:
            self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            vbox(self.label, (self.action, 0, Qt.AlignmentFlag.AlignHCenter), parent=self, spacing=16)
        else:
            hbox((self.label, 1), self.action, parent=self, spacing=8)
        self._do: Callable[[], object] | None = None
        self.clear()

    def show_message(
        self, text: str, kind: str = "quiet", action: tuple[str, Callable[[], object]] | None = None
    ) -> None:
        """Show a sentence; ``kind`` is ``quiet``, ``good``, ``warning`` or ``bad``."""
        label, self._do = action if action is not None else ("", None)
        set_kind(self.label, kind)
        is_new = text != self.label.text()
        self.label.setText(text)
        self.label.setAccessibleName(text)
        self.action.setText(label)
        self._show_action(action is not None)
        if self._hide_when_empty:
            self.show()
        if is_new:
            announce(self.label, text)

    def show_error(self, error: UserError) -> None:
        """Show what happened and what to do."""
        self.show_message(error_text(error), "bad")

    def attempt(self, action: Callable[[], object]) -> bool:
        """Call ``action``, and show its error or remove the message; return whether it succeeded."""
        try:
            action()
        except UserError as error:
            self.show_error(error)
            return False
        self.clear()
        return True

    def clear(self) -> None:
        """Remove the message."""
        self.label.clear()
        self._show_action(False)
        self._do = None
        if self._hide_when_empty:
            self.hide()

    def _show_action(self, is_shown: bool) -> None:
        if self.action.hasFocus() and not is_shown:
            # Qt would give the focus to the next part of the window.
            self.focusPreviousChild()
        self.action.setVisible(is_shown)

    def _act(self) -> None:
        if self._do is not None:
            self._do()


class _ScrollArea(QScrollArea):
    """Shows what gets the focus also where that comes from outside, which Qt does for steps within an area only."""

    def __init__(self) -> None:
        super().__init__()
        QApplication.instance().focusChanged.connect(self._show_focused)  # type: ignore[union-attr]

    def minimumSizeHint(self) -> QSize:
        """Return a size in which the page can be seen in its whole width."""
        hint, page = super().minimumSizeHint(), self.widget()
        width = 0 if page is None else page.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(max(hint.width(), width), hint.height())

    def _show_focused(self, _before: QWidget | None, now: QWidget | None) -> None:
        page = self.widget()
        if page is not None and now is not None and page.isAncestorOf(now) and now.visibleRegion().isEmpty():
            self.ensureWidgetVisible(now)


def scrolled(page: QWidget) -> QScrollArea:
    """Return a vertical scroll area without a frame around ``page``."""
    scroll = _ScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(page)
    return scroll


def arrange(dialog: QWidget, body: QWidget | QLayout, *foot: QWidget | None) -> None:
    """Put the body over the foot, in which None is a stretch; a status line stretches too."""
    has_status = any(isinstance(each, StatusLine) for each in foot)
    items = [(each, 1) if isinstance(each, StatusLine) else each for each in foot]
    row = hbox(*items, spacing=16 if has_status else 8, margins=(MARGIN, 12, MARGIN, 12))
    vbox((body, 1), hairline(), row, parent=dialog)


def resize_within_screen(window: QWidget, width: int, height: int) -> None:
    """Resize a window or dialog; it becomes at most as large as its screen, apart from a margin for its frame."""
    room = window.screen().availableGeometry()
    window.resize(min(width, room.width() - 40), min(height, room.height() - 60))


def fit_height(dialog: QWidget, width: int) -> None:
    """Give a dialog this width and the height of its texts: a layout does not do that for wrapped labels."""
    layout = dialog.layout()
    assert layout is not None
    layout.activate()
    dialog.resize(width, layout.totalHeightForWidth(width))


def show_dialog(dialog: QDialog) -> None:
    """Open a dialog over its parent; it is deleted when it is closed."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def ask_for_name(
    parent: QWidget,
    object_name: str,
    title: str,
    label: str,
    name: str,
    buttons: tuple[str, str],
    done: Callable[[str], object],
) -> QDialog:
    """Open a dialog with a name, and call ``done`` with the new one; ``buttons`` are to save and to cancel."""
    from PySide6.QtWidgets import QInputDialog

    dialog = QInputDialog(parent)
    dialog.setObjectName(object_name)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setTextValue(name)
    dialog.setOkButtonText(buttons[0])
    dialog.setCancelButtonText(buttons[1])
    for each in dialog.findChildren(QPushButton):
        each.setIcon(QIcon())
    dialog.resize(NAME_WIDTH, dialog.sizeHint().height())
    dialog.textValueSelected.connect(done)
    show_dialog(dialog)
    return dialog


def ask(
    parent: QWidget,
    name: str,
    title: str,
    question: str,
    details: str,
    accept: tuple[str, str],
    cancel: str,
    on_accept: Callable[[], object],
    *,
    is_destructive: bool = False,
    discard: tuple[str, str, Callable[[], object]] | None = None,
    check_box: QCheckBox | None = None,
) -> QMessageBox:
    """Open a question over ``parent`` and call ``on_accept`` where it is accepted.

    ``name`` is the object name of the box.  ``accept`` is the object name and the label of the button that accepts;
    those of a destructive action are red, and Cancel is the default.  ``discard`` is a third button with its action.
    """
    # Imported where it is needed, as its types would delay the window.
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox(parent)
    box.setObjectName(name)
    box.setWindowTitle(title)
    box.setAccessibleName(question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(details)
    accept_button = box.addButton(accept[1], QMessageBox.ButtonRole.AcceptRole)
    accept_button.setObjectName(accept[0])
    accept_button.clicked.connect(lambda: on_accept())
    set_style_property(accept_button, danger=is_destructive)
    if discard is not None:
        # Beside the other red button: "Cancel" would be between them.
        role = QMessageBox.ButtonRole.NoRole if is_destructive else QMessageBox.ButtonRole.DestructiveRole
        discard_button = box.addButton(discard[1], role)
        discard_button.setObjectName(discard[0])
        discard_button.clicked.connect(lambda: discard[2]())
        set_style_property(discard_button, danger=is_destructive)
    cancel_button = box.addButton(cancel, QMessageBox.ButtonRole.RejectRole)
    if check_box is not None:
        # Before the layout, which Qt makes again with it.
        box.setCheckBox(check_box)
    layout = box.layout()
    assert isinstance(layout, QGridLayout)
    layout.setContentsMargins(MARGIN, 20, MARGIN, 16)
    # The first column is for an icon.
    layout.setHorizontalSpacing(0)
    layout.setColumnStretch(1, 1)
    if (indent := layout.itemAtPosition(0, 0)) is not None and (spacer := indent.spacerItem()) is not None:
        spacer.changeSize(0, 0, QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    forget_items(layout)
    layout.setVerticalSpacing(16)
    box.setDefaultButton(cancel_button if is_destructive else accept_button)
    box.setEscapeButton(cancel_button)
    show_dialog(box)
    return box
