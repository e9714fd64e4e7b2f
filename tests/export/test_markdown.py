from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from app.conversation import Attachment, ConversationTree, Status
from app.export.export import FORMATS, export_conversations
from app.export.formats import ExportLabels, ExportOptions, ThoughtExport
from app.export.markdown import close_fence, pieces
from app.store.store import ConversationStore
from tests.export.conftest import PROVENANCE
from tests.export.tree_builders import answered


def markdown(tree: ConversationTree, options: ExportOptions) -> str:
    return "".join(pieces(tree, options))


def reported(store: ConversationStore, conversation_id: str, **options: object) -> str:
    (tree,) = store.trees([conversation_id])
    return markdown(tree, ExportOptions(**options))


def headings(text: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(text)
    return [
        f"{token.tag} {tokens[number + 1].content}"
        for number, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0
    ]


def test_shown_branch_is_written_unchanged(store: ConversationStore, conversation_id: str) -> None:
    assert (
        reported(store, conversation_id, metadata=False)
        == """\
# 天空的颜色

## System prompt

请简短回答。

---

## You

为什么天是蓝的?

---

## Assistant

# 原因

因为**瑞利散射**。

---

## You

And at sunset?

---

## Assistant

```python
print('红')
```

*(interrupted)* `engine_died`
"""
    )


def test_details_of_an_answer(store: ConversationStore, conversation_id: str) -> None:
    text = reported(store, conversation_id)
    (answer,) = [message for message in store.branch(conversation_id) if message.provenance is not None]
    assert (
        f"""
因为**瑞利散射**。

> - Time: `{answer.created_at:%Y-%m-%d %H:%M:%S} UTC`
> - Model: `APUS-xDAN-4.0-MoE`
> - Quantisation: `Q2_K`
> - File SHA-256: `{"ab" * 32}`
> - Memory layout: `context 4096; tensor split 1, 2`
> - Seed: `7`
> - Sampling: `temperature 0.8, top_p 0.95, top_k 40, min_p 0.05, top_n_sigma 0, repeat_penalty 1, max_tokens 100, \
stop '</s>'`
> - Prompt tokens: `12`
> - Answer tokens: `34`
> - Stop reason: `stop`
> - Tokens per second: `8.25`
> - Engine: `llama.cpp (llama-cpp-python 0.3.36)`
> - Program: `0.1.0`

---
"""
        in text
    )
    assert text.count("> - Time") == 2


@pytest.mark.parametrize(
    ("model_id", "endpoint", "name"),
    [
        ("starter", "", "SmolLM2 135M Instruct"),
        ("/home/zhang/models/Qwen3-4B.Q4_K_M.gguf", "", "Qwen3-4B.Q4_K_M.gguf"),
        (r"C:\Users\zhang\Qwen3-4B.Q4_K_M.gguf", "", "Qwen3-4B.Q4_K_M.gguf"),
        ("server:1f/qwen/qwen3-4b", "http://127.0.0.1:8000/v1", "qwen/qwen3-4b"),
    ],
)
def test_models_are_named_without_their_folders(model_id: str, endpoint: str, name: str) -> None:
    answer = answered("hi")
    provenance = replace(PROVENANCE, model_id=model_id, endpoint=endpoint)
    tree = replace(answer, messages=tuple(replace(each, provenance=provenance) for each in answer.messages))
    assert f"> - Model: `{name}`" in markdown(tree, ExportOptions())


def test_labels_in_another_language(store: ConversationStore, conversation_id: str) -> None:
    text = reported(store, conversation_id, labels=ExportLabels(user="你", assistant="助手", system="系统提示词"))
    assert headings(text)[:4] == ["h1 天空的颜色", "h2 系统提示词", "h2 你", "h2 助手"]


@pytest.mark.parametrize("title", ["*a* _b_ `c` [d](e) <f> &amp; \\g", "1. one", "# two", "two\nlines"])
def test_title_is_escaped(store: ConversationStore, title: str) -> None:
    conversation = store.create(title=title)
    tokens = MarkdownIt("commonmark").parse(reported(store, conversation.id))
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    assert "".join(child.content for child in tokens[1].children or []) == title.replace("\n", " ")


def test_conversation_without_title(store: ConversationStore) -> None:
    assert reported(store, store.create().id) == "# Conversation\n"


OPEN = [
    "```",
    "text\n```python\ncode",
    "~~~\n```\ncode",
    "````\n```\n````x\n```",
    "```\none\n```\n\n```two",
    "- item\n\n  ```\n  code",
    "- ```\n  code",
    "10. ```\n    code\n    ```\n\nAfter\n\n```\ncode",
    "1. first\n   ```sh\n   ls\n",
    "> ```\n> code",
]
CLOSED = [
    "",
    "plain",
    "```\ncode\n```",
    "```\ncode\n`````  ",
    "``` a`b\ntext",
    "inline ``` in a line",
    "    ```\n    indented code",
    "- ```\n  code\n  ```\n- next",
    "10. ```\n    code\n    ```",
    "~~~\n```\n~~~",
    "# Heading\n\nUnderlined\n---",
]


@pytest.mark.parametrize("content", OPEN + CLOSED)
def test_open_fence_is_closed(store: ConversationStore, content: str) -> None:
    conversation = store.create(title="T")
    _, answer = store.begin_turn(conversation.id, content)
    store.finish_answer(answer.id, content, Status.COMPLETE)
    store.begin_turn(conversation.id, "last")
    found = headings(reported(store, conversation.id, metadata=False))
    assert [heading for heading in found if heading in ("h2 You", "h2 Assistant")] == [
        "h2 You",
        "h2 Assistant",
        "h2 You",
        "h2 Assistant",
    ]


@pytest.mark.parametrize("content", CLOSED)
def test_closed_fence_is_unchanged(content: str) -> None:
    assert close_fence(content) == content


def test_file_is_written(store: ConversationStore, conversation_id: str, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "sky.md"
    assert export_conversations(store, [conversation_id], FORMATS["md"], path) == [path]
    assert path.read_bytes() == reported(store, conversation_id).encode()


def test_thoughts_as_a_quote_folded_or_left_out() -> None:
    tree = answered("<think>\nidea\n```\ncode</details>\n</think>\n\nanswer", provenance=None)
    kept, folded, dropped = (markdown(tree, ExportOptions(metadata=False, thoughts=each)) for each in ThoughtExport)
    assert (
        "<details>\n<summary>Thoughts</summary>\n\n> idea\n> ```\n> code</details>\n> ```\n\n</details>\n\nanswer"
        in folded
    )
    assert "> **Thoughts**\n>\n> idea" in kept
    assert "idea" not in dropped
    assert headings(folded) == ["h1 Title", "h2 You", "h2 Assistant"]


def test_attachment_stays_in_its_fence() -> None:
    text = markdown(answered("a", attachments=(Attachment("n`.md", "x\n````\n# no heading\n"),)), ExportOptions())
    assert "**Attachment: n\\`.md**\n\n`````\nx\n````\n# no heading\n`````\n\n?" in text
    assert headings(text) == ["h1 Title", "h2 You", "h2 Assistant"]
