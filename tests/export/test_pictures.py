"""Pictures in exports: lossless in JSON, embedded in HTML and PDF, data in JSON Lines, named in texts."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from pypdf import PdfReader

from app.conversation import Attachment, Picture, Status
from app.export.export import FORMATS
from app.export.formats import ExportOptions
from app.imports.importer import import_conversations
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.export.tree_builders import answered
from tests.rigs.pictures import attached, png_bomb
from ui.pdf.document import pdf_format

CAT = attached('cat "1" <b>.png', (400, 300))
TREE = answered("A cat.", question="What is this?", attachments=(CAT, Attachment("notes.txt", "purrs")))
assert CAT.picture is not None


def written(name: str) -> str:
    return FORMATS[name].write([TREE], ExportOptions(metadata=False)).decode()


def test_json_is_lossless(store: ConversationStore, other_store: ConversationStore, tmp_path: Path) -> None:
    id_ = store.create(title="Animals").id
    _, answer = store.begin_turn(id_, "What is this?", attachments=TREE.messages[0].attachments)
    store.finish_answer(answer.id, "A cat.", Status.COMPLETE)
    path = tmp_path / "all.json"
    path.write_bytes(FORMATS["json"].write(store.trees(), ExportOptions()))
    import_conversations(other_store, path)
    assert other_store.trees() == store.trees()
    assert other_store.branch(id_)[0].attachments[0] == CAT


@pytest.mark.parametrize("change", [{"data": "!!!"}, {"width": "wide"}, {"media_type": None}, {"data": None}])
def test_malformed_picture_is_refused(other_store: ConversationStore, tmp_path: Path, change: dict[str, str]) -> None:
    values = json.loads(written("json"))
    values["conversations"][0]["messages"][0]["attachments"][0]["picture"] |= change
    path = tmp_path / "all.json"
    path.write_text(json.dumps(values))
    with pytest.raises(UserError) as raised:
        import_conversations(other_store, path)
    assert raised.value.code == "import_unreadable"
    assert other_store.trees() == []


def test_bomb_in_an_export_leaves_its_name(other_store: ConversationStore, tmp_path: Path) -> None:
    values = json.loads(written("json"))
    bomb = {"data": base64.b64encode(png_bomb()).decode(), "width": 100_000, "height": 100_000}
    values["conversations"][0]["messages"][0]["attachments"][0]["picture"] |= bomb
    path = tmp_path / "all.json"
    path.write_text(json.dumps(values))
    import_conversations(other_store, path)
    (tree,) = other_store.trees()
    assert tree.messages[0].attachments[0] == replace(CAT, picture=None)


def test_html_embeds_the_picture_with_its_name() -> None:
    page = html5lib.parse(written("html"), namespaceHTMLElements=False)
    (image,) = page.iter("img")
    assert CAT.picture is not None
    assert image.attrib == {"src": CAT.picture.data_url, "alt": CAT.name, "width": "400", "height": "300"}


@pytest.mark.parametrize(
    ("name", "line"),
    [("md", r'**Picture: cat "1" \<b>.png, 400 × 300**'), ("txt", '[Picture: cat "1" <b>.png, 400 × 300]')],
)
def test_texts_name_the_picture(name: str, line: str) -> None:
    text = written(name)
    assert line in text
    assert "purrs" in text
    assert text.count("```") == (2 if name == "md" else 0)


def test_json_lines_have_the_format_of_requests() -> None:
    (line,) = written("jsonl").splitlines()
    assert CAT.picture is not None
    (first, text) = json.loads(line)["messages"][0]["content"]
    assert first == {"type": "image_url", "image_url": {"url": CAT.picture.data_url}}
    assert text["text"].endswith("What is this?")
    assert "purrs" in text["text"]


@pytest.mark.usefixtures("qapp")
def test_pdf_contains_the_picture_and_its_name() -> None:
    content = pdf_format().write([TREE], ExportOptions(metadata=False, paper="a4"))
    reader = PdfReader(io.BytesIO(content), strict=True)
    (image,) = reader.pages[0].images
    assert image.image is not None
    assert image.image.size == (400, 300)
    assert "cat" in reader.pages[0].extract_text()


@pytest.mark.usefixtures("qapp")
def test_pdf_survives_a_damaged_picture() -> None:
    assert CAT.picture is not None
    damaged = Picture("x", CAT.picture.data[:60], "image/png", 400, 300)
    tree = answered("A cat.", attachments=(replace(CAT, picture=damaged),))
    assert pdf_format().write([tree], ExportOptions(metadata=False, paper="a4"))
