"""Menus of folders in the sidebar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from app.conversation import Folder
from app.translation import QT_TRANSLATE_NOOP
from ui.sidebar.actions import DELETE, ConversationAction
from ui.widgets.icons import icon

FOLDER_ACTIONS = {
    "converse": ConversationAction(QT_TRANSLATE_NOOP("conversations", "New conversation here"), "new-chat"),
    "add": ConversationAction(QT_TRANSLATE_NOOP("conversations", "New subfolder"), "new-folder"),
    "rename": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Rename"), "edit", key="F2"),
    "settings": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Folder settings…"), "settings"),
    "search": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Search in this folder"), "search"),
    "up": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Move up"), "chevron-up"),
    "down": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Move down"), "chevron-down"),
    "export": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Export folder…"), "export"),
    "delete": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Delete folder…"), "trash", "bad", DELETE),
}
"""By id, in the order of the menu."""


def fill_folder_menu(
    menu: QMenu,
    folder: Folder,
    folders: Sequence[Folder],
    act: Callable[[str, str], object],
    move: Callable[[str], object],
) -> None:
    """Fill the menu of a folder; ``act`` gets an action and the folder's id, ``move`` the id of a new parent."""
    siblings = [each.id for each in folders if each.parent_id == folder.parent_id]
    has_children = any(each.parent_id == folder.id for each in folders)
    left_out = {
        "add": folder.parent_id is not None,
        "up": folder.id == siblings[0],
        "down": folder.id == siblings[-1],
    }
    for key, action in FOLDER_ACTIONS.items():
        if left_out.get(key):
            continue
        if key == "export" and not has_children:
            parents = [each for each in folders if each.parent_id is None and each.id != folder.id]
            add_move_menu(menu, parents, folder.parent_id or "", move)
        if key == "delete":
            menu.addSeparator()
        add_action(menu, f"{key}FolderAction", action).triggered.connect(partial(act, key, folder.id))


def add_move_menu(
    menu: QMenu, folders: Sequence[Folder], current: str | None, move: Callable[[str], object], *, has_new: bool = False
) -> None:
    """Add a menu of folders to move to, of which ``current`` is marked, and of none, whose id is an empty string.

    ``move`` gets the id that was chosen, or ``new`` where that is offered.
    """
    if not folders and not has_new:
        return
    below = menu.addMenu(icon("folder"), _text(QT_TRANSLATE_NOOP("conversations", "Move to")))
    below.setObjectName("moveMenu")
    places = [("", _text(QT_TRANSLATE_NOOP("conversations", "No folder")))]
    places += [(each.id, ("" if each.parent_id is None else "      ") + each.name) for each in folders]
    for id_, name in places:
        # An ampersand would underline the next letter.
        action = below.addAction(name.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(id_ == current)
        action.setEnabled(id_ != current)
        action.triggered.connect(partial(_call, move, id_))
    if has_new:
        below.addSeparator()
        new = below.addAction(icon("new-folder"), _text(QT_TRANSLATE_NOOP("conversations", "New folder")))
        new.setObjectName("moveToNewAction")
        new.triggered.connect(partial(_call, move, "new"))


def add_action(menu: QMenu, name: str, action: ConversationAction) -> QAction:
    """Add an action to a menu with the key that it has there."""
    added = menu.addAction(icon(action.icon, action.colour), action.text())
    added.setObjectName(name)
    added.setShortcut(QKeySequence(action.key))
    return added


def _call(move: Callable[[str], object], folder_id: str, _checked: bool = False) -> None:
    move(folder_id)


def _text(text: str) -> str:
    return QCoreApplication.translate("conversations", text)
