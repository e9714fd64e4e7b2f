"""The HTML format: one page without scripts and external resources, with its style sheet inside.

The text of a model is not trusted: every character is escaped, and a content security policy forbids everything but
the style sheet of the page, so that no markup could run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app import __version__
from app.config.paths import resources
from app.conversation import ConversationTree
from app.export.entries import ParsedEntry, parsed_entries, thought_label, title_of
from app.export.formats import Format, Options, Thoughts
from app.export.html_blocks import BlockWriter, code_html, escape
from app.markdown.parser import parse_part
from app.translation import QT_TRANSLATE_NOOP

POLICY = "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def page(tree: ConversationTree, options: Options) -> str:
    """Return the whole document."""
    writer = BlockWriter(options.formula_renderer)
    # The style sheet contains rules for the formulas of the body.
    body = "\n".join(_body(tree, options, writer))
    sheet = f"\n{style_sheet()}\n{writer.style_rules()}\n"
    return "\n".join((*_head(tree, options, sheet), body, "</html>")) + "\n"


@lru_cache(maxsize=1)
def style_sheet() -> str:
    """Return the style rules of every page."""
    return (resources() / "export" / "page.css").read_text("utf-8").strip()


def policy(sheet: str) -> str:
    """Return a content security policy that allows this style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return POLICY.format(digest=digest)


def _head(tree: ConversationTree, options: Options, sheet: str) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield f'<html lang="{escape(options.labels.language)}">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy(sheet)}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f'<meta name="generator" content="APUS Chat {__version__}">'
    yield f"<title>{escape(title_of(tree, options))}</title>"
    yield f"<style>{sheet}</style>"
    yield "</head>"


def _body(tree: ConversationTree, options: Options, writer: BlockWriter) -> Iterator[str]:
    labels, conversation = options.labels, tree.conversation
    title = title_of(tree, options)
    yield "<body>"
    yield "<main>"
    moment = conversation.created_at
    yield f'<header>\n<h1 dir="auto">{escape(title)}</h1>'
    yield f'<p><time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M} UTC</time></p>\n</header>'
    if conversation.system_prompt:
        yield f'<details class="system">\n<summary>{escape(labels.system)}</summary>'
        prompt = writer.html(parse_part(conversation.system_prompt))
        yield f'<div class="quiet" dir="auto">\n{prompt}\n</div>\n</details>'
    for parsed in parsed_entries(tree, options):
        yield from _article(parsed, options, writer)
    yield "</main>"
    yield "</body>"


def _article(parsed: ParsedEntry, options: Options, writer: BlockWriter) -> Iterator[str]:
    labels, entry = options.labels, parsed.entry
    yield f'<article class="{entry.message.role.value}">\n<h2 class="speaker">{escape(entry.speaker)}</h2>'
    for attachment in entry.message.attachments:
        name = " ".join(attachment.name.split())
        yield f'<details class="attachment">\n<summary>{escape(f"{labels.attachment}: {name}")}</summary>'
        yield f"{code_html(attachment.content)}\n</details>"
    if entry.thought:
        opened = " open" if options.thoughts is Thoughts.KEEP else ""
        yield f'<details class="thought"{opened}>\n<summary>{escape(thought_label(entry, options))}</summary>'
        yield f'<div class="said" dir="auto">\n{writer.html(parsed.thought)}\n</div>\n</details>'
    if parsed.text:
        yield f'<div class="said" dir="auto">\n{writer.html(parsed.text)}\n</div>'
    if entry.status:
        code = f" <code>{escape(entry.error)}</code>" if entry.error else ""
        yield f'<p class="status">({escape(entry.status)}){code}</p>'
    if entry.details:
        yield f'<details class="facts">\n<summary>{escape(labels.details)}</summary>\n<dl>'
        yield from (f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in entry.details)
        yield "</dl>\n</details>"
    yield "</article>"


def _write(trees: Sequence[ConversationTree], options: Options) -> bytes:
    return page(trees[0], options).encode()


HTML = Format(
    "html",
    QT_TRANSLATE_NOOP("export", "HTML page"),
    QT_TRANSLATE_NOOP("export", "Opens in any browser, with formulas and colours; loads no external content."),
    _write,
)
