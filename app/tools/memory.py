"""The built-in tools ``remember`` and ``forget``, for the facts that the user wants to be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.config.settings import Settings
from app.store.store import ConversationStore
from app.tools.server import MEMORY, Tool, ToolResult
from model_manager.cancellation import CancelToken

REMEMBERED, FORGOTTEN = "Remembered.", "Forgotten."
UNKNOWN = "There is no such fact, or more than one. Give its whole text."
_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
_REMEMBER = Tool(
    MEMORY,
    "remember",
    "Keep a fact about the user for later conversations. Only where the user asks for it. One short sentence.",
    _SCHEMA,
)
_UNASKED = replace(
    _REMEMBER,
    description="Keep a fact about the user for later conversations. Where the user asks for it, and also unasked, "
    "where the user mentions something lasting: who they are, what they work on, like or plan. Not what is known "
    "already, no secrets. One short sentence.",
)
_FORGET = Tool(
    MEMORY, "forget", "Delete a fact that was kept about the user. Only where the user asks for it.", _SCHEMA
)


class MemoryTools:
    """The tools, over the facts of the store.  Thread-safe."""

    name = MEMORY

    def __init__(self, settings: Callable[[], Settings], store: ConversationStore) -> None:
        self._settings, self._store = settings, store

    @property
    def is_ready(self) -> bool:
        """Whether the user lets models have facts."""
        return self._settings().memory

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools."""
        return (_UNASKED if self._settings().memory_unasked else _REMEMBER), _FORGET

    @property
    def unasked(self) -> frozenset[str]:
        """Those that the user lets be called without asking."""
        return frozenset({_REMEMBER.name} if self._settings().memory_unasked else ())

    def call(self, name: str, arguments: Mapping[str, Any], token: CancelToken) -> ToolResult:
        """Keep or delete a fact.

        Raises:
            UserError: as ``FactStore.add_fact``.
            Cancelled: ``token`` was cancelled.
        """
        token.raise_if_cancelled()
        text = str(arguments.get("text") or "")
        if name == "remember":
            self._store.add_fact(text)
            return ToolResult(REMEMBERED)
        wanted, facts = " ".join(text.split()).casefold(), self._store.facts()
        same = [each for each in facts if each.text.casefold() == wanted]
        found = same or [each for each in facts if wanted and wanted in each.text.casefold()]
        if len(found) != 1:
            return ToolResult(UNKNOWN, is_error=True)
        self._store.delete_fact(found[0].id)
        return ToolResult(FORGOTTEN)
