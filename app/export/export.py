"""Conversations of a store to files, and files to a store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from app.export.entries import only_message, watched, way_to
from app.export.file_names import free_name, name_key
from app.export.formats import Format, Options
from app.export.html import HTML
from app.export.json_format import JSON
from app.export.json_reader import read_conversations
from app.export.jsonl import JSONL
from app.export.markdown import MARKDOWN
from app.export.plain_text import PLAIN
from app.store.conversation_trees import ConversationTree, ImportResult, Refused
from app.store.store import ConversationStore
from model_manager.disk.files import disk_errors, make_folder, write_atomically
from model_manager.errors import UserError

FORMATS: Mapping[str, Format] = {"md": MARKDOWN, "html": HTML, "json": JSON, "txt": PLAIN, "jsonl": JSONL}
"""Formats by the name a person types; those that need Qt are added from outside."""
WHOLE_TREE = "json"
"""Holds what is stored as it is stored, so one message is written with those that led to it there, too."""


def export_conversations(
    store: ConversationStore,
    conversation_ids: Sequence[str] | None,
    format_name: str,
    out_path: Path,
    options: Options | None = None,
    formats: Mapping[str, Format] = FORMATS,
) -> list[Path]:
    """Write conversations, or all of them, and tell the files that were written, each whole or not at all.

    One conversation, or any number in a format that holds many, becomes the file ``out_path``, which is replaced; in
    a folder that is there it becomes a new file with a name of its own.  Several in another format become new files
    in the folder ``out_path``, which is made.  Nothing else in a folder is ever replaced.

    Raises:
        UserError: ``export_format_unknown`` (format, known), ``export_folder_needed`` (path): there is a file where a
            folder is needed, ``conversation_missing`` (id), ``disk_full`` (path), ``file_not_writable`` (path,
            detail), and what the store raises.
        Cancelled: the watch of the options ended it; what was written until then is removed.
    """
    chosen, options = _format(format_name, formats), options or Options()
    trees = store.trees(conversation_ids)
    alone = conversation_ids is not None and len(conversation_ids) == 1
    if not (alone or chosen.many_in_one_file):
        return _write_each(trees, chosen, out_path, options)
    return [_write_one(trees[0].conversation.title if alone else "", trees, chosen, out_path, options)]


def export_message(
    store: ConversationStore,
    message_id: str,
    format_name: str,
    out_path: Path,
    options: Options | None = None,
    formats: Mapping[str, Format] = FORMATS,
) -> list[Path]:
    """Write one message to a file, or into a folder that is there; formats that need it hold what led to it as well.

    Raises:
        UserError: ``message_missing`` (id), and as ``export_conversations``.
        Cancelled: the watch of the options ended it.
    """
    chosen = _format(format_name, formats)
    tree = message_tree(store, message_id, alone=not chosen.needs_the_way and format_name != WHOLE_TREE)
    return [_write_one(tree.conversation.title, [tree], chosen, out_path, options or Options())]


def message_tree(store: ConversationStore, message_id: str, *, alone: bool) -> ConversationTree:
    """A message with its conversation, alone or with the messages that led to it.

    Raises:
        UserError: ``message_missing`` or ``conversation_missing`` (id), and what the store raises.
    """
    (tree,) = store.trees([store.message(message_id).conversation_id])
    if all(each.id != message_id for each in tree.messages):
        raise UserError("message_missing", id=message_id)
    return only_message(tree, message_id) if alone else way_to(tree, message_id)


def _format(name: str, formats: Mapping[str, Format]) -> Format:
    if name not in formats:
        raise UserError("export_format_unknown", format=name, known=sorted(formats))
    return formats[name]


def _write_one(title: str, trees: Sequence[ConversationTree], chosen: Format, out_path: Path, options: Options) -> Path:
    if out_path.is_dir():
        return _write_beside(title, trees, chosen, out_path, _names_in(out_path), options)
    content = chosen.write(trees, options)
    make_folder(out_path.parent)
    write_atomically(out_path, content)
    return out_path


def import_conversations(store: ConversationStore, path: Path) -> ImportResult:
    """Merge a file that was exported as JSON into the store; what is there stays as it is.

    What is sound in a damaged file is taken in; the result tells what was not, and why.

    Raises:
        UserError: ``file_missing`` (path), ``file_not_readable`` (path, detail), ``import_unreadable`` (path, detail):
            nothing in it could be taken, ``import_newer`` (path, version, known), and what the store raises.
    """
    refused: list[Refused] = []
    taken = 0

    def sound() -> Iterator[ConversationTree]:
        nonlocal taken
        with path.open("rb") as file:
            for tree in read_conversations(file):
                if isinstance(tree, Refused):
                    refused.append(tree)
                else:
                    taken += 1
                    yield tree

    try:
        result = store.merge(sound())
    except FileNotFoundError as error:
        raise UserError("file_missing", path=path) from error
    except OSError as error:
        raise UserError("file_not_readable", path=path, detail=error.strerror or str(error)) from error
    except UserError as error:
        if error.code.startswith("import_"):
            raise UserError(error.code, path=path, **error.data) from error
        raise
    if refused and not taken:
        raise UserError("import_unreadable", path=path, **refused[0].error.data)
    return replace(result, refused=(*refused, *result.refused))


def _write_each(trees: Sequence[ConversationTree], chosen: Format, folder: Path, options: Options) -> list[Path]:
    if folder.exists() and not folder.is_dir():
        raise UserError("export_folder_needed", path=folder)
    is_new = not folder.exists()
    make_folder(folder)
    taken = _names_in(folder)
    written: list[Path] = []
    try:
        for tree, part in watched(trees, options):
            written.append(_write_beside(tree.conversation.title, [tree], chosen, folder, taken, part))
            part.watch.progress(1.0)
    except BaseException:
        # All of them or none: half a folder looks like a whole one.
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        if is_new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    return written


def _write_beside(
    title: str, trees: Sequence[ConversationTree], chosen: Format, folder: Path, taken: set[str], options: Options
) -> Path:
    path = folder / free_name(title, chosen.suffix, taken, untitled=options.labels.untitled)
    write_atomically(path, chosen.write(trees, options))
    taken.add(name_key(path.name))
    return path


def _names_in(folder: Path) -> set[str]:
    with disk_errors(folder):
        return {name_key(path.name) for path in folder.iterdir()}
