"""Actions on a model of the list: their titles, which of them are possible, and their menu."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMenu, QWidget

from app.translation import QT_TRANSLATE_NOOP
from app.units import size_text
from model_manager.disk.files import is_file
from model_manager.hub.catalogue import STARTER
from ui.models.item import ModelItem, ModelState

translate = QCoreApplication.translate

TITLES = {
    "download": QT_TRANSLATE_NOOP("model_actions", "Download"),
    "pause": QT_TRANSLATE_NOOP("model_actions", "Pause"),
    "resume": QT_TRANSLATE_NOOP("model_actions", "Resume"),
    "retry": QT_TRANSLATE_NOOP("model_actions", "Try again"),
    "cancel": QT_TRANSLATE_NOOP("model_actions", "Cancel download"),
    "move_up": QT_TRANSLATE_NOOP("model_actions", "Move up in queue"),
    "use": QT_TRANSLATE_NOOP("model_actions", "Use"),
    "convert": QT_TRANSLATE_NOOP("model_actions", "Convert"),
    "convert_copy": QT_TRANSLATE_NOOP("model_actions", "Convert to a copy"),
    "join": QT_TRANSLATE_NOOP("model_actions", "Join"),
    "stop": QT_TRANSLATE_NOOP("model_actions", "Stop"),
    "plan": QT_TRANSLATE_NOOP("model_actions", "Memory layout"),
    "verify": QT_TRANSLATE_NOOP("model_actions", "Verify file"),
    "redownload": QT_TRANSLATE_NOOP("model_actions", "Re-download parts"),
    "quarantine": QT_TRANSLATE_NOOP("model_actions", "Quarantine file"),
    "release": QT_TRANSLATE_NOOP("model_actions", "Release from quarantine"),
    "remove": QT_TRANSLATE_NOOP("model_actions", "Remove from list"),
    "remove_folder": QT_TRANSLATE_NOOP("model_actions", "Remove folder from list"),
    "delete": QT_TRANSLATE_NOOP("model_actions", "Delete file…"),
    "copy_path": QT_TRANSLATE_NOOP("model_actions", "Copy path"),
    "show_in_folder": QT_TRANSLATE_NOOP("model_actions", "Show in folder"),
    "open_page": QT_TRANSLATE_NOOP("model_actions", "Open page in browser"),
}
"""All actions."""
GROUPS = {
    **dict.fromkeys(("copy_path", "show_in_folder", "open_page"), 1),
    **dict.fromkeys(("release", "remove", "remove_folder", "delete"), 2),
}
"""Groups of the menu, separated by lines; 0 for all other actions."""


def primary_action(item: ModelItem) -> str:
    """Return the action of the row's button; empty where there is none."""
    if item.state is ModelState.READY and (item.in_use or item.embeds):
        return ""
    if item.state is ModelState.UNUSABLE and item.catalogue and item.path and not is_file(item.path):
        return "download"
    return item.state.action


def other_actions(item: ModelItem) -> tuple[str, ...]:
    """Return the other possible actions, frequent ones first."""
    state, model = item.state, item.model
    if item.job is not None:
        return ("copy_path", "show_in_folder")
    # The starter stays.
    is_own = model is not None and model.id != STARTER.id and not item.is_foreign
    is_registered = model.folder is None if model is not None else item.candidate is not None
    is_possible = {
        "pause": state is ModelState.WAITING,
        "move_up": item.can_move_up and state in (ModelState.QUEUED, ModelState.PAUSED),
        "cancel": item.download is not None and state is not ModelState.QUARANTINED,
        "convert_copy": state is ModelState.NEEDS_CONVERSION and not item.is_foreign,
        "use": state is ModelState.DAMAGED and not item.in_use and not item.embeds,
        "quarantine": state is ModelState.DAMAGED,
        "plan": item.fit is not None,
        "verify": model is not None and state in (ModelState.READY, ModelState.DAMAGED, ModelState.NEEDS_CONVERSION),
        "copy_path": item.path is not None,
        "show_in_folder": item.path is not None,
        "open_page": bool(item.repository),
        "release": item.quarantined is not None,
        "remove": is_registered and (is_own or model is None) and item.quarantined is None,
        "remove_folder": model is not None and item.is_foreign,
        "delete": is_own or item.quarantined is not None,
    }
    return tuple(action for action, possible in is_possible.items() if possible)


def menu_actions(item: ModelItem) -> tuple[str, ...]:
    """Return the actions that have no button in the details."""
    return tuple(action for action in other_actions(item) if action not in ("cancel", "plan"))


def action_text(name: str, item: ModelItem | None = None) -> str:
    """Return the text of an action for a button or a menu."""
    if name == "cancel" and item is not None and item.download is not None and item.download.progress.done:
        text = translate("model_actions", "Cancel download and delete {size}…")
        return text.format(size=size_text(item.download.progress.done))
    if name == "delete" and item is not None and item.bytes:
        return translate("model_actions", "Delete file ({size})…").format(size=size_text(item.bytes))
    return translate("model_actions", TITLES[name])


def button_texts() -> tuple[str, ...]:
    """Return all texts of the rows' buttons, to measure the widest."""
    return tuple(action_text(state.action) for state in ModelState if state.action)


def model_menu(parent: QWidget, item: ModelItem, *, beside_buttons: bool = False) -> QMenu:
    """Make the menu of all actions, the primary one first, or of those without a button in the details.

    The objectName of each entry is the action.
    """
    menu = QMenu(parent)
    menu.setObjectName("modelActions")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    group = 0
    names = menu_actions(item) if beside_buttons else (primary_action(item), *other_actions(item))
    for name in filter(None, names):
        before, group = group, GROUPS.get(name, 0)
        if group != before and not menu.isEmpty():
            menu.addSeparator()
        menu.addAction(action_text(name, item)).setObjectName(name)
    return menu
