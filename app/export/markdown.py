"""A conversation as Markdown: the branch that is shown, each message as it was written under the name of its speaker.

Headings inside a message stay as they are; a rule above each speaker tells the messages apart all the same.  A fence
that a message leaves open is closed, or it would swallow everything after it; so is one in a thought, which stands in a
quote, or in the ``details`` that GitHub and most readers fold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from app.export.entries import Entry, entries, thought_label, title_of
from app.export.formats import Format, Options, Thoughts
from app.store.conversation_trees import ConversationTree

_FENCE = re.compile(r"(?P<indent> {0,3})(?:(?P<item>[-*+]|\d{1,9}[.)]) {1,4})?(?P<run>`{3,}|~{3,})(?P<rest>.*)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SPECIAL = re.compile(r"[\\`*_\[\]<&]")
_BACKTICKS = re.compile(r"`{3,}")


def markdown(tree: ConversationTree, options: Options) -> str:
    """The conversation as one text that ends with a line break."""
    return "\n\n".join(_blocks(tree, options)) + "\n"


def close_fence(content: str) -> str:
    """``content``, with the code block closed that it leaves open."""
    opened = None
    for line in _LINE_END.split(content):
        if opened is not None and opened["item"] and line.strip() and _indent(line) < opened.start("run"):
            # One that begins in a list item ends with the item.
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


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _write(trees: Sequence[ConversationTree], options: Options) -> bytes:
    return markdown(trees[0], options).encode()


MARKDOWN = Format(suffix=".md", many_in_one_file=False, write=_write)


def _blocks(tree: ConversationTree, options: Options) -> Iterator[str]:
    labels = options.labels
    yield f"# {_escaped(title_of(tree, options))}"
    if tree.conversation.system_prompt:
        yield f"## {labels.system}"
        yield close_fence(tree.conversation.system_prompt)
    for each in entries(tree, options):
        yield "---"
        yield f"## {each.speaker}"
        for attachment in each.attachments:
            yield f"**{_escaped(f'{labels.attachment}: {attachment.name}')}**"
            yield fenced(attachment.content)
        if each.thought:
            yield _thought(each, options)
        if each.text.strip():
            yield close_fence(each.text)
        if each.status:
            yield f"*({each.status})*" + (f" {_code(each.error)}" if each.error else "")
        if each.facts:
            yield "\n".join(f"> - {label}: {_code(value)}" for label, value in each.facts)


def _thought(entry: Entry, options: Options) -> str:
    label, text = _escaped(thought_label(entry, options)), close_fence(entry.thought)
    quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    if options.thoughts is Thoughts.FOLD:
        # The quote keeps a tag that the thought may hold from closing the fold around it.
        return f"<details>\n<summary>{label}</summary>\n\n{quoted}\n\n</details>"
    return f"> **{label}**\n>\n{quoted}"


def fenced(content: str) -> str:
    """A text as it is, in a fence that it cannot end."""
    fence = "`" * max([3, *(len(run) + 1 for run in _BACKTICKS.findall(content))])
    return f"{fence}\n{content.rstrip()}\n{fence}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _code(text: str) -> str:
    line = " ".join(text.split())
    if "`" not in line:
        return f"`{line}`"
    longest = max(map(len, re.findall(r"`+", line)))
    return f"{'`' * (longest + 1)} {line} {'`' * (longest + 1)}"
