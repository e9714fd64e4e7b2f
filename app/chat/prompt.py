"""Prompt: the messages of a branch as they are sent to a chat backend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from app.backend import PromptMessage
from app.conversation import Attachment, Message, Role, Sampling, Status
from app.thoughts import split_thought
from model_manager.hub.catalogue import find_entry

ATTACHED = "File “{name}”:"
"""Line above an attachment in the prompt."""


def prompt_messages(system_prompt: str, branch: Sequence[Message]) -> tuple[PromptMessage, ...]:
    """Return the system prompt and the branch, without empty answers and their questions.

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
        sent.append(_prompt_message(message))
    return tuple(sent)


def answer_message(content: str, id_: str = "", *, is_pinned: bool = False) -> PromptMessage:
    """Return an earlier answer, with its thought apart: chat templates decide whether they repeat it."""
    thought, _, answer = split_thought(content)
    answer = answer if answer == content else answer.lstrip("\n")
    return PromptMessage(Role.ASSISTANT, answer, id_, is_pinned, thought.strip("\n"))


def first_system_prompt(chosen: str, model_id: str) -> str:
    """Return the system prompt of a new conversation: the user's, else the one recommended for the model."""
    entry = find_entry(model_id)
    return chosen or (entry.system_prompt if entry else "")


def default_sampling(chosen: Sampling, model_id: str) -> Sampling:
    """Return the sampling of the settings with what the model needs where the user has chosen nothing else.

    At temperature 0 the most probable token is promised.
    """
    entry = find_entry(model_id)
    if entry is None or not chosen.temperature or chosen.repeat_penalty != Sampling.repeat_penalty:
        return chosen
    return replace(chosen, repeat_penalty=entry.repeat_penalty)


def with_attachments(message: Message) -> str:
    """Return the content of a message with its attachments above, each fenced and under its name."""
    return "\n\n".join([*map(_fenced, message.attachments), *([message.content] if message.content else [])])


def _fenced(attachment: Attachment) -> str:
    # Longer than any fence in the text.
    rows = re.findall(r"`{3,}", attachment.content)
    fence = "`" * max(3, *(len(row) + 1 for row in rows), 3)
    end = "" if attachment.content.endswith("\n") else "\n"
    return f"{ATTACHED.format(name=attachment.name)}\n\n{fence}\n{attachment.content}{end}{fence}"


def _prompt_message(message: Message) -> PromptMessage:
    if message.role is Role.ASSISTANT:
        return answer_message(message.content, message.id, is_pinned=message.is_pinned)
    return PromptMessage(message.role, with_attachments(message), message.id, message.is_pinned)


def _was_answered(following: Message) -> bool:
    return following.role is Role.ASSISTANT and (following.status is Status.COMPLETE or bool(following.content.strip()))
