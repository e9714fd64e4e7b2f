"""Export of conversations from a store to files."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from app.config.presets import Presets
from app.conversation import ConversationTree
from app.export.entries import history
from app.export.file_names import file_name, name_key
from app.export.formats import ExportFormat, ExportOptions
from app.export.html import HTML
from app.export.json_format import JSON
from app.export.jsonl import JSONL
from app.export.markdown import MARKDOWN
from app.export.plain_text import PLAIN_TEXT
from app.store.store import ConversationStore
from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.files import disk_errors, make_folder, replacing
from model_manager.errors import UserError


def _write_pdf(_trees: Iterable[ConversationTree], _options: ExportOptions) -> Iterator[bytes]:
    raise NotImplementedError("needs Qt: ui.pdf.document.pdf_format")


PDF = ExportFormat(
    "pdf", QT_TRANSLATE_NOOP("export", "PDF"), QT_TRANSLATE_NOOP("export", "For printing or sharing."), _write_pdf
)
"""Without a writer: ``ui.pdf.document.pdf_format`` adds it."""

FORMATS: Mapping[str, ExportFormat] = {each.name: each for each in (MARKDOWN, HTML, PDF, JSON, PLAIN_TEXT, JSONL)}
"""All formats by name, in the order of the window."""


def export_conversations(
    store: ConversationStore,
    conversation_ids: Sequence[str] | None,
    format_: ExportFormat,
    out_path: Path,
    options: ExportOptions | None = None,
) -> list[Path]:
    """Write conversations, or all of them, and return the files that were written, each whole or not at all.

    One conversation, or any number in a format that holds many, becomes the file ``out_path``, which is replaced; if
    ``out_path`` is a folder, it becomes a new file there.  Several in another format become new files in the folder
    ``out_path``, which is created.  No other file of a folder is replaced.

    Raises:
        UserError: ``export_folder_needed`` (path): there is a file where a folder is needed, ``conversation_missing``
            (id), ``disk_full`` (path), ``file_not_writable`` (path, detail), and what the store raises.
        Cancelled: the export was cancelled; the files written until then are removed.
    """
    options = options or ExportOptions()
    if conversation_ids is None and format_.is_lossless:
        options = replace(options, folders=store.folder_contents())
    counts = store.message_counts(conversation_ids)
    if conversation_ids is not None and len(conversation_ids) == 1:
        (tree,) = store.trees(conversation_ids)
        return [_write_file(tree.conversation.title, [tree], format_, out_path, options)]
    trees = _trees(store, counts, options)
    if format_.many_in_one_file:
        return [_write_file("", (tree for tree, _part in trees), format_, out_path, options)]
    return _write_folder(trees, format_, out_path)


def export_folder(
    store: ConversationStore, folder_id: str, out_path: Path, options: ExportOptions, presets: Presets
) -> Path:
    """Write a folder to the archive ``out_path``: everything in it as JSON, which can be imported again.

    The user's presets of the folder and of those in it, which are among ``presets``, are written too.

    Raises:
        UserError: ``conversation_folder_missing`` (id), and as ``export_conversations``.
        Cancelled: the export was cancelled.
    """
    counts = store.message_counts(store.conversations_in(folder_id))
    folders = store.folder_contents(folder_id)
    own_presets = presets.own({each.folder.preset_id for each in folders})
    options = replace(options, folders=folders, presets=own_presets)
    make_folder(out_path.parent)
    parts = JSON.parts((tree for tree, _part in _trees(store, counts, options)), options)
    with (
        replacing(out_path) as temporary,
        disk_errors(out_path),
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(f"conversations{JSON.suffix}", "w", force_zip64=True) as file,
    ):
        file.writelines(parts)
    return out_path


def export_message(
    store: ConversationStore,
    message_id: str,
    format_: ExportFormat,
    out_path: Path,
    options: ExportOptions | None = None,
) -> list[Path]:
    """Write one message to a file, or into an existing folder; with its history where the format needs it.

    Raises:
        UserError: ``message_missing`` (id), and as ``export_conversations``.
        Cancelled: the export was cancelled.
    """
    tree = message_tree(store, message_id, format_)
    return [_write_file(tree.conversation.title, [tree], format_, out_path, options or ExportOptions())]


def message_tree(store: ConversationStore, message_id: str, format_: ExportFormat) -> ConversationTree:
    """Return the conversation of a message with this message alone, or with its history where the format needs it.

    Raises:
        UserError: ``message_missing`` or ``conversation_missing`` (id), and what the store raises.
    """
    (tree,) = store.trees([store.message(message_id).conversation_id])
    if all(each.id != message_id for each in tree.messages):
        raise UserError("message_missing", id=message_id)
    if format_.needs_history:
        return history(tree, message_id)
    (message,) = (each for each in tree.messages if each.id == message_id)
    conversation = replace(tree.conversation, leaf_id=message_id, system_prompt="", message_count=1)
    return ConversationTree(conversation, (replace(message, parent_id=None),))


def _trees(
    store: ConversationStore, counts: Mapping[str, int], options: ExportOptions
) -> Iterator[tuple[ConversationTree, ExportOptions]]:
    """Yield conversations, which have ``counts`` messages, with options whose progress is their part of the whole.

    Reports the end of each.
    """
    total, done = sum(counts.values()) + len(counts), 0
    for id_, count in counts.items():
        part = options.for_part(done / total, (1 + count) / total)
        (tree,) = store.trees([id_])
        yield tree, part
        part.report(1.0)
        done += 1 + count


def _write_file(
    title: str,
    trees: Iterable[ConversationTree],
    format_: ExportFormat,
    out_path: Path,
    options: ExportOptions,
    taken: set[str] | None = None,
) -> Path:
    """Write a file, or a new one into a folder; ``taken`` are the keys of the names there, if they are known."""
    if out_path.is_dir():
        taken = _names_in(out_path) if taken is None else taken
        out_path /= file_name(title, format_.suffix, taken, untitled=options.labels.untitled)
        taken.add(name_key(out_path.name))
    else:
        make_folder(out_path.parent)
    with replacing(out_path) as temporary, disk_errors(out_path), temporary.open("wb") as file:
        file.writelines(format_.parts(trees, options))
    return out_path


def _write_folder(
    trees: Iterable[tuple[ConversationTree, ExportOptions]], format_: ExportFormat, folder: Path
) -> list[Path]:
    if folder.exists() and not folder.is_dir():
        raise UserError("export_folder_needed", path=folder)
    is_new = not folder.exists()
    make_folder(folder)
    taken = _names_in(folder)
    written: list[Path] = []
    try:
        for tree, part in trees:
            written.append(_write_file(tree.conversation.title, [tree], format_, folder, part, taken))
    except BaseException:
        # An incomplete folder would look like a complete one.
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        if is_new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    return written


def _names_in(folder: Path) -> set[str]:
    with disk_errors(folder):
        return {name_key(path.name) for path in folder.iterdir()}
