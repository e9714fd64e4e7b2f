"""What can be done about a model of the list, and what it is called: pure functions of its entry."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QCoreApplication

from model_manager.disk.files import is_file
from model_manager.hub.catalogue import STARTER
from ui.models.entries import FETCHING, Entry, State
from ui.widgets.model_strings import size_text

translate = QCoreApplication.translate

Action = Literal[
    "download",
    "pause",
    "resume",
    "retry",
    "cancel",
    "move_up",
    "use",
    "repair",
    "repair_copy",
    "join",
    "stop",
    "plan",
    "verify",
    "mend",
    "set_aside",
    "release",
    "remove",
    "remove_folder",
    "delete",
    "copy_path",
    "show_in_folder",
    "open_page",
]


def primary(entry: Entry) -> Action | None:
    """The one thing to do about a model."""
    if entry.state == "ready":
        return None if entry.in_use else "use"
    if entry.state == "unusable":
        return "download" if entry.catalogue and entry.path and not is_file(entry.path) else None
    actions: dict[State, Action] = {
        "available": "download",
        "queued": "pause",
        "preparing": "pause",
        "downloading": "pause",
        "waiting": "retry",
        "verifying": "pause",
        "paused": "resume",
        "failed": "retry",
        "working": "stop",
        "needs_repair": "repair",
        "needs_joining": "join",
        "damaged": "mend",
        "quarantined": "mend",
    }
    return actions[entry.state]


def further(entry: Entry, *, can_move_up: bool = False) -> tuple[Action, ...]:
    """What else can be done about a model, the frequent first."""
    actions: list[Action] = []
    if entry.state in ("waiting",):
        actions.append("pause")
    if can_move_up and entry.state in ("queued", "paused"):
        actions.append("move_up")
    if entry.download is not None and entry.state in (*FETCHING, "paused", "failed"):
        actions.append("cancel")
    if entry.work is not None:
        return (*actions, "copy_path", "show_in_folder")
    if entry.state == "needs_repair" and not entry.is_foreign:
        actions.append("repair_copy")
    if entry.state == "damaged":
        actions += ["use", "set_aside"] if not entry.in_use else ["set_aside"]
    if entry.fit is not None:
        actions.append("plan")
    if entry.model is not None and entry.state in ("ready", "damaged", "needs_repair"):
        actions.append("verify")
    if entry.path is not None:
        actions += ["copy_path", "show_in_folder"]
    if entry.catalogue or entry.published or "/" in entry.key.partition(":")[0]:
        actions.append("open_page")
    return (*actions, *_ways_out(entry))


def _ways_out(entry: Entry) -> tuple[Action, ...]:
    if entry.set_aside is not None:
        return ("release", "delete")
    if entry.model is None:
        return ("remove",) if entry.candidate is not None else ()
    if entry.model.id == STARTER.id:
        return ()
    if entry.model.folder is None:
        return ("remove", "delete")
    return ("delete",) if entry.model.in_models_folder else ("remove_folder",)


def action_text(action: Action, entry: Entry | None = None) -> str:
    """The action as a button or a menu says it."""
    texts: dict[Action, str] = {
        "download": translate("model_actions", "Download"),
        "pause": translate("model_actions", "Pause"),
        "resume": translate("model_actions", "Resume"),
        "retry": translate("model_actions", "Try again"),
        "cancel": translate("model_actions", "Cancel download"),
        "move_up": translate("model_actions", "Move up in queue"),
        "use": translate("model_actions", "Use"),
        "repair": translate("model_actions", "Convert"),
        "repair_copy": translate("model_actions", "Convert to a copy"),
        "join": translate("model_actions", "Join"),
        "stop": translate("model_actions", "Stop"),
        "plan": translate("model_actions", "Memory plan…"),
        "verify": translate("model_actions", "Verify file"),
        "mend": translate("model_actions", "Re-download parts"),
        "set_aside": translate("model_actions", "Quarantine file"),
        "release": translate("model_actions", "Release from quarantine"),
        "remove": translate("model_actions", "Remove from list"),
        "remove_folder": translate("model_actions", "Remove folder from list"),
        "delete": translate("model_actions", "Delete file…"),
        "copy_path": translate("model_actions", "Copy path"),
        "show_in_folder": translate("model_actions", "Show in folder"),
        "open_page": translate("model_actions", "Open page in browser"),
    }
    if action == "cancel" and entry is not None and entry.download is not None and entry.download.bytes_done:
        text = translate("model_actions", "Cancel download and delete {size}…")
        return text.format(size=size_text(entry.download.bytes_done))
    if action == "delete" and entry is not None and entry.bytes:
        return translate("model_actions", "Delete file ({size})…").format(size=size_text(entry.bytes))
    return texts[action]


def pill_texts() -> tuple[str, ...]:
    """Everything that a row's own button may say, to make room for the longest."""
    actions: tuple[Action, ...] = (
        "download", "pause", "resume", "retry", "use", "repair", "join", "stop", "mend",
    )  # fmt: skip
    return tuple(map(action_text, actions))
