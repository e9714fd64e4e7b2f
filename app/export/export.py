"""Conversations of a store to files, and files to a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.export.formats import Format, Options
from app.export.json_format import JSON, trees_in
from app.export.markdown import MARKDOWN
from app.export.names import free_name, name_key
from app.files import file_errors, make_folder, write_whole
from app.store.store import ConversationStore
from app.store.trees import ConversationTree, ImportResult
from model_manager.errors import UserError

FORMATS: Mapping[str, Format] = {"md": MARKDOWN, "json": JSON}
"""Formats by the name a person types; the window adds those that it needs Qt for."""


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
    """
    if format_name not in formats:
        raise UserError("export_format_unknown", format=format_name, known=sorted(formats))
    chosen, options = formats[format_name], options or Options()
    trees = store.trees(conversation_ids)
    alone = conversation_ids is not None and len(conversation_ids) == 1
    if not (alone or chosen.many_in_one_file):
        return _write_each(trees, chosen, out_path, options)
    if out_path.is_dir():
        title = trees[0].conversation.title if alone else ""
        return [_write_beside(title, trees, chosen, out_path, _names_in(out_path), options)]
    make_folder(out_path.parent)
    write_whole(out_path, chosen.write(trees, options))
    return [out_path]


def import_conversations(store: ConversationStore, path: Path) -> ImportResult:
    """Merge a file that was exported as JSON into the store; what is there stays as it is.

    Raises:
        UserError: ``file_missing`` (path), ``file_not_readable`` (path, detail), ``import_unreadable`` (path, detail),
            ``import_newer`` (path, version, known), ``import_conflict`` (path, message_id, conversation_id), and what
            the store raises.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError("file_missing", path=path) from error
    except OSError as error:
        raise UserError("file_not_readable", path=path, detail=error.strerror or str(error)) from error
    try:
        return store.merge(trees_in(content))
    except UserError as error:
        if error.code.startswith("import_"):
            raise UserError(error.code, path=path, **error.data) from error
        raise


def _write_each(trees: Sequence[ConversationTree], chosen: Format, folder: Path, options: Options) -> list[Path]:
    if folder.exists() and not folder.is_dir():
        raise UserError("export_folder_needed", path=folder)
    make_folder(folder)
    taken = _names_in(folder)
    return [_write_beside(tree.conversation.title, [tree], chosen, folder, taken, options) for tree in trees]


def _write_beside(
    title: str, trees: Sequence[ConversationTree], chosen: Format, folder: Path, taken: set[str], options: Options
) -> Path:
    path = folder / free_name(title, chosen.suffix, taken, untitled=options.labels.untitled)
    write_whole(path, chosen.write(trees, options))
    taken.add(name_key(path.name))
    return path


def _names_in(folder: Path) -> set[str]:
    with file_errors(folder):
        return {name_key(path.name) for path in folder.iterdir()}
