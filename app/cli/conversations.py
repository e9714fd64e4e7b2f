"""``apus-chat conversations``: list, show, search, export, import, back up and restore."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from app.cli.output import attributes, print_json, print_note, print_result
from app.cli.progress import ProgressLine, cancel_on_interrupt
from app.config.presets import Presets
from app.export.export import FORMATS, export_conversations, export_folder, export_message
from app.export.formats import ExportFormat, ExportOptions, ThoughtExport
from app.formulas import FormulaRenderer
from app.imports.importer import import_conversations, preview_import
from app.messages import sentence
from app.store.backups import RECOVERABLE, replace_damaged
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

PdfFormat: TypeAlias = Callable[[], ExportFormat]
"""Creates the PDF format, which needs the window's libraries."""


def run(store: ConversationStore, presets: Presets, arguments: argparse.Namespace, pdf_format: PdfFormat) -> None:
    """Run a ``conversations`` action.

    Raises:
        UserError: as the store and the exporters.
    """
    as_json = arguments.json
    match arguments.action:
        case "list":
            keys = ("id", "title", "message_count", "updated_at", "model_id")
            found = [*store.list(), *store.list(archived=True)]
            if arguments.folder is not None:
                inside = set(store.conversations_in(store.find_folder(arguments.folder).id))
                found = [each for each in found if each.id in inside]
            names = _folder_names(store)
            print_result(
                as_json,
                [
                    {
                        **attributes(each, *keys),
                        "pinned": each.is_pinned,
                        "archived": each.archived_at is not None,
                        "folder": names.get(each.folder_id or ""),
                    }
                    for each in found
                ],
                [(each.id, f"{each.updated_at:%Y-%m-%d %H:%M}", each.title) for each in found],
            )
        case "show":
            _show(store, arguments)
        case "search":
            folder_id = None if arguments.folder is None else store.find_folder(arguments.folder).id
            hits = store.search(arguments.text, arguments.limit + 1, folder_id=folder_id)
            if len(hits) > arguments.limit:
                hits.pop()
                print_note(f"only the newest {arguments.limit} results are shown; --limit N shows more")
            rows = [(hit.conversation_id, hit.title, hit.snippet) for hit in hits]
            values = [attributes(hit, "conversation_id", "message_id", "title", "snippet") for hit in hits]
            print_result(as_json, values, rows)
        case "export":
            paths = _export(store, presets, arguments, pdf_format)
            print_result(as_json, {"paths": paths}, [(str(path),) for path in paths])
        case "import":
            _import(store, presets, arguments)
        case "backup":
            store.backup(Path(arguments.path))
            print_result(as_json, {"path": arguments.path}, [])
        case "restore":
            before = store.restore_backup(Path(arguments.path)).path
            row = (f"Restored. The previous data was backed up to {before}",)
            print_result(as_json, {"path": arguments.path, "before": before}, [row])


def recover(folder: Path, arguments: argparse.Namespace, error: UserError) -> None:
    """Restore a backup where that is the action, in place of a database that ``error`` says can't be opened.

    Raises:
        UserError: ``error`` for everything else, and as ``replace_damaged``.
    """
    if arguments.action != "restore" or error.code not in RECOVERABLE:
        raise error
    aside = replace_damaged(folder, Path(arguments.path))
    before = aside if aside.exists() else None
    row = ("Restored." + (f" The damaged database was renamed to {before}" if before else ""),)
    print_result(arguments.json, {"path": arguments.path, "before": before}, [row])


def _show(store: ConversationStore, arguments: argparse.Namespace) -> None:
    conversation, messages = store.get(arguments.id), store.messages(arguments.id)
    if arguments.json:
        values = [attributes(message).items() for message in messages]
        renamed = [{"made_by" if name == "provenance" else name: value for name, value in each} for each in values]
        print_json({**attributes(conversation), "messages": renamed})
        return
    sys.stdout.write(conversation.title + "\n")
    for message in messages:
        note = "" if message.status == "complete" else f" ({message.status})"
        sys.stdout.write(f"\n[{message.role}{note}]\n{message.content}\n")


def _export(
    store: ConversationStore, presets: Presets, arguments: argparse.Namespace, pdf_format: PdfFormat
) -> list[Path]:
    chosen = pdf_format() if arguments.format == "pdf" else FORMATS[arguments.format]
    formula_renderer = FormulaRenderer()
    options = ExportOptions(
        metadata=not arguments.no_metadata,
        thoughts=ThoughtExport(arguments.thoughts),
        all_branches=arguments.all_branches,
        unfinished=arguments.unfinished,
        paper=arguments.paper,
        formula_renderer=formula_renderer,
        warn=lambda code, data: print_note(UserError(code, **data)),
    )
    out = Path(arguments.out)
    try:
        if arguments.message:
            if arguments.id not in ("all", store.message(arguments.message).conversation_id):
                raise UserError("message_missing", id=arguments.message)
            return export_message(store, arguments.message, chosen, out, options)
        ids = None if arguments.id == "all" else [arguments.id]
        if arguments.folder is not None and ids is None:
            folder = store.find_folder(arguments.folder)
            if out.suffix.lower() == ".zip":
                return [export_folder(store, folder.id, out, options, presets)]
            ids = store.conversations_in(folder.id)
        return export_conversations(store, ids, chosen, out, options)
    finally:
        formula_renderer.close()


def _folder_names(store: ConversationStore) -> dict[str, str]:
    """Return the paths of all folders, as ``Work/Reports``."""
    folders = store.folders()
    names = {each.id: each.name for each in folders}
    return {each.id: "/".join(filter(None, (names.get(each.parent_id or ""), each.name))) for each in folders}


def _import(store: ConversationStore, presets: Presets, arguments: argparse.Namespace) -> None:
    path, cancel = Path(arguments.path), CancelToken()
    with cancel_on_interrupt(cancel.cancel), ProgressLine("import", quiet=True) as line:
        if arguments.dry_run:
            preview = preview_import(store, path, arguments.from_program, progress=line.show, cancel=cancel)
            refused = preview.refused
        else:
            result = import_conversations(
                store, path, arguments.from_program,
                progress=line.show, cancel=cancel, add_preset=presets.add_missing,
            )  # fmt: skip
            refused = [*result.refused]
    problems = [{"what": each.what, "reason": sentence(each.error)} for each in refused]
    rows = [(f"{each['what']}: {each['reason']}",) for each in problems]
    if arguments.dry_run:
        names = ("programs", "conversations", "messages", "already_there", "first", "last", "notes")
        found = f"{preview.conversations} conversations and {preview.messages} messages"
        texts = [f"{found} from {', '.join(preview.programs)}"]
        if preview.folders:
            texts.append(f"{len(preview.folders)} folders")
        if preview.first and preview.last:
            texts.append(f"{preview.first:%Y-%m-%d} to {preview.last:%Y-%m-%d}")
        texts.append(f"{preview.already_there} conversations exist already")
        texts += [f"not imported, but noted in the text: {count} {kind}" for kind, count in preview.notes.items()]
        values = {**attributes(preview, *names), "folders": len(preview.folders), "problems": problems}
        print_result(arguments.json, values, [*((each,) for each in texts), *rows])
        return
    added = f"{result.conversations_added} conversations and {result.messages_added} messages added"
    print_result(
        arguments.json,
        {
            "imported": result.conversations_added,
            **attributes(result, "already_there", "conversations_added", "messages_added"),
            "problems": problems,
            "refused": problems,
        },
        [(added,), *rows],
    )
    cancel.raise_if_cancelled()
