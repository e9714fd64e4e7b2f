"""The menus of the models page: what can be done about a model, and folders of other programs to be added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMenu, QWidget

from model_manager.library.other_programs import MachineFacts, ProgramFolder, find_folders, models_in
from ui.models.actions import Action, action_text, further, primary
from ui.models.entries import Entry

translate = QCoreApplication.translate

_GROUPS: tuple[frozenset[Action], ...] = (
    frozenset({"plan", "verify", "repair_copy", "set_aside", "move_up", "cancel", "pause", "use"}),
    frozenset({"copy_path", "show_in_folder", "open_page"}),
    frozenset({"release", "remove", "remove_folder", "delete"}),
)
"""What stands between two lines of a menu."""


@dataclass(frozen=True)
class OfferedFolder:
    """A folder of another program with models in it that could be listed too."""

    folder: ProgramFolder
    count: int


def offered_folders(facts: MachineFacts, watched: Sequence[Path]) -> tuple[OfferedFolder, ...]:
    """Folders of other programs that hold models and are not watched yet.  Reads headers of what lies in them."""
    folders = [each for each in find_folders(facts) if each.path not in watched]
    offered = [OfferedFolder(each, sum(1 for found in models_in(each) if found.kind == "model")) for each in folders]
    return tuple(each for each in offered if each.count)


def model_menu(parent: QWidget, entry: Entry, *, can_move_up: bool) -> QMenu:
    """Everything that can be done about a model, the first thing first; the names of its items are ``Action``s."""
    menu = _menu(parent, "modelActions")
    first = primary(entry)
    actions = (*([first] if first else []), *further(entry, can_move_up=can_move_up))
    before: int | None = None
    for action in actions:
        group = next((at for at, each in enumerate(_GROUPS) if action in each), 0)
        if before is not None and group != before:
            menu.addSeparator()
        before = group
        made = menu.addAction(action_text(action, entry))
        made.setObjectName(action)
    return menu


def folder_menu(parent: QWidget, offered: Sequence[OfferedFolder]) -> QMenu:
    """The folders of other programs, each item with its path as data, and the way to any other, with none."""
    menu = _menu(parent, "folderMenu")
    menu.setToolTipsVisible(True)
    for each in offered:
        text = translate("model_menus", "{program}, models: {count}")
        action = menu.addAction(text.format(program=each.folder.program, count=each.count))
        action.setToolTip(str(each.folder.path))
        action.setData(str(each.folder.path))
    menu.addSeparator()
    menu.addAction(translate("model_menus", "Another folder…"))
    return menu


def _menu(parent: QWidget, name: str) -> QMenu:
    menu = QMenu(parent)
    menu.setObjectName(name)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return menu
