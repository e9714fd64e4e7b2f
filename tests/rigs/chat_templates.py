"""Chat templates of well-known models, ten conversations, and what transformers makes of them.

    python tests/rigs/chat_templates.py FOLDER OUT.json.xz        needs transformers 5, which the suite does not

``FOLDER`` has one ``NAME.jinja`` for each template.  ``OUT.json.xz`` gets, by name, the template and for each
conversation a hash of the prompt, or null where the template refuses the conversation.  ``tests/data`` has the
templates of llama.cpp's folder ``models/templates`` and of its ``tests/test-chat-template.cpp`` (MIT) whose models have
the licence MIT or Apache 2.0, such templates of huggingface.js (``packages/jinja/test/e2e.test.js``, MIT), and those of
the repository chujiezheng/chat_templates (MIT), whose names begin with ``community``.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

BOS, EOS = "<s>", "</s>"
NOW = datetime(2026, 3, 5, 7, 8, 9)
_CODE = "Fix this:\n\n```python\nfor i in range(3):\n\tprint(f'{i:>2}')  # {{ i }}\n```\n"
_QUESTION = ("user", "How deep is the sea?")
CONVERSATIONS = (
    (_QUESTION,),
    (("system", "You are brief."), _QUESTION),
    (_QUESTION, ("assistant", "3.7 km."), ("user", "And the Baltic?")),
    (
        ("system", "Answer in rhymes.\n\nAlways."),
        *(each for turn in range(5) for each in (("user", f"Question {turn}?"), ("assistant", f"Answer {turn}."))),
        ("user", "And?"),
    ),
    (_QUESTION, ("assistant", "3.7 km.", "The mean depth.\nNot the deepest."), ("user", "And the deepest place?")),
    (("user", "海有多深？ 😀 עברית e\u0301"), ("assistant", "约 3.7 公里。"), ("user", "谢谢！")),
    (
        ("system", "  padded\n"),
        ("user", "\n\n  leading and trailing \t\n"),
        ("assistant", " \nYes.\n\n"),
        ("user", "?"),
    ),
    (
        ("user", "{{ 7 * 7 }} {% raw %} <b>&amp;</b> \\n \\u0041 'single' \"double\""),
        ("assistant", "49"),
        ("user", "#"),
    ),
    (("system", "Review code."), ("user", _CODE), ("assistant", _CODE, "A tab.\n\n- A brace."), ("user", "Thanks.")),
    (
        ("system", "Think."),
        _QUESTION,
        ("assistant", "", "Cut"),
        ("user", "Go on."),
        ("assistant", "So."),
        ("user", "?"),
    ),
)
"""Role, content and thought of each message."""


def plain_messages(conversation: tuple[tuple[str, ...], ...]) -> list[dict[str, str]]:
    names = ("role", "content", "reasoning_content", "thinking")
    return [dict(zip(names, (*message, *message[2:]), strict=False)) for message in conversation]


def digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()[:16]


def main() -> None:
    from transformers.utils import chat_template_utils

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return NOW

    chat_template_utils.datetime = Clock
    table = {}
    for path in sorted(Path(sys.argv[1]).glob("*.jinja")):
        source, prompts = path.read_text(encoding="utf-8"), []
        for conversation in CONVERSATIONS:
            try:
                rendered, _ = chat_template_utils.render_jinja_template(
                    [plain_messages(conversation)],
                    chat_template=source,
                    add_generation_prompt=True,
                    bos_token=BOS,
                    eos_token=EOS,
                )
                prompts.append(digest(rendered[0]))
            except Exception as error:
                print(path.stem, type(error).__name__, str(error)[:100])
                prompts.append(None)
        table[path.stem] = {"prompts": prompts, "source": source}
    Path(sys.argv[2]).write_bytes(lzma.compress(json.dumps(table, ensure_ascii=False, indent=0).encode()))


if __name__ == "__main__":
    main()
