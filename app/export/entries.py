"""A conversation as a row of entries: what the formats for readers have in common before they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.conversation import Attachment, Message, Role, Status
from app.export.formats import Options, Thoughts
from app.export.provenance import facts
from app.markdown.parser import split_thought
from app.store.conversation_trees import ConversationTree

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of the text after them, so that it reads otherwise than it is."""
_SHOWN = {ord(character): f"[U+{ord(character):04X}]" for character in OVERRIDES}


@dataclass(frozen=True)
class Entry:
    """One message, ready to be written."""

    message: Message
    speaker: str
    thought: str
    """What it wrote to itself; empty where there is none or it is left out."""
    text: str
    attachments: tuple[Attachment, ...]
    status: str
    """Empty for a message that is complete."""
    error: str
    """The code of what ended it, or nothing."""
    facts: tuple[tuple[str, str], ...]
    """Empty where they are not wanted."""


def title_of(tree: ConversationTree, options: Options) -> str:
    """One line without characters that turn its direction."""
    return visible(" ".join(tree.conversation.title.split())) or options.labels.untitled


def visible(text: str) -> str:
    """The text with characters that would turn its direction named instead of obeyed."""
    return text.translate(_SHOWN)


def entries(tree: ConversationTree, options: Options) -> Iterator[Entry]:
    """The messages of the branch that is shown; tells the watch after each how far this conversation is."""
    branch = tree.branch()
    for number, message in enumerate(branch, 1):
        yield entry(message, options)
        options.watch.progress(number / len(branch))


def entry(message: Message, options: Options) -> Entry:
    """One message as the options want it."""
    labels = options.labels
    thought, text = "", message.content
    if message.role is Role.ASSISTANT:
        thought, _closed, text = split_thought(message.content)
    return Entry(
        message=message,
        speaker={Role.SYSTEM: labels.system, Role.USER: labels.user, Role.ASSISTANT: labels.assistant}[message.role],
        thought="" if options.thoughts is Thoughts.DROP else thought.strip("\n"),
        text=text.lstrip("\n") if thought else text,
        attachments=message.attachments,
        status="" if message.status is Status.COMPLETE else labels.statuses[message.status],
        error=str((message.error or {}).get("code") or ""),
        facts=tuple(facts(message, labels)) if options.metadata and message.role is Role.ASSISTANT else (),
    )


def thought_label(entry: Entry, options: Options) -> str:
    """``Thoughts``, with the time they took where it is known."""
    seconds = entry.message.made_by.thought_s if entry.message.made_by else None
    return options.labels.thoughts + ("" if seconds is None else f" ({seconds:.1f} s)")


def only_message(tree: ConversationTree, message_id: str) -> ConversationTree:
    """The conversation with this message alone."""
    (message,) = (each for each in tree.messages if each.id == message_id)
    conversation = replace(tree.conversation, leaf_id=message_id, system_prompt="", message_count=1)
    return ConversationTree(conversation, (replace(message, parent_id=None),))


def way_to(tree: ConversationTree, message_id: str) -> ConversationTree:
    """The conversation with this message and those that led to it."""
    shown = ConversationTree(replace(tree.conversation, leaf_id=message_id), tree.messages)
    branch = tuple(shown.branch())
    count = sum(each.role is not Role.SYSTEM for each in branch)
    return ConversationTree(replace(shown.conversation, message_count=count), branch)


def branches(tree: ConversationTree) -> list[ConversationTree]:
    """One for each message that nothing follows, in the order of creation."""
    parents = {message.parent_id for message in tree.messages}
    return [way_to(tree, message.id) for message in tree.messages if message.id not in parents]


def watched(trees: Sequence[ConversationTree], options: Options) -> Iterator[tuple[ConversationTree, Options]]:
    """Each conversation with options whose watch counts it as its part of the whole."""
    sizes = [1 + len(tree.messages) for tree in trees]
    before = 0
    for tree, size in zip(trees, sizes, strict=True):
        yield tree, part_of(options, before / sum(sizes), size / sum(sizes))
        before += size


def part_of(options: Options, begin: float, share: float) -> Options:
    """The same options for a part of the work that begins at ``begin`` and is ``share`` of it."""
    progress = options.watch.progress
    return replace(options, watch=replace(options.watch, progress=lambda done: progress(begin + share * done)))
