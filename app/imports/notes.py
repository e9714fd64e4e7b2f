"""Notes in the place of what can't be imported, in the language of the interface.

A note begins with a mark, which is translated last: ids that are made of texts are the same in each language.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from app.translation import QT_TRANSLATE_NOOP

MAX_INPUT_CHARACTERS, MAX_OUTPUT_CHARACTERS = 100_000, 2_000
"""Tool calls and their results are cut after this."""
KINDS = PICTURE, FILE, TOOL = "pictures", "files", "tool calls"
"""What is counted."""
_MARK = "\0{}\0"
_TEXTS = {
    PICTURE: QT_TRANSLATE_NOOP("import", "Picture, not imported"),
    FILE: QT_TRANSLATE_NOOP("import", "File, not imported"),
    TOOL: QT_TRANSLATE_NOOP("import", "Tool call"),
    "result": QT_TRANSLATE_NOOP("import", "Result of the tool"),
    "error": QT_TRANSLATE_NOOP("import", "Error"),
}


class Notes:
    """Makes the notes as Markdown, and counts them by kind."""

    def __init__(self, translate: Callable[[str], str] = str) -> None:
        self._translate = translate
        self.counts: Counter[str] = Counter()

    def picture(self, name: object = "") -> str:
        """Return the note of a picture."""
        return self._note(PICTURE, name)

    def file(self, name: object = "") -> str:
        """Return the note of another file, such as a sound."""
        return self._note(FILE, name)

    def tool_call(self, name: object, arguments: object, language: str = "") -> str:
        """Return the note of a tool call with its arguments: text, or JSON."""
        return f"{self._note(TOOL, name)}\n\n{fenced(_text(arguments)[:MAX_INPUT_CHARACTERS], language)}"

    def tool_result(self, name: object, result: object) -> str:
        """Return the note of the result of a tool call; empty where there is none."""
        text = _text(result).strip()
        if not text:
            return ""
        cut = text[:MAX_OUTPUT_CHARACTERS] + (" …" if len(text) > MAX_OUTPUT_CHARACTERS else "")
        return f"{self._note('result', name)}\n\n{fenced(cut)}"

    def error(self, message: object) -> str:
        """Return the note of an error that ended an answer."""
        return self._note("error", message)

    def translated(self, text: str) -> str:
        """Return a text with its marks replaced."""
        if "\0" in text:
            for kind, label in _TEXTS.items():
                text = text.replace(_MARK.format(kind), self._translate(label))
        return text

    def _note(self, kind: str, name: object) -> str:
        if kind in KINDS:
            self.counts[kind] += 1
        text = " ".join(_text(name).split())[:1000]
        return f"> {_MARK.format(kind)}" + (f": {text}" if text else "")


def fenced(text: str, language: str = "") -> str:
    """Return a Markdown code block."""
    longest = max((len(row) for row in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def joined(*parts: str) -> str:
    """Return paragraphs, without the empty ones."""
    return "\n\n".join(filter(str.strip, parts))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:
        return "…"
