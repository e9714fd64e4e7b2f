"""Tool buttons with an icon of the theme, and the names of controls."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QToolButton, QWidget

from ui.widgets.icons import SIZE, icon


class EnterPresses:
    """Mixin of buttons: Enter presses the one that has the focus, as Space does.

    Qt does that on some desktops only, and in a dialog Enter would press the default button instead.
    """

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain and not event.isAutoRepeat():
            self.click()  # type: ignore[attr-defined]
        else:
            super().keyPressEvent(event)  # type: ignore[misc]


class PushButton(EnterPresses, QPushButton):
    """Button with a text."""


class ToolButton(EnterPresses, QToolButton):
    """Flat button with an icon."""


def tool_button(
    name: str, picture: str, *, colour: str = "quiet_text", size: int = SIZE, with_text: bool = False
) -> QToolButton:
    """Return a flat button with an icon, and with its text beside that where ``with_text``; ``colour`` is a role."""
    button = ToolButton()
    button.setObjectName(name)
    button.setIcon(icon(picture, colour, size))
    button.setIconSize(QSize(size, size))
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    if with_text:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


def set_name(control: QWidget, name: str, keys: str = "") -> None:
    """Set the accessible name, which is also the tool tip, there followed by the shortcut."""
    control.setAccessibleName(name)
    # Otherwise the tool tip, which repeats the name.
    control.setAccessibleDescription(keys)
    control.setToolTip(f"{name} ({keys})" if keys else name)


def name_choice(box: QComboBox, name: str) -> None:
    """Name a combo box in its layout for screen readers.

    On Linux Qt calls it by its value, and a screen reader looks for a label beside it, here a hidden one.
    """
    box.setAccessibleName(name)
    parent = box.parentWidget()
    labels = parent.findChildren(QLabel) if parent is not None else []
    label = next((each for each in labels if each.buddy() is box), None)
    if label is None:
        label = QLabel(parent)
        label.hide()
        label.setBuddy(box)
    label.setText(name.replace("&", "&&"))
