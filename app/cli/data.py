"""``apus-chat conversations``: look at what is there, bring in, take out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.chat.conversation import Conversation, Message
from app.cli.output import print_columns, print_json, to_plain
from app.export.export import export_conversations, import_conversations
from app.store.store import ConversationStore


def conversations(store: ConversationStore, arguments: argparse.Namespace) -> int:
    """Run a ``conversations`` action; raises UserError as the store and the exporters do."""
    match arguments.action:
        case "list":
            _list_conversations(store.list(), arguments.json)
        case "show":
            _show(store.get(arguments.id), store.messages(arguments.id), arguments.json)
        case "search":
            hits = store.search(arguments.text)
            if arguments.json:
                print_json([{key: value for key, value in to_plain(hit).items() if key != "span"} for hit in hits])
            else:
                print_columns([(hit.conversation_id, hit.title, hit.snippet) for hit in hits])
        case "export":
            wanted = None if arguments.id == "all" else [arguments.id]
            paths = export_conversations(store, wanted, arguments.format, Path(arguments.out))
            if arguments.json:
                print_json({"paths": paths})
            else:
                print_columns([(str(path),) for path in paths])
        case "import":
            result = import_conversations(store, Path(arguments.path))
            if arguments.json:
                print_json(result)
            else:
                print_columns(
                    [(f"{result.conversations_added} conversations and {result.messages_added} messages added",)]
                )
        case "backup":
            store.backup(Path(arguments.path))
            if arguments.json:
                print_json({"path": arguments.path})
    return 0


def _list_conversations(found: list[Conversation], as_json: bool) -> None:
    if as_json:
        keys = ("id", "title", "message_count", "updated_at", "model_id")
        print_json([{key: to_plain(getattr(each, key)) for key in keys} for each in found])
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
