"""The Markdown format: the shown branch, each message as it was written below a rule and the name of its speaker.

Code fences that a message leaves open are closed, because they would swallow what follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.conversation import ConversationTree
from app.export.entries import ExportedMessage, entries, thought_label, title_of
from app.export.formats import ExportFormat, ExportOptions, ThoughtExport, one_conversation
from app.markdown.blocks import fenced, longer_run
from app.translation import QT_TRANSLATE_NOOP

_FENCE = re.compile(r"(?P<indent> {0,3})(?:(?P<item>[-*+]|\d{1,9}[.)]) {1,4})?(?P<run>`{3,}|~{3,})(?P<rest>.*)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SPECIAL = re.compile(r"[\\`*_\[\]<&]")


def pieces(tree: ConversationTree, options: ExportOptions) -> Iterator[str]:
    """Yield the conversation as text that ends with a line break."""
    for number, block in enumerate(_blocks(tree, options)):
        yield "\n\n" if number else ""
        yield block
    yield "\n"


def close_fence(content: str) -> str:
    """Return ``content`` with its last code block closed."""
    opened = None
    for line in _LINE_END.split(content):
        indent = len(line) - len(line.lstrip(" "))
        if opened is not None and opened["item"] and line.strip() and indent < opened.start("run"):
            # A fence in a list item ends with the item.
            opened = None
        match = _FENCE.fullmatch(line)
        if match is None:
            continue
        run, rest = match["run"], match["rest"]
        if opened is None:
            if run[0] == "~" or "`" not in rest:
                opened = match
        elif run[0] == opened["run"][0] and len(run) >= len(opened["run"]) and not rest.strip() and not match["item"]:
            opened = None
    if opened is None or opened["item"]:
        return content
    return f"{content.rstrip()}\n{opened['indent']}{opened['run']}"


def _blocks(tree: ConversationTree, options: ExportOptions) -> Iterator[str]:
    labels = options.labels
    yield f"# {_escape(title_of(tree, options))}"
    if tree.conversation.system_prompt:
        yield f"## {labels.system}"
        yield close_fence(tree.conversation.system_prompt)
    for entry in entries(tree, options):
        yield "---"
        yield f"## {entry.speaker}"
        for attachment in entry.message.attachments:
            if attachment.picture is not None:
                yield f"**{_escape(labels.of_picture(attachment, attachment.picture))}**"
                continue
            yield f"**{_escape(f'{labels.attachment}: {attachment.name}')}**"
            yield fenced(attachment.content.rstrip())
        if entry.thought:
            yield _thought(entry, options)
        if entry.text.strip():
            yield close_fence(entry.text)
        if entry.status:
            yield f"*({entry.status})*" + (f" {_code(entry.error)}" if entry.error else "")
        if entry.details:
            yield "\n".join(f"> - {label}: {_code(value)}" for label, value in entry.details)


def _thought(entry: ExportedMessage, options: ExportOptions) -> str:
    label, text = _escape(thought_label(entry, options)), close_fence(entry.thought)
    quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    if options.thoughts is ThoughtExport.FOLD:
        # In a quote no tag of the thought can close the element around it.
        return f"<details>\n<summary>{label}</summary>\n\n{quoted}\n\n</details>"
    return f"> **{label}**\n>\n{quoted}"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _code(text: str) -> str:
    line = " ".join(text.split())
    if "`" not in line:
        return f"`{line}`"
    mark = longer_run(line, 1)
    return f"{mark} {line} {mark}"


MARKDOWN = ExportFormat(
    "md",
    QT_TRANSLATE_NOOP("export", "Markdown"),
    QT_TRANSLATE_NOOP(
        "export",
        "The versions of messages that are shown, as text for reading or for use in other programs. Pictures are "
        "mentioned by name only.",
    ),
    one_conversation(pieces),
    folds_thoughts=True,
    is_pasteable=True,
)
