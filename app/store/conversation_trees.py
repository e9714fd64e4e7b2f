"""Whole conversations as they are exported and imported."""

from __future__ import annotations

from dataclasses import dataclass

from app.conversation import Conversation, Message
from model_manager.errors import UserError


@dataclass(frozen=True)
class ConversationTree:
    """A conversation with all its messages, parents before their children."""

    conversation: Conversation
    messages: tuple[Message, ...]

    def branch(self) -> list[Message]:
        """Return the messages of the selected branch, from the root to the leaf."""
        by_id = {message.id: message for message in self.messages}
        branch = []
        message_id = self.conversation.leaf_id
        while message_id is not None:
            branch.append(by_id[message_id])
            message_id = by_id[message_id].parent_id
        return branch[::-1]


@dataclass(frozen=True)
class Refused:
    """A conversation that was not imported: its title, or its place in the file, and the reason."""

    what: str
    error: UserError


@dataclass(frozen=True)
class ImportResult:
    """What an import added; ``messages_added`` includes those of new conversations."""

    conversations_added: int
    messages_added: int
    refused: tuple[Refused, ...] = ()

    def __add__(self, other: ImportResult) -> ImportResult:
        """Return the sum of two results."""
        return ImportResult(
            self.conversations_added + other.conversations_added,
            self.messages_added + other.messages_added,
            self.refused + other.refused,
        )
