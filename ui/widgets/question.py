"""Question box: asks before something that cannot be undone, without blocking the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from ui.widgets.dialog_parts import set_style_property, show_dialog


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
) -> QMessageBox:
    """Open a question over ``parent`` and call ``on_accept`` where it is accepted.

    ``name`` is the object name of the box.  ``accept`` is the object name and the label of the button that accepts;
    that of a destructive action is red, and Cancel is the default.  ``discard`` is a third button with its action.
    """
    box = QMessageBox(parent)
    box.setObjectName(name)
    box.setWindowTitle(title)
    box.setAccessibleName(question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(details)
    role = QMessageBox.ButtonRole.DestructiveRole if is_destructive else QMessageBox.ButtonRole.AcceptRole
    accept_button = box.addButton(accept[1], role)
    accept_button.setObjectName(accept[0])
    accept_button.clicked.connect(lambda: on_accept())
    set_style_property(accept_button, danger=is_destructive)
    if discard is not None:
        discard_button = box.addButton(discard[1], QMessageBox.ButtonRole.DestructiveRole)
        discard_button.setObjectName(discard[0])
        discard_button.clicked.connect(lambda: discard[2]())
    cancel_button = box.addButton(cancel, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel_button if is_destructive else accept_button)
    box.setEscapeButton(cancel_button)
    show_dialog(box)
    return box
