"""Actions on a model of the list: which are possible, what they are called, and their menu."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMenu, QWidget

from app.units import size_text
from model_manager.disk.files import is_file
from model_manager.hub.catalogue import STARTER
from ui.models.item import ModelItem, State

translate = QCoreApplication.translate

Action = Literal[
    "download",
    "pause",
    "resume",
    "retry",
    "cancel",
    "move_up",
    "use",
    "convert",
    "convert_copy",
    "join",
    "stop",
    "plan",
    "verify",
    "redownload",
    "quarantine",
    "release",
    "remove",
    "remove_folder",
    "delete",
    "copy_path",
    "show_in_folder",
    "open_page",
]

_PRIMARY: dict[State, Action] = {
    "available": "download",
    "queued": "pause",
    "preparing": "pause",
    "downloading": "pause",
    "waiting": "retry",
    "verifying": "pause",
    "paused": "resume",
    "failed": "retry",
    "working": "stop",
    "needs_conversion": "convert",
    "needs_joining": "join",
    "damaged": "redownload",
    "quarantined": "redownload",
}
_FILE_ACTIONS = ("copy_path", "show_in_folder", "open_page")
_REMOVALS = ("release", "remove", "remove_folder", "delete")


def primary(item: ModelItem) -> Action | None:
    """Return the action of the row's button."""
    if item.state == "ready":
        return None if item.in_use else "use"
    if item.state == "unusable":
        return "download" if item.catalogue and item.path and not is_file(item.path) else None
    return _PRIMARY[item.state]


def further(item: ModelItem, *, can_move_up: bool = False) -> tuple[Action, ...]:
    """Return the other possible actions, frequent ones first."""
    actions: list[Action] = []
    if item.state == "waiting":
        actions.append("pause")
    if can_move_up and item.state in ("queued", "paused"):
        actions.append("move_up")
    if item.download is not None and item.state not in ("working", "quarantined"):
        actions.append("cancel")
    if item.job is not None:
        return (*actions, "copy_path", "show_in_folder")
    if item.state == "needs_conversion" and not item.is_foreign:
        actions.append("convert_copy")
    if item.state == "damaged":
        actions += ["quarantine"] if item.in_use else ["use", "quarantine"]
    if item.fit is not None:
        actions.append("plan")
    if item.model is not None and item.state in ("ready", "damaged", "needs_conversion"):
        actions.append("verify")
    if item.path is not None:
        actions += ["copy_path", "show_in_folder"]
    if item.catalogue or item.published or "/" in item.key.partition(":")[0]:
        actions.append("open_page")
    return (*actions, *_removals(item))


def _removals(item: ModelItem) -> tuple[Action, ...]:
    if item.quarantined is not None:
        return ("release", "delete")
    if item.model is None:
        return ("remove",) if item.candidate is not None else ()
    if item.model.id == STARTER.id:
        return ()
    if item.model.folder is None:
        return ("remove", "delete")
    return ("delete",) if item.model.in_models_folder else ("remove_folder",)


def action_text(action: Action, item: ModelItem | None = None) -> str:
    """Return the text of an action for a button or a menu."""
    if action == "cancel" and item is not None and item.download is not None and item.download.progress.done:
        text = translate("model_actions", "Cancel download and delete {size}…")
        return text.format(size=size_text(item.download.progress.done))
    if action == "delete" and item is not None and item.bytes:
        return translate("model_actions", "Delete file ({size})…").format(size=size_text(item.bytes))
    texts: dict[Action, str] = {
        "download": translate("model_actions", "Download"),
        "pause": translate("model_actions", "Pause"),
        "resume": translate("model_actions", "Resume"),
        "retry": translate("model_actions", "Try again"),
        "cancel": translate("model_actions", "Cancel download"),
        "move_up": translate("model_actions", "Move up in queue"),
        "use": translate("model_actions", "Use"),
        "convert": translate("model_actions", "Convert"),
        "convert_copy": translate("model_actions", "Convert to a copy"),
        "join": translate("model_actions", "Join"),
        "stop": translate("model_actions", "Stop"),
        "plan": translate("model_actions", "Memory plan…"),
        "verify": translate("model_actions", "Verify file"),
        "redownload": translate("model_actions", "Re-download parts"),
        "quarantine": translate("model_actions", "Quarantine file"),
        "release": translate("model_actions", "Release from quarantine"),
        "remove": translate("model_actions", "Remove from list"),
        "remove_folder": translate("model_actions", "Remove folder from list"),
        "delete": translate("model_actions", "Delete file…"),
        "copy_path": translate("model_actions", "Copy path"),
        "show_in_folder": translate("model_actions", "Show in folder"),
        "open_page": translate("model_actions", "Open page in browser"),
    }
    return texts[action]


def button_texts() -> tuple[str, ...]:
    """Return all texts of the rows' buttons, to measure the widest."""
    return tuple(action_text(action) for action in {*_PRIMARY.values(), "use"})


def model_menu(parent: QWidget, item: ModelItem, *, can_move_up: bool) -> QMenu:
    """Make the menu of all actions, the primary one first.  The objectName of each entry is its ``Action``."""
    menu = QMenu(parent)
    menu.setObjectName("modelActions")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    first = primary(item)
    group = 0
    for action in (*([first] if first else []), *further(item, can_move_up=can_move_up)):
        before, group = group, 1 if action in _FILE_ACTIONS else 2 if action in _REMOVALS else 0
        if group != before and not menu.isEmpty():
            menu.addSeparator()
        menu.addAction(action_text(action, item)).setObjectName(action)
    return menu
