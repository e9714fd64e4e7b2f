"""What an import format is: a program whose files it recognises and reads."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from app.config.presets import Preset
from app.conversation import Attachment, ConversationTree, FolderContent, SkippedConversation
from app.documents.attachments import clean_name
from app.documents.pictures import PictureReader
from app.imports.draft import Draft, build
from app.imports.json_stream import JsonStream, elements, lines
from app.imports.notes import Notes
from app.store.foreign_database import ForeignDatabase, foreign_database
from app.store.records import clean_text
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.json_file import JsonError
from model_manager.errors import UserError

SUFFIXES = (".json", ".jsonl", ".ndjson")
"""Names of files with JSON."""
_DATABASE_MARK = b"SQLite format 3\0"

Item: TypeAlias = ConversationTree | FolderContent | Preset | SkippedConversation


@dataclass(frozen=True)
class ImportedFile:
    """A file that may contain conversations, on disk or in an archive."""

    name: str
    """Path in the chosen folder or archive, with slashes."""
    modified: datetime
    """Time of messages and conversations without one."""
    open: Callable[[], AbstractContextManager[BinaryIO]]
    """Opens the content.  Reading raises ``OSError``, ``UserError`` and ``Cancelled``."""
    beside: Callable[[str], ImportedFile | None] = lambda _name: None
    """Returns the file of this name in the same folder."""
    notes: Notes = field(default_factory=Notes)
    head: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the first object with its scalar values, for recognition."""
    cancel: CancelToken = NEVER_CANCELLED
    pictures: PictureReader | None = None

    def picture(self, url: object, name: str = "") -> Attachment | None:
        """Return the picture in a data URL (RFC 2397); None for another address, and where it can't be read."""
        head, _, data = (url if isinstance(url, str) else "").partition(",")
        if self.pictures is None or not (head.startswith("data:image/") and head.endswith(";base64")):
            return None
        with suppress(ValueError, UserError):
            name = clean_name(name) if name else f"picture.{head[len('data:image/') : -len(';base64')]}"
            return self.pictures.read(base64.b64decode(data), name, self.cancel)
        return None

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the folders above the file."""
        return tuple(self.name.split("/")[:-1])

    @property
    def stem(self) -> str:
        """Name without folders and the last suffix."""
        name = self.name.rpartition("/")[2]
        return name.rpartition(".")[0] or name

    @property
    def is_database(self) -> bool:
        """Whether it is a SQLite database."""
        if self.name.lower().endswith(SUFFIXES):
            return False
        with self.open() as content:
            return content.read(len(_DATABASE_MARK)) == _DATABASE_MARK

    @contextmanager
    def database(self) -> Iterator[ForeignDatabase]:
        """Open a copy of the database.  Raises as ``open`` and ``foreign_database``."""
        log = self.beside(f"{self.name.rpartition('/')[2]}-wal")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "copy.sqlite")
            for file, suffix in ((self, ""), (log, "-wal")):
                if file is not None:
                    with file.open() as content, Path(f"{path}{suffix}").open("wb") as copy:
                        shutil.copyfileobj(content, copy, 1 << 20)
            with foreign_database(path, self.cancel) as database:
                yield database

    def objects(self) -> Iterator[dict[str, Any] | JsonError]:
        """Yield the objects of a list, of a file with one per line, or the only one; ``JsonError`` for damaged ones."""
        with self.open() as content:
            stream = JsonStream(content)
            for value in (elements if stream.peek() == "[" else lines)(stream):
                yield value if isinstance(value, dict | JsonError) else JsonError("not an object")


@dataclass(frozen=True)
class Program:
    """A program whose conversations can be imported."""

    name: str
    """As on the command line."""
    label: str
    recognises: Callable[[Mapping[str, Any], str], bool]
    """Whether a file is one of this program, by the head of its first object and its name."""
    read: Callable[[ImportedFile], Iterator[Item]]


def program(
    name: str,
    label: str,
    recognises: Callable[[Mapping[str, Any], str], bool],
    drafts: Callable[[ImportedFile], Iterator[Draft | SkippedConversation]],
) -> Program:
    """Return a program whose conversations are read as drafts."""

    def read(file: ImportedFile) -> Iterator[Item]:
        for number, draft in enumerate(drafts(file)):
            if isinstance(draft, SkippedConversation):
                yield draft
            elif (tree := build(name, label, draft, file.modified, file.notes)) is not None:
                yield tree
            elif draft.messages:
                what = clean_text(draft.title) or f"{file.name} [{number}]"
                yield SkippedConversation(what, UserError("import_empty"))

    return Program(name, label, recognises, read)


def each_object(
    convert: Callable[[dict[str, Any], ImportedFile], Draft | None],
) -> Callable[[ImportedFile], Iterator[Draft | SkippedConversation]]:
    """Return a reader of files in which each object is a conversation.

    ``convert`` returns None for an object of another layout.
    """

    def drafts(file: ImportedFile) -> Iterator[Draft | SkippedConversation]:
        for number, values in enumerate(file.objects()):
            place = f"{file.name} [{number}]"
            if isinstance(values, JsonError):
                yield SkippedConversation(place, UserError("import_unfit", detail=str(values)))
                continue
            draft = convert(values, file)
            yield draft if draft is not None else SkippedConversation(place, UserError("import_layout"))

    return drafts
