"""``apus-chat conversations``: look at what is there, bring in, take out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.cli import export
from app.cli.output import print_columns, print_json, to_plain
from app.conversation import Conversation, Message
from app.export.json_import import import_conversations
from app.messages import sentence
from app.store.conversation_trees import ImportResult
from app.store.store import ConversationStore


def conversations(
    store: ConversationStore, arguments: argparse.Namespace, late_formats: export.LateFormats | None = None
) -> int:
    """Run a ``conversations`` action; raises UserError as the store and the exporters do.

    ``late_formats`` are export formats that this part of the program cannot make by itself.
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
            export.export(store, arguments, late_formats or {})
        case "import":
            _tell_import(import_conversations(store, Path(arguments.path)), arguments.json)
        case "backup":
            store.backup(Path(arguments.path))
            if arguments.json:
                print_json({"path": arguments.path})
        case "restore":
            kept = store.restore_backup(Path(arguments.path))
            if arguments.json:
                print_json({"path": arguments.path, "before": kept.path})
            else:
                print_columns([(f"restored; what was here before is kept in {kept.path}",)])
    return 0


def _tell_import(result: ImportResult, as_json: bool) -> None:
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
