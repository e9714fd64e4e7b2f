"""Row of the diagnostics dialog: icon, name, result and remedy."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.doctor.diagnostic import Diagnostic, State
from app.doctor.report import name_text, remedy_text, value_text
from ui.widgets.dialog_parts import quiet_label
from ui.widgets.icons import icon, pixmap
from ui.widgets.theme import current_theme, mono_font

NAME_WIDTH = 168
ICON_SIZE = 16
COMMAND_SIZE = 13
BREAK = "\u200b"
"""Zero-width space, where a long path can be wrapped."""


class ResultRow(QWidget):
    """One result."""

    copied = Signal(str)
    """The command copied to the clipboard."""

    def __init__(self, result: Diagnostic, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.result = result
        self._is_narrow: bool | None = None
        self._icon = QLabel()
        self._icon.setFixedSize(ICON_SIZE, 20)
        self._name = QLabel()
        self._name.setProperty("quiet", True)
        self._name.setWordWrap(True)
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._value = _wrapping()
        self._remedy = quiet_label()
        self.command = QFrame()
        self.command.setObjectName("doctorCommand")
        self._command_text = QLabel(result.command)
        self._command_text.setFont(mono_font(COMMAND_SIZE))
        self._command_text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.copy = QToolButton()
        self.copy.setObjectName("copyCommandButton")
        self.copy.setIconSize(QSize(16, 16))
        self.copy.clicked.connect(self._copy)
        line = QHBoxLayout(self.command)
        line.setContentsMargins(12, 2, 4, 2)
        line.setSpacing(8)
        line.addWidget(self._command_text, 1)
        line.addWidget(self.copy)
        self._texts = QVBoxLayout()
        self._texts.setSpacing(4)
        self._texts.addWidget(self._value)
        self._texts.addWidget(self._remedy)
        self._texts.addWidget(self.command)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 8, 0, 8)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.addWidget(self._icon, 0, 0, Qt.AlignmentFlag.AlignTop)
        self.set_narrow(narrow=False)
        self.retranslate()
        self.recolour()

    def set_narrow(self, *, narrow: bool) -> None:
        """Show the value below the name or beside it."""
        if narrow == self._is_narrow:
            return
        self._is_narrow = narrow
        self._grid.removeWidget(self._name)
        self._grid.removeItem(self._texts)
        self._name.setMinimumWidth(0 if narrow else NAME_WIDTH)
        self._name.setMaximumWidth(16_777_215 if narrow else NAME_WIDTH)
        self._grid.addWidget(self._name, 0, 1, Qt.AlignmentFlag.AlignTop)
        self._grid.addLayout(self._texts, *((1, 1) if narrow else (0, 2)))
        self._grid.setColumnStretch(1, int(narrow))
        self._grid.setColumnStretch(2, int(not narrow))

    def retranslate(self) -> None:
        """Update all texts."""
        name, value = name_text(self.result, translate), value_text(self.result, translate)
        remedy = remedy_text(self.result, translate)
        self._name.setText(name)
        self._value.setText(value.replace("/", f"/{BREAK}").replace("\\", f"\\{BREAK}"))
        self._remedy.setText(remedy)
        self._remedy.setVisible(bool(remedy))
        self.command.setVisible(bool(self.result.command))
        state = {
            State.OK: self.tr("OK"),
            State.WARNING: self.tr("Could be improved"),
            State.BAD: self.tr("Needs attention"),
        }[self.result.state]
        self._icon.setToolTip(state)
        self._icon.setAccessibleName(state)
        self._value.setAccessibleName(f"{name}: {value}. {state}. {remedy}".strip())
        self.copy.setToolTip(self.tr("Copy command"))
        self.copy.setAccessibleName(self.tr("Copy command {command}").format(command=self.result.command))

    def recolour(self) -> None:
        """Follow the theme."""
        theme = current_theme()
        name, colour = {
            State.OK: ("check", theme.good),
            State.WARNING: ("warning", theme.warning),
            State.BAD: ("warning", theme.bad),
        }[self.result.state]
        self._icon.setPixmap(pixmap(name, colour, ICON_SIZE, self.devicePixelRatioF()))
        self.copy.setIcon(icon("copy", theme.quiet_text, 16))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.result.command)
        self.copied.emit(self.result.command)


def translate(context: str, text: str) -> str:
    """Translate a text of ``app.messages``."""
    return QCoreApplication.translate(context, text)


def _wrapping() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
