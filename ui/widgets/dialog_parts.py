"""What the dialogs are put together from: quiet headings, hairlines, rows, and the line that says how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ui.widgets.theme import interface_font

MARGIN = 24
CONTROL_WIDTH = 220
HEADING_SIZE = 16
SMALL_SIZE = 13

LazyText = Callable[[], str]
"""A text made anew whenever it is shown, so that it follows the language."""


class TranslatedDialog(QDialog):
    """A dialog that words itself anew when the language changes and recolours itself when the theme does."""

    _is_set_up = False

    def _finish_setup(self) -> None:
        """To be called last in ``__init__``: before that there is nothing to word."""
        self._is_set_up = True
        self._retranslate()
        self._recolour()

    def _retranslate(self) -> None:
        raise NotImplementedError

    def _recolour(self) -> None:
        """For what does not take its colours from the style sheet."""

    def changeEvent(self, event: QEvent) -> None:
        """Follow language and theme."""
        if self._is_set_up and event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        elif self._is_set_up and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._recolour()
        super().changeEvent(event)


class BusyDialog(TranslatedDialog):
    """A dialog whose work goes on when the person closes it meanwhile; it comes back when the work fails."""

    _left_with: int | None = None

    def _is_busy(self) -> bool:
        raise NotImplementedError

    def _work_finished(self, *, succeeded: bool) -> None:
        """To be called when the work has ended, after which ``_is_busy`` is false."""
        result, self._left_with = self._left_with, None
        if result is not None and succeeded:
            self.done(result)
        elif result is not None:
            self.open()

    def done(self, result: int) -> None:
        """Close, or only hide while work goes on."""
        if self._is_busy():
            self._left_with = result
            self.hide()
        else:
            super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The same for the window's own button: accepted, it would destroy the dialog."""
        if self._is_busy():
            event.ignore()
            self.done(QDialog.DialogCode.Rejected)
        else:
            super().closeEvent(event)


def heading() -> QLabel:
    """The title of a group."""
    label = QLabel()
    label.setFont(interface_font(HEADING_SIZE, bold=True))
    return label


def quiet_label() -> QLabel:
    """An explanation, smaller and paler than what it explains, as wide as there is room."""
    label = QLabel()
    label.setProperty("quiet", True)
    label.setFont(interface_font(SMALL_SIZE))
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def hairline() -> QFrame:
    """What separates two rows."""
    line = QFrame()
    line.setProperty("hairline", True)
    return line


def button(name: str, *, primary: bool = False, quiet: bool = False) -> QPushButton:
    """A button that Enter presses only where it is the dialog's primary one."""
    made = QPushButton()
    made.setObjectName(name)
    made.setAutoDefault(False)
    made.setDefault(primary)
    if quiet:
        made.setProperty("quiet", True)
    return made


class Row(QWidget):
    """A setting: what it is and what it does at the left, its control at the right, or below where it is wide."""

    def __init__(self, control: QWidget, *, wide: bool = False) -> None:
        super().__init__()
        self.control = control
        self._title = QLabel()
        self._explanation = quiet_label()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(self._explanation)
        words.addStretch(1)
        if wide:
            layout: QHBoxLayout | QVBoxLayout = QVBoxLayout(self)
            layout.setSpacing(8)
            layout.addLayout(words)
            layout.addWidget(control)
        else:
            layout = QHBoxLayout(self)
            layout.setSpacing(MARGIN)
            layout.addLayout(words, 1)
            layout.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        layout.setContentsMargins(0, 12, 0, 12)

    def set_texts(self, title: str, explanation: str = "") -> None:
        """Word the row; the control gets the same words for those who cannot see it."""
        self._title.setText(title)
        self._explanation.setText(explanation)
        self._explanation.setVisible(bool(explanation))
        named = self.control.focusProxy() or self.control
        if not isinstance(named, QPushButton):
            named.setAccessibleName(title)
        named.setAccessibleDescription(explanation)


class ChoiceOrNumber(QWidget):
    """A few choices with words, such as "Automatic", or a number."""

    changed = Signal(int)

    def __init__(self, choices: Sequence[int], usual: int, least: int, most: int, step: int) -> None:
        super().__init__()
        self.choice = QComboBox()
        self.number = QSpinBox()
        self.number.setRange(least, most)
        self.number.setSingleStep(step)
        self.number.setValue(usual)
        self.number.setKeyboardTracking(False)
        indent(self.number)
        for value in choices:
            self.choice.addItem("", value)
        self.choice.addItem("", None)
        for each in (self.choice, self.number):
            wheel_only_with_focus(each)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.choice, 1)
        layout.addWidget(self.number, 1)
        self.setFocusProxy(self.choice)
        self.setFixedWidth(CONTROL_WIDTH)
        self.number.hide()
        self.choice.currentIndexChanged.connect(self._chosen)
        self.number.valueChanged.connect(self._counted)

    def set_texts(self, choices: Sequence[str], number: str, unit: str) -> None:
        """Word the choices, the one that takes a number, and what the number counts."""
        for index, text in enumerate((*choices, number)):
            self.choice.setItemText(index, text)
        self.number.setAccessibleName(unit)

    def value(self) -> int:
        """The value of the choice, or the number."""
        chosen = self.choice.currentData()
        return self.number.value() if chosen is None else chosen

    def set_value(self, value: int) -> None:
        """Show a value without telling of it."""
        self.choice.blockSignals(True)
        self.number.blockSignals(True)
        index = next((at for at in range(self.choice.count() - 1) if self.choice.itemData(at) == value), -1)
        self.choice.setCurrentIndex(index if index >= 0 else self.choice.count() - 1)
        if index < 0:
            self.number.setValue(value)
        self.number.setVisible(index < 0)
        self.choice.blockSignals(False)
        self.number.blockSignals(False)

    def _chosen(self) -> None:
        self.number.setVisible(self.choice.currentData() is None)
        self.changed.emit(self.value())

    def _counted(self) -> None:
        if self.choice.currentData() is None:
            self.changed.emit(self.number.value())


def set_style_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet selects by; it is evaluated only when a widget is polished."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def set_kind(widget: QWidget, kind: str) -> None:
    """Colour a text; ``kind`` is ``quiet``, ``good``, ``warning``, ``bad`` or empty for normal text."""
    for each in ("quiet", "good", "warning", "bad"):
        set_style_property(widget, each, each == kind)


class StatusLine(QWidget):
    """Result of the last action as one sentence, with at most one button."""

    def __init__(self, name: str, *, hide_when_empty: bool = False) -> None:
        super().__init__()
        self._hide_when_empty = hide_when_empty
        self.label = QLabel()
        self.label.setObjectName(name)
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # A long path must not make the dialog wider than the screen.
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.action = button(f"{name}Action")
        self.action.clicked.connect(self._act)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.action)
        self._text: LazyText | None = None
        self._action_text: LazyText | None = None
        self._do: Callable[[], None] | None = None
        self.clear()

    def show_message(
        self,
        text: LazyText,
        kind: str = "quiet",
        action: tuple[LazyText, Callable[[], None]] | None = None,
    ) -> None:
        """Show a sentence; ``kind`` is ``quiet``, ``good``, ``warning`` or ``bad``."""
        self._text = text
        self._action_text, self._do = action if action is not None else (None, None)
        set_kind(self.label, kind)
        self.action.setVisible(action is not None)
        self.retranslate()
        if self._hide_when_empty:
            self.show()

    def clear(self) -> None:
        """Show nothing."""
        self.label.clear()
        self.action.hide()
        self._text = self._action_text = self._do = None
        if self._hide_when_empty:
            self.hide()

    def retranslate(self) -> None:
        """Say the same in the language of now."""
        if self._text is not None:
            self.label.setText(self._text())
            self.label.setAccessibleName(self.label.text())
        if self._action_text is not None:
            self.action.setText(self._action_text())

    def _act(self) -> None:
        if self._do is not None:
            self._do()


def indent(number: QAbstractSpinBox) -> None:
    """Let a number begin where the text of other controls does; the style sheet's padding does not reach it."""
    number.lineEdit().setTextMargins(6, 0, 0, 0)


class _WheelFilter(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def wheel_only_with_focus(control: QWidget) -> None:
    """Let the wheel scroll the page over a control, not change the control's value in passing."""
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    control.installEventFilter(_WheelFilter(control))


def show_dialog(dialog: QDialog) -> None:
    """Open a dialog over its parent; it is gone once it is closed."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def documents_folder() -> Path:
    """Where a person looks for what they saved."""
    found = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(found) if found and Path(found).is_dir() else Path.home()


def open_folder(folder: Path) -> bool:
    """Show a folder in the desktop's file manager; false where it has none."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


class _Question(QMessageBox):
    """Message box with two buttons that calls ``accepted_action`` after the first."""

    accepted_action: Callable[[], None] | None = None

    def handle_click(self, pressed: QAbstractButton) -> None:
        action, self.accepted_action = self.accepted_action, None
        if action is not None and pressed.objectName() == "agreeButton":
            action()


def confirm(
    parent: QWidget,
    title: str,
    question: str,
    details: str,
    yes: str,
    no: str,
    accepted: Callable[[], None],
    *,
    danger: bool = True,
) -> QMessageBox:
    """Open a question over ``parent`` and call ``accepted`` for the answer ``yes``; ``no`` is the default."""
    box = _Question(parent)
    box.setWindowTitle(title)
    box.setAccessibleName(question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(details)
    agree = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    agree.setObjectName("agreeButton")
    set_style_property(agree, "danger", danger)
    keep = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    box.accepted_action = accepted
    box.buttonClicked.connect(box.handle_click)
    show_dialog(box)
    return box


class _FileDialog(QFileDialog):
    picked = Signal(object)
    """A ``Path``, for each file."""

    def tell(self, paths: list[str]) -> None:
        for path in paths:
            self.picked.emit(Path(path))


def ask_for_file(
    parent: QWidget, title: str, kinds: str, chosen: Callable[[Path], None], *, save_as: Path | None = None
) -> None:
    """Open the desktop's file dialog over ``parent`` and call ``chosen`` with each file; it does not block.

    With ``save_as`` a file to write is asked for, and that path proposed.  ``chosen`` is to be a method: a function
    that holds ``parent`` could destroy it with the file dialog that is its child.
    """
    dialog = _FileDialog(parent, title, str(documents_folder()), kinds)
    dialog.setObjectName("fileDialog")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if save_as is None:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    else:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDirectory(str(save_as.parent))
        dialog.selectFile(save_as.name)
    dialog.filesSelected.connect(dialog.tell)
    dialog.picked.connect(chosen)
    dialog.open()


def ask_for_folder(parent: QWidget, title: str, chosen: Callable[[Path], None]) -> None:
    """Open the desktop's folder dialog over ``parent`` and call ``chosen``, a method, with the folder."""
    dialog = _FileDialog(parent, title, str(documents_folder()))
    dialog.setObjectName("folderDialog")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.filesSelected.connect(dialog.tell)
    dialog.picked.connect(chosen)
    dialog.open()
