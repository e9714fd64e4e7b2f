"""``apus-chat conversations``: list, show, search, export, import, back up and restore."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app.cli.output import print_columns, print_json, to_plain
from app.conversation import Conversation, ImportResult, Message
from app.export.export import FORMATS, export_conversations, export_message
from app.export.formats import Format, Options, Thoughts
from app.export.json_import import import_conversations
from app.formulas import FormulaRenderer
from app.messages import sentence
from app.store.store import ConversationStore
from model_manager.errors import UserError

LazyFormats = Mapping[str, Callable[[], Format]]
"""Export formats that are created on demand, because their libraries are slow to load."""


def run(store: ConversationStore, arguments: argparse.Namespace, lazy_formats: LazyFormats) -> int:
    """Run a ``conversations`` action.

    ``lazy_formats``: export formats that need the window's libraries.

    Raises:
        UserError: as the store and the exporters.
    """
    match arguments.action:
        case "list":
            _list_conversations([*store.list(), *store.list(archived=True)], arguments.json)
        case "show":
            _show(store.get(arguments.id), store.messages(arguments.id), arguments.json)
        case "search":
            hits = store.search(arguments.text)
            if arguments.json:
                print_json([{key: value for key, value in to_plain(hit).items() if key != "span"} for hit in hits])
            else:
                print_columns([(hit.conversation_id, hit.title, hit.snippet) for hit in hits])
        case "export":
            _export(store, arguments, lazy_formats)
        case "import":
            _print_import(import_conversations(store, Path(arguments.path)), arguments.json)
        case "backup":
            store.backup(Path(arguments.path))
            if arguments.json:
                print_json({"path": arguments.path})
        case "restore":
            replaced = store.restore_backup(Path(arguments.path))
            if arguments.json:
                print_json({"path": arguments.path, "before": replaced.path})
            else:
                print_columns([(f"Restored. The previous data was backed up to {replaced.path}",)])
    return 0


def _export(store: ConversationStore, arguments: argparse.Namespace, lazy_formats: LazyFormats) -> None:
    name = arguments.format
    chosen = lazy_formats[name]() if name in lazy_formats else FORMATS[name]
    formula_renderer = FormulaRenderer()
    options = Options(
        metadata=not arguments.no_metadata,
        thoughts=Thoughts(arguments.thoughts),
        all_branches=arguments.all_branches,
        unfinished=arguments.unfinished,
        paper=arguments.paper,
        formula_renderer=formula_renderer,
        warn=_warn,
    )
    out = Path(arguments.out)
    try:
        if arguments.message:
            if arguments.id not in ("all", store.message(arguments.message).conversation_id):
                raise UserError("message_missing", id=arguments.message)
            paths = export_message(store, arguments.message, chosen, out, options)
        else:
            ids = None if arguments.id == "all" else [arguments.id]
            paths = export_conversations(store, ids, chosen, out, options)
    finally:
        formula_renderer.close()
    if arguments.json:
        print_json({"paths": paths})
    else:
        print_columns([(str(path),) for path in paths])


def _warn(code: str, data: Mapping[str, object]) -> None:
    sys.stderr.write(f"apus-chat: {sentence(UserError(code, **data))}\n")


def _print_import(result: ImportResult, as_json: bool) -> None:
    refused = [(each.what, sentence(each.error)) for each in result.refused]
    if as_json:
        print_json(
            {
                "conversations_added": result.conversations_added,
                "messages_added": result.messages_added,
                "refused": [{"what": what, "reason": reason} for what, reason in refused],
            }
        )
    else:
        added = f"{result.conversations_added} conversations and {result.messages_added} messages added"
        print_columns([(added,), *((f"{what}: {reason}",) for what, reason in refused)])


def _list_conversations(found: list[Conversation], as_json: bool) -> None:
    if as_json:
        keys = ("id", "title", "message_count", "updated_at", "model_id")
        print_json(
            [
                {
                    **{key: to_plain(getattr(each, key)) for key in keys},
                    "pinned": each.is_pinned,
                    "archived": each.archived_at is not None,
                }
                for each in found
            ]
        )
    else:
        print_columns([(each.id, f"{each.updated_at:%Y-%m-%d %H:%M}", each.title) for each in found])


def _show(conversation: Conversation, messages: list[Message], as_json: bool) -> None:
    if as_json:
        print_json({**to_plain(conversation), "messages": messages})
        return
    sys.stdout.write(conversation.title + "\n")
    for message in messages:
        note = "" if message.status == "complete" else f" ({message.status})"
        sys.stdout.write(f"\n[{message.role}{note}]\n{message.content}\n")
