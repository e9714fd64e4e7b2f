"""``apus-chat conversations export``: one conversation, one message or everything into files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app.cli.output import print_columns, print_json
from app.export.export import FORMATS, export_conversations, export_message
from app.export.formats import Format, Options, Thoughts
from app.formulas import FormulaRenderer
from app.messages import sentence
from app.store.store import ConversationStore
from model_manager.errors import UserError

LateFormats = Mapping[str, Callable[[], Format]]
"""Formats that are made only when they are asked for: what they need is slow to start."""


def export(store: ConversationStore, arguments: argparse.Namespace, late: LateFormats) -> None:
    """Write, and tell the files; raises UserError as the exporters do."""
    name = arguments.format
    chosen = late[name]() if name in late else FORMATS[name]
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
            _belongs(store, arguments.message, arguments.id)
            paths = export_message(store, arguments.message, chosen, out, options)
        else:
            wanted = None if arguments.id == "all" else [arguments.id]
            paths = export_conversations(store, wanted, chosen, out, options)
    finally:
        formula_renderer.close()
    if arguments.json:
        print_json({"paths": paths})
    else:
        print_columns([(str(path),) for path in paths])


def _belongs(store: ConversationStore, message_id: str, conversation_id: str) -> None:
    if conversation_id not in ("all", store.message(message_id).conversation_id):
        raise UserError("message_missing", id=message_id)


def _warn(code: str, data: Mapping[str, object]) -> None:
    sys.stderr.write(f"apus-chat: {sentence(UserError(code, **data))}\n")
