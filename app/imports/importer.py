"""Import of conversations from a file, a folder or an archive, whose program is recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from app.config.presets import Preset
from app.conversation import ConversationTree, FolderContent, ImportResult, Message, SkippedConversation
from app.documents.pictures import PictureReader
from app.imports.apus import APUS
from app.imports.chatgpt import CHATGPT
from app.imports.cherry_studio import CHERRY_STUDIO
from app.imports.claude import CLAUDE
from app.imports.jan import JAN
from app.imports.json_lines import JSON_LINES
from app.imports.json_stream import JsonStream, elements, members
from app.imports.lm_studio import LM_STUDIO
from app.imports.notes import Notes
from app.imports.open_webui import OPEN_WEBUI
from app.imports.program import ImportedFile, Item, Program
from app.imports.silly_tavern import SILLY_TAVERN
from app.imports.sources import DAMAGED_ARCHIVE, Sources
from app.store.store import ConversationStore
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import error_detail
from model_manager.disk.json_file import JsonError
from model_manager.errors import Cancelled, UserError
from model_manager.progress import OnProgress, ignore_progress

PROGRAMS: Mapping[str, Program] = {
    each.name: each
    for each in (APUS, CHATGPT, CLAUDE, LM_STUDIO, OPEN_WEBUI, JAN, SILLY_TAVERN, CHERRY_STUDIO, JSON_LINES)
}
"""All programs by name, in the order in which a file is compared with them."""
MAX_REFUSED = 1000
"""Conversations that are refused in one import; the rest of its files is not read after that."""
_MAX_SAMPLES = 10
"""Elements of a list in which an object is looked for."""


@dataclass
class ImportPreview:
    """What an import would add; filled while the files are read."""

    programs: list[str] = field(default_factory=list)
    """Labels of the programs."""
    conversations: int = 0
    messages: int = 0
    folders: set[str] = field(default_factory=set)
    """Ids of the folders."""
    already_there: int = 0
    """Conversations that are in the store, perhaps with fewer messages."""
    first: datetime | None = None
    last: datetime | None = None
    """Times of the first and the last message."""
    notes: Counter[str] = field(default_factory=Counter)
    """What can't be imported and becomes a note, by the kinds in ``app.imports.notes``."""
    refused: list[SkippedConversation] = field(default_factory=list)

    _seen: set[str] = field(default_factory=set)
    """Ids of conversations and messages; several files can contain the same ones."""

    def add(self, conversation_id: str, messages: Sequence[Message]) -> bool:
        """Count a conversation and its messages; return whether it is new in this preview."""
        before = len(self._seen)
        self._seen.update(each.id for each in messages)
        self.messages += len(self._seen) - before
        is_new = conversation_id not in self._seen
        self._seen.add(conversation_id)
        self.conversations += is_new
        times = [each.created_at for each in messages]
        self.first = min(filter(None, (self.first, *times)), default=None)
        self.last = max(filter(None, (self.last, *times)), default=None)
        return is_new


def preview_import(
    store: ConversationStore,
    path: Path,
    from_program: str = "auto",
    *,
    progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
) -> ImportPreview:
    """Read everything and change nothing.

    Raises:
        UserError: as ``import_conversations``.
        Cancelled: by ``cancel``.
    """
    notes = Notes()
    preview = ImportPreview(notes=notes.counts)
    for item in _read(path, from_program, Sources(notes, progress, cancel), preview.programs):
        if isinstance(item, SkippedConversation):
            preview.refused.append(item)
        elif isinstance(item, FolderContent):
            preview.folders.add(item.folder.id)
        elif isinstance(item, ConversationTree):
            preview.folders.update(each.id for each in item.folders)
            if preview.add(item.conversation.id, item.messages):
                there = store.number_of(item.conversation.id) is not None or _is_exported_from(store, item)
                preview.already_there += there
    return preview


def import_conversations(
    store: ConversationStore,
    path: Path,
    from_program: str = "auto",
    *,
    progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    translate: Callable[[str], str] = str,
    add_preset: Callable[[Preset], None] = lambda _preset: None,
) -> ImportResult:
    """Merge the conversations of ``path`` into the store; what the store contains stays as it is.

    The valid conversations are imported; the result lists the others and why.  When it is cancelled, the result is what
    was imported until then.  ``from_program`` is a name in ``PROGRAMS``, or ``auto``.  ``progress`` is in bytes,
    ``translate`` translates the notes (context ``import``), ``add_preset`` adds a preset unless it exists.

    Raises:
        UserError: ``file_missing`` (path), ``file_unreadable`` (path, detail), ``import_unreadable`` (path, detail): no
            conversation is valid, ``import_newer`` (path, version, known), as ``Sources.files``, and what the store
            raises.
    """
    refused: list[SkippedConversation] = []
    own = 0

    def valid() -> Iterator[ConversationTree]:
        nonlocal own
        sources = Sources(Notes(translate), progress, cancel)
        try:
            for item in _read(path, from_program, sources, []):
                if isinstance(item, SkippedConversation):
                    refused.append(item)
                elif isinstance(item, FolderContent):
                    store.merge_folder(item)
                elif isinstance(item, Preset):
                    add_preset(item)
                elif _is_exported_from(store, item):
                    own += 1
                else:
                    yield item
        except Cancelled:
            return

    result = store.merge(valid())
    return replace(result, refused=(*refused, *result.refused), already_there=result.already_there + own)


def _is_exported_from(store: ConversationStore, tree: ConversationTree) -> bool:
    """Return whether a conversation in JSON Lines was exported from one that the store contains."""
    return store.number_of((tree.conversation.source or {}).get("conversation_id")) is not None


def _read(path: Path, from_program: str, sources: Sources, programs: list[str]) -> Iterator[Item]:
    """Yield what the files contain; the labels of the programs with valid conversations are added to ``programs``.

    Raises ``UserError`` where there is nothing but errors.
    """
    refused: list[SkippedConversation] = []
    is_known, problem = False, ""
    with sources.files(path) as files, PictureReader() as pictures:
        for file in files:
            try:
                before, program = sources.done, PROGRAMS.get(from_program)
                head, recognised = _inspect(file)
                sources.done = before
                program = program or recognised
                if program is None and head and _is_list(file.name):
                    raise UserError("import_layout")
                if program is None:
                    problem = problem or file.name
                    continue
                is_known = True
                for item in program.read(replace(file, head=head, pictures=pictures)):
                    if isinstance(item, SkippedConversation):
                        refused.append(item)
                    elif program.label not in programs:
                        programs.append(program.label)
                    yield item
                    if len(refused) == MAX_REFUSED:
                        return
            except JsonError as error:
                problem = problem or error.place or str(error)
            except (UserError, OSError, *DAMAGED_ARCHIVE) as error:
                refused.append(SkippedConversation(file.name, _read_error(error, file.name)))
                yield refused[-1]
    if programs or (is_known and not refused and not problem):
        return
    if not refused:
        raise UserError("import_unreadable", path=path, detail=problem or path.name)
    first = refused[0].error
    code = "import_unreadable" if first.code == "import_unfit" else first.code
    raise UserError(code, **{**first.data, "path": path})


def _is_list(name: str) -> bool:
    """Return whether a file is the list of conversations by its name; others of an archive are ignored."""
    return name.rpartition("/")[2].lower().startswith("conversations")


def _read_error(error: Exception, name: str) -> UserError:
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and not isinstance(error, DAMAGED_ARCHIVE):
        return UserError("file_unreadable", path=name, detail=error_detail(error))
    return UserError("import_archive_damaged", detail=str(error))


def _inspect(file: ImportedFile) -> tuple[dict[str, Any], Program | None]:
    """Return the first object of a file, and the program that it is from.

    Of a file that is a single object, and of the first line of one with several, only scalar values are read.  Raises
    ``JsonError``: there is no object.
    """
    if file.is_database:
        return {}, CHERRY_STUDIO
    with file.open() as content:
        stream = JsonStream(content)
        if stream.peek() == "[":
            found = (each for each in islice(elements(stream), _MAX_SAMPLES) if isinstance(each, dict))
            head = next(found, {})
            return head, _recognise(head, file.name)
        head = {}
        for key in members(stream):
            head[key] = None
            # The last one accepts what no other does.
            if (program := _recognise(head, file.name)) is not None and program is not JSON_LINES:
                return head, program
            if stream.peek() in ("[", "{"):
                stream.skip_value()
            else:
                head[key] = stream.value()
    return head, _recognise(head, file.name)


def _recognise(head: Mapping[str, Any], name: str) -> Program | None:
    return next((each for each in PROGRAMS.values() if each.recognises(head, name)), None)
