"""A conversation as one HTML page that needs nothing else: no script, no network, its style sheet inside.

What a model wrote is not trusted.  It comes as blocks, whose every character is escaped, and a content security policy
forbids everything but this very style sheet: even markup that slipped through could neither run nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app import __version__
from app.config.paths import resources
from app.export.entries import thought_label, title_of
from app.export.formats import Format, Options, Thoughts
from app.export.formula_html import FormulaPictures
from app.export.html_blocks import code_html, escape, html_of
from app.export.rendered_messages import Rendered, rendered
from app.markdown.parser import parse_part
from app.store.conversation_trees import ConversationTree

POLICY = "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def page(tree: ConversationTree, options: Options) -> str:
    """The whole document."""
    pictures = FormulaPictures(options.mathematics)
    # The body first: which rules its formulas need is known at its end.
    body = "\n".join(_body(tree, options, pictures))
    sheet = f"\n{style_sheet()}\n{pictures.rules()}\n"
    return "\n".join((*_head(tree, options, sheet), body, "</html>")) + "\n"


@lru_cache(maxsize=1)
def style_sheet() -> str:
    """The rules that every page has."""
    return (resources() / "export" / "page.css").read_text("utf-8").strip()


def policy(sheet: str) -> str:
    """The content security policy: nothing from anywhere, and no style but the content of this one element."""
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


def _body(tree: ConversationTree, options: Options, pictures: FormulaPictures) -> Iterator[str]:
    labels, conversation = options.labels, tree.conversation
    title = title_of(tree, options)
    yield "<body>"
    yield "<main>"
    moment = conversation.created_at
    yield f'<header>\n<h1 dir="auto">{escape(title)}</h1>'
    yield f'<p><time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M} UTC</time></p>\n</header>'
    if conversation.system_prompt:
        yield f'<details class="system">\n<summary>{escape(labels.system)}</summary>'
        prompt = html_of(parse_part(conversation.system_prompt), pictures)
        yield f'<div class="quiet" dir="auto">\n{prompt}\n</div>\n</details>'
    for each in rendered(tree, options):
        yield from _article(each, options, pictures)
    yield "</main>"
    yield "</body>"


def _article(message: Rendered, options: Options, pictures: FormulaPictures) -> Iterator[str]:
    labels, entry = options.labels, message.entry
    yield f'<article class="{entry.message.role.value}">\n<h2 class="speaker">{escape(entry.speaker)}</h2>'
    for attachment in entry.attachments:
        name = " ".join(attachment.name.split())
        yield f'<details class="attachment">\n<summary>{escape(f"{labels.attachment}: {name}")}</summary>'
        yield f"{code_html(attachment.content)}\n</details>"
    if entry.thought:
        opened = " open" if options.thoughts is Thoughts.KEEP else ""
        yield f'<details class="thought"{opened}>\n<summary>{escape(thought_label(entry, options))}</summary>'
        yield f'<div class="said" dir="auto">\n{html_of(message.thought, pictures)}\n</div>\n</details>'
    if message.text:
        yield f'<div class="said" dir="auto">\n{html_of(message.text, pictures)}\n</div>'
    if entry.status:
        code = f" <code>{escape(entry.error)}</code>" if entry.error else ""
        yield f'<p class="status">({escape(entry.status)}){code}</p>'
    if entry.facts:
        yield f'<details class="facts">\n<summary>{escape(labels.details)}</summary>\n<dl>'
        yield from (f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in entry.facts)
        yield "</dl>\n</details>"
    yield "</article>"


def _write(trees: Sequence[ConversationTree], options: Options) -> bytes:
    return page(trees[0], options).encode()


HTML = Format(suffix=".html", many_in_one_file=False, write=_write)
