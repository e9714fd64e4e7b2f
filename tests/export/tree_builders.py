"""Conversations for exporters, without a store."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from app.conversation import Attachment, Conversation, ConversationTree, Message, Provenance, Role, Status

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src="http://evil.example/x.png" onerror="alert(1)">',
    "[click](javascript:alert(1)) [file](file:///etc/passwd) [data](data:text/html,<script>1</script>)",
    "![picture](http://evil.example/pixel.png)",
    '"><svg onload=alert(1)><style>@import url(http://evil.example)</style>',
    "</code></pre></article></main><iframe src=//evil.example></iframe>",
    "`</style><script>alert(1)</script>`",
    "```html\n</pre><script>alert(1)</script>\n```",
    '```"onmouseover=alert(1)\ncode\n```',
    "| <b onclick=x> | [a](vbscript:x) |\n|---|---|\n| <base href=//evil.example> | <meta http-equiv=refresh> |",
    "<think><script>alert(1)</script></details><script>alert(2)</script></think>after",
    "a\u202etxt.exe\u202c b\u2066c\u2069",
    "nul \0 bell \x07 escape \x1b[31m half \ud800 last \uffff \U0001ffff",
    '[x](https://example.org/"onclick="alert(1)) <https://example.org/?a=(b)\\c>',
    "$\\text{</svg><script>alert(1)</script>}$ $\\href{javascript:alert(1)}{x}$",
    "&lt;script&gt; &#x3c;script&#x3e; &amp;",
    ">" * 1000 + " deep",
    "\n".join("  " * depth + "- item" for depth in range(300)),
]


def answered(
    content: str,
    *,
    question: str = "?",
    title: str = "Title",
    system: str = "",
    provenance: Provenance | None = None,
    status: Status = Status.COMPLETE,
    attachments: tuple[Attachment, ...] = (),
) -> ConversationTree:
    """A question and its answer."""
    return talk(
        (Role.USER, question),
        (Role.ASSISTANT, content),
        title=title,
        system=system,
        provenance=provenance,
        status=status,
        attachments=attachments,
    )


def talk(
    *said: tuple[Role, str],
    title: str = "Title",
    system: str = "",
    provenance: Provenance | None = None,
    status: Status = Status.COMPLETE,
    attachments: tuple[Attachment, ...] = (),
) -> ConversationTree:
    """A conversation without branches; ``status`` is the last message's, ``attachments`` are the first one's."""
    conversation_id = str(uuid.uuid4())
    messages: list[Message] = []
    for number, (role, content) in enumerate(said):
        messages.append(
            Message(
                id=str(uuid.uuid4()),
                conversation_id=conversation_id,
                parent_id=messages[-1].id if messages else None,
                role=role,
                status=status if number == len(said) - 1 else Status.COMPLETE,
                content=content,
                created_at=NOW + timedelta(seconds=number),
                provenance=provenance if role is Role.ASSISTANT else None,
                attachments=attachments if number == 0 else (),
            )
        )
    conversation = Conversation(
        id=conversation_id,
        title=title,
        created_at=NOW,
        updated_at=NOW,
        system_prompt=system,
        leaf_id=messages[-1].id if messages else None,
        message_count=len(messages),
    )
    return ConversationTree(conversation, tuple(messages))


class Page(HTMLParser):
    """Every tag with its attributes, and the text, as the parser of Python sees them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("style", "title"):
            self._hidden = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of this name."""
        return [attributes for name, attributes in self.tags if name == tag]
