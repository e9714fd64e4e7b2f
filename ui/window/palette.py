"""Palette: one search over conversations, models, presets, settings and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.config.presets import Preset
from app.config.settings import PARAMETERS
from app.conversation import Shelf
from app.fuzzy import FuzzyIndex, Match
from app.services import Services
from app.store.store import ConversationStore
from ui.conversation.controller import ConversationController
from ui.conversation.model_list import ADD_SERVER
from ui.conversation.model_picker import ModelPicker
from ui.settings.sections import other_rows, section_titles
from ui.settings.shortcuts import ANSWERS, READING, SHORTCUTS, assigned_keys, key_text, translated
from ui.widgets.dialog_parts import ask_for_name
from ui.widgets.filter_panel import Entry, EntryIndex, FilterPanel
from ui.widgets.formats import date_text
from ui.widgets.job import run_job
from ui.window.main_window import MainWindow

RECENT = 6
"""Conversations that are offered before anything is typed."""
MOST_CONVERSATIONS, MOST_OTHERS = 12, 6
"""Results of each section."""
HIDDEN_COMMANDS = ("escape", "palette")
CONVERSATION, MODEL, PRESET, SETTING = "conversation", "model", "preset", "setting"
CHOICE, COMMAND, SEARCH = "choice", "command", "search"
FOLDER, MOVE, ACTION, SHELF, RENAME = "folder", "move", "action", "shelf", "rename"
"""Kinds of rows, followed by a colon in their keys."""


class Palette(QObject):
    """Opens the panel, and does what is chosen there."""

    setting_requested = Signal(str, str)
    """Section of the settings, and the name of a setting in it or an empty string."""
    value_chosen = Signal(str, str)
    """Name of a setting, and its value."""
    folder_requested = Signal(str)
    """Id of a folder to show in the list."""
    move_requested = Signal(str, tuple)
    """Id of a folder, empty for none, and that of the open conversation, to be moved there."""
    action_requested = Signal(str, tuple)
    """Id of an action in ``ui.sidebar.actions``, and that of the open conversation."""
    search_requested = Signal(str)
    """Text to search for in all messages."""

    def __init__(
        self,
        services: Services,
        window: MainWindow,
        models: ModelPicker,
        conversation: ConversationController,
        actions: Mapping[str, Callable[[], object]],
    ) -> None:
        """``actions`` are those of the shortcuts by their ids."""
        super().__init__(window)
        self._services, self._window, self._models = services, window, models
        self._conversation, self._actions = conversation, actions
        self._numbers: list[int] = []
        self._titles = FuzzyIndex(())
        self._others: list[EntryIndex] = []
        self._presets: dict[str, Preset] = {}

    def open(self) -> None:
        """Open the panel, unless it is open."""
        if any(panel.isVisible() for panel in self._window.findChildren(FilterPanel, "palette")):
            return
        if not self._window.notice.attempt(self._read):
            return
        panel = FilterPanel(
            self._window,
            "palette",
            self.tr("Search conversations, models, settings and commands"),
            self.search,
            empty=self.tr("Nothing matches."),
        )
        panel.chosen.connect(self._choose)

        def show(titles: tuple[list[int], FuzzyIndex]) -> None:
            self._numbers, self._titles = titles
            panel.refresh()

        # Thousands of titles take longer than opening the panel may.
        run_job(panel, partial(_read_titles, self._services.store), show, lambda _error: None)

    def search(self, text: str) -> list[Entry]:
        """Return the rows for a text, the section with the best match first."""
        if not text.strip():
            recent = self._conversation_entries(self._titles.search("", RECENT))
            return [*recent, *self._others[-1].entries]
        matches = self._titles.search(text, MOST_CONVERSATIONS)
        found = [((matches[0].rank, 0), self._conversation_entries(matches))] if matches else []
        for index in self._others:
            ranked = index.search(text, MOST_OTHERS)
            if ranked:
                rank, best = ranked[0]
                # Of two titles that begin with the text, the one with less after it is meant.
                found.append(((rank, len(best.title)), [entry for _, entry in ranked]))
        found.sort(key=lambda section: section[0])
        search = Entry(
            f"{SEARCH}:{text.strip()}",
            self.tr("Search all messages for “{text}”").format(text=text.strip()),
            self.tr("Search"),
        )
        return [*(entry for _, entries in found for entry in entries), search]

    def _read(self) -> None:
        """Read what can be chosen now.  Raises UserError as the store does."""
        self._numbers, self._titles = _read_titles(self._services.store, RECENT)
        models = self._models.entries()
        self._presets = {each.id: each for each in self._services.presets.list(QCoreApplication.translate)}
        self._others = [
            EntryIndex([_in_section(entry, self.tr("Models")) for entry in models if entry.key != ADD_SERVER]),
            EntryIndex(
                [Entry(f"{PRESET}:{id_}", preset.name, self.tr("Presets")) for id_, preset in self._presets.items()]
            ),
            EntryIndex(list(self._folder_entries())),
            EntryIndex(list(self._setting_entries())),
            EntryIndex(list(self._command_entries())),
        ]

    def _conversation_entries(self, matches: Sequence[Match]) -> list[Entry]:
        found = self._services.store.numbered([self._numbers[match.number] for match in matches])
        entries = []
        for match in matches:
            conversation = found.get(self._numbers[match.number])
            if conversation is not None:
                entries.append(
                    Entry(
                        f"{CONVERSATION}:{conversation.id}",
                        conversation.title or self.tr("Untitled"),
                        self.tr("Conversations"),
                        label="" if conversation.archived_at is None else self.tr("Archive"),
                        value=date_text(conversation.updated_at),
                        positions=match.positions,
                    )
                )
        return entries

    def _folder_entries(self) -> Iterable[Entry]:
        """Yield the folders, and those that the open conversation can be moved to."""
        folders, session = self._services.store.folders(), self._conversation.session
        names = {each.id: each.name for each in folders}
        for each in folders:
            parent = names.get(each.parent_id or "", "")
            yield Entry(f"{FOLDER}:{each.id}", each.name, self.tr("Folders"), label=parent)
        if session.conversation_id is None or session.is_temporary:
            return
        current = session.folder_id() or ""
        for id_, name in {"": self.tr("No folder"), **names}.items():
            if id_ != current:
                text = self.tr("Move to folder: {name}").format(name=name)
                yield Entry(f"{MOVE}:{id_}", text, self.tr("Folders"))

    def _setting_entries(self) -> Iterable[Entry]:
        titles, current, section = section_titles(), self._services.settings.current, self.tr("Settings")
        translate = partial(QCoreApplication.translate, "parameters")
        for name, title in titles.items():
            yield Entry(f"{SETTING}:{name}:", title, section)
        for name, declaration in PARAMETERS.items():
            if not declaration.label or not declaration.page:
                continue
            label, choices = translate(declaration.label), {**declaration.choices, **declaration.named_values}
            has_rows = declaration.page == "appearance"
            words = "" if has_rows else " ".join(translate(each) for each in choices.values() if each)
            yield Entry(
                f"{SETTING}:{declaration.page}:{name}", label, section, label=titles[declaration.page], words=words
            )
            for value, text in declaration.choices.items() if has_rows else ():
                title = self.tr("{setting}: {choice}").format(setting=label, choice=translate(text))
                yield Entry(f"{CHOICE}:{name}:{value}", title, section, is_checked=getattr(current, name) == value)

        commands = {translated(each.text).rstrip("…") for shortcuts in SHORTCUTS.values() for each in shortcuts}
        for page, name, title in other_rows():
            # Some have a button for what is a command too.
            if title not in commands:
                yield Entry(f"{SETTING}:{page}:{name}", title, section, label=titles[page])

    def _command_entries(self) -> Iterable[Entry]:
        session = self._conversation.session
        assigned = assigned_keys(self._services.settings.current.shortcuts)
        for group, shortcuts in SHORTCUTS.items():
            if session.is_empty and group in (ANSWERS, READING):
                continue
            for each in shortcuts:
                if each.id and each.id not in HIDDEN_COMMANDS:
                    keys = key_text(next(iter(assigned[each.id]), ""))
                    words = translated(each.words) if each.words else ""
                    yield Entry(
                        f"{COMMAND}:{each.id}", translated(each.text), self.tr("Commands"), value=keys, words=words
                    )
        if session.conversation_id is not None and not session.is_temporary:
            for id_, text, words in (
                ("delete", self.tr("Move this conversation to trash"), self.tr("delete")),
                ("archive", self.tr("Archive this conversation"), ""),
            ):
                yield Entry(f"{ACTION}:{id_}", text, self.tr("Commands"), words=words)
            yield Entry(f"{RENAME}:", self.tr("Rename this conversation"), self.tr("Commands"))
        for shelf, text in ((Shelf.ARCHIVE, self.tr("Show archive")), (Shelf.TRASH, self.tr("Show trash"))):
            yield Entry(f"{SHELF}:{shelf}", text, self.tr("Commands"))

    def _choose(self, key: str) -> None:
        kind, _, rest = key.partition(":")
        if kind in (MODEL, PRESET):
            self._window.centre.show_first()
        if kind == CONVERSATION:
            self._conversation.open(rest)
        elif kind == MODEL:
            self._models.choose(rest)
        elif kind == PRESET:
            self._conversation.overrides.apply_preset(self._presets[rest])
        elif kind == SETTING:
            self.setting_requested.emit(*rest.split(":"))
        elif kind == CHOICE:
            self.value_chosen.emit(*rest.split(":"))
        elif kind == FOLDER:
            self.folder_requested.emit(rest)
        elif kind == MOVE:
            self.move_requested.emit(rest, (self._conversation.session.conversation_id,))
        elif kind == ACTION:
            self.action_requested.emit(rest, (self._conversation.session.conversation_id,))
        elif kind == RENAME:
            self._rename()
        elif kind == SHELF:
            self._window.sidebar.show()
            self._window.sidebar.show_shelf(rest)
        elif kind == SEARCH:
            self.search_requested.emit(rest)
        else:
            self._actions[rest]()

    def _rename(self) -> None:
        title, buttons = self._window.header.title, (self.tr("Save"), self.tr("Cancel"))
        # The header of a narrow window has no room for the field.
        ask_for_name(
            self._window, "conversationTitle", self.tr("Rename conversation"), self.tr("Title"), title.text(), buttons,
            lambda text: title.edited.emit(text) if text.strip() else None,
        )  # fmt: skip


def _read_titles(store: ConversationStore, limit: int = -1) -> tuple[list[int], FuzzyIndex]:
    """Return the numbers of the conversations, and an index of their titles."""
    numbers, titles = store.titles(limit)
    return numbers, FuzzyIndex(titles)


def _in_section(entry: Entry, section: str) -> Entry:
    """Return a model's row for the palette, in one line."""
    label = " · ".join(filter(None, (entry.label, entry.section)))
    return Entry(
        f"{MODEL}:{entry.key}", entry.title, section, label=label, mark=entry.mark, value=entry.value,
        is_checked=entry.is_checked, is_dim=entry.is_dim,
    )  # fmt: skip
