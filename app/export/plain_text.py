"""The plain text format: the shown branch, answers without their Markdown marks, questions as they were typed."""

from __future__ import annotations

from collections.abc import Iterator

from app.conversation import ConversationTree, Role
from app.export.entries import MAX_PARSED, ExportedMessage, entries, thought_label, title_of
from app.export.formats import ExportFormat, ExportOptions, one_conversation
from app.markdown.blocks import plain_text
from app.translation import QT_TRANSLATE_NOOP

WIDTH = 72


def pieces(tree: ConversationTree, options: ExportOptions) -> Iterator[str]:
    """Yield the conversation as text that ends with one line break."""
    space = ""
    for line in _lines(tree, options):
        text = line.rstrip()
        if text:
            yield space
            yield text
            space = ""
        space += line[len(text) :] + "\n"
    yield "\n"


def _lines(tree: ConversationTree, options: ExportOptions) -> Iterator[str]:
    title = title_of(tree, options)
    yield from (title, "=" * min(WIDTH, max(3, len(title))), "")
    if tree.conversation.system_prompt:
        yield from (f"[{options.labels.system}]", tree.conversation.system_prompt.strip("\n"), "")
    for entry in entries(tree, options):
        yield from _entry(entry, options)


def _entry(entry: ExportedMessage, options: ExportOptions) -> Iterator[str]:
    yield "-" * WIDTH
    yield f"[{entry.speaker}]"
    for attachment in entry.message.attachments:
        if attachment.picture is not None:
            yield from ("", f"[{options.labels.of_picture(attachment, attachment.picture)}]", "")
            continue
        name = " ".join(attachment.name.split())
        yield from ("", f"[{options.labels.attachment}: {name}]", attachment.content.strip("\n"), "")
    if entry.thought:
        yield from ("", f"[{thought_label(entry, options)}]", *(f"| {line}" for line in entry.thought.splitlines()), "")
    if entry.text.strip():
        is_parsed = entry.message.role is Role.ASSISTANT and len(entry.text) <= MAX_PARSED
        yield plain_text(entry.text_blocks) if is_parsed else entry.text.strip("\n")
    if entry.status:
        yield f"({entry.status}{f': {entry.error}' if entry.error else ''})"
    if entry.details:
        yield ""
        yield from (f"  {label}: {' '.join(value.split())}" for label, value in entry.details)
    yield ""


PLAIN_TEXT = ExportFormat(
    "txt",
    QT_TRANSLATE_NOOP("export", "Plain text"),
    QT_TRANSLATE_NOOP("export", "Questions and answers without formatting. Pictures are mentioned by name only."),
    one_conversation(pieces),
    is_pasteable=True,
)
