"""Pictures in the exports of other programs: data URLs become pictures, anything else a note."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.export.export import FORMATS
from app.export.formats import ExportOptions
from app.imports.importer import import_conversations, preview_import
from app.store.store import ConversationStore
from tests.export.tree_builders import answered
from tests.rigs.pictures import attached, png_bomb

CAT = attached()
assert CAT.picture is not None
URL = CAT.picture.data_url


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(tmp_path / "data") as opened:
        yield opened


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value) + "\n")
    return path


def said(content: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "A cat."}]}


@pytest.mark.parametrize(
    "part",
    [{"type": "image_url", "image_url": {"url": URL}}, {"type": "input_image", "image_url": URL}],
)
def test_json_lines(store: ConversationStore, tmp_path: Path, part: dict[str, Any]) -> None:
    path = written(tmp_path / "chat.jsonl", said([part, {"type": "text", "text": "What is this?"}]))
    import_conversations(store, path)
    import_conversations(store, path)
    (tree,) = store.trees()
    question = tree.messages[0]
    assert question.content == "What is this?"
    (attachment,) = question.attachments
    assert attachment.picture is not None
    assert (attachment.name, attachment.picture.width, attachment.picture.height) == ("picture.png", 40, 20)


def test_our_own_json_lines_come_back(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(
        FORMATS["jsonl"].write([answered("A cat.", question="What?", attachments=(CAT,))], ExportOptions())
    )
    import_conversations(store, path)
    (attachment,) = store.trees()[0].messages[0].attachments
    assert attachment.picture is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cat.png",
        "data:image/png;base64,!!!",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:text/html;base64,PGI+",
        "file:///etc/passwd",
        None,
        5,
    ],
)
def test_other_addresses_become_notes(store: ConversationStore, tmp_path: Path, url: object) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What?"}]
    path = written(tmp_path / "chat.jsonl", said(content))
    assert preview_import(store, path).notes["pictures"] == 1
    import_conversations(store, path)
    question = store.trees()[0].messages[0]
    assert question.attachments == ()
    assert question.content == "> Picture, not imported\n\nWhat?"


def test_bomb_becomes_a_note(store: ConversationStore, tmp_path: Path) -> None:

    url = f"data:image/png;base64,{base64.b64encode(png_bomb()).decode()}"
    part = {"type": "image_url", "image_url": {"url": url}}
    import_conversations(store, written(tmp_path / "chat.jsonl", said([part, {"type": "text", "text": "What?"}])))
    assert store.trees()[0].messages[0].attachments == ()


def test_open_webui(store: ConversationStore, tmp_path: Path) -> None:
    files = [{"type": "image", "url": URL, "name": "cat.png"}, {"type": "image", "url": "/api/v1/files/7/content"}]
    messages = {
        "1": {"id": "1", "parentId": None, "role": "user", "content": "What is this?", "files": files},
        "2": {"id": "2", "parentId": "1", "role": "assistant", "content": "A cat."},
    }
    chat = {"id": "c", "title": "Cat", "chat": {"history": {"messages": messages, "currentId": "2"}}}
    import_conversations(store, written(tmp_path / "chats.json", [chat]))
    question = store.trees()[0].messages[0]
    assert [each.name for each in question.attachments] == ["cat.png"]
    assert question.attachments[0].picture is not None
    assert question.content.startswith("> Picture, not imported")
