"""From a branch of a conversation to the messages that are sent."""

from __future__ import annotations

from collections.abc import Sequence

from app.chat.conversation import Message, Role, Status
from app.chat.source import PromptMessage
from model_manager.catalogue import find_entry

TITLE_CHARACTERS = 48


def prompt_messages(system_prompt: str, branch: Sequence[Message]) -> tuple[PromptMessage, ...]:
    """The system prompt and the branch.  An answer that never came, and the question it left open, are not sent.

    ``branch`` ends with the question to be answered.
    """
    sent: list[PromptMessage] = []
    if system_prompt.strip():
        sent.append(PromptMessage(Role.SYSTEM, system_prompt))
    for place, message in enumerate(branch):
        is_last = place == len(branch) - 1
        if message.role is Role.ASSISTANT and not message.content.strip():
            continue
        if message.role is Role.USER and not is_last and not _was_answered(branch[place + 1]):
            continue
        sent.append(PromptMessage(message.role, message.content))
    return tuple(sent)


def first_system_prompt(chosen: str, model_id: str) -> str:
    """The system prompt of a new conversation: the person's, else the one that the model's makers recommend."""
    entry = find_entry(model_id)
    return chosen or (entry.recommended.system_prompt if entry and entry.recommended else "")


def title_from(question: str) -> str:
    """A title for a conversation from its first question: its first line, cut at a word."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    if len(line) <= TITLE_CHARACTERS:
        return line
    cut = line[: TITLE_CHARACTERS - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[TITLE_CHARACTERS // 2 :] else cut
    return at_word.rstrip() + "…"


def _was_answered(following: Message) -> bool:
    return following.role is Role.ASSISTANT and (following.status is Status.COMPLETE or bool(following.content.strip()))
