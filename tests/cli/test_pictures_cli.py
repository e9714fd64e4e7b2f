"""``chat --attach`` with pictures, as a process against a server."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from app.bounds import PICTURE_SIDE
from app.picture_header import read_header
from app.store.store import ConversationStore
from tests.cli.test_context_cli import chat
from tests.rigs.openai_server import openai_server
from tests.rigs.pictures import picture_file
from tests.rigs.tiny_model import write_tiny_model


def test_picture_is_sent_and_stored(tmp_path: Path) -> None:
    photo = tmp_path / "photo.webp"
    photo.write_bytes(picture_file("WEBP", (3000, 1500)))
    with openai_server(context=16384) as server:
        options = ("--endpoint", server.url, "--message", "What is this?", "--attach", str(photo))
        done = chat(tmp_path / "data", *options)
        (body,) = server.chats()
    assert (done.returncode, json.loads(done.stdout)["finish_reason"]) == (0, "stop"), done.stderr
    (part, text) = body["messages"][-1]["content"]
    sent = base64.b64decode(part["image_url"]["url"].partition(",")[2])
    assert text["text"] == "What is this?"
    header = read_header(sent)
    assert header is not None
    assert header[1:] == (PICTURE_SIDE, PICTURE_SIDE // 2)
    with ConversationStore.open(tmp_path / "data" / "conversations") as store:
        question, _ = store.branch(json.loads(done.stdout)["conversation_id"])
    (attachment,) = question.attachments
    assert attachment.picture is not None
    assert (attachment.name, attachment.picture.data) == ("photo.webp", sent)


def test_local_model_without_pictures_says_so_before_it_is_loaded(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture_file())
    model = write_tiny_model(tmp_path / "blind.gguf")
    options = ("--model", str(model), "--message", "What is this?", "--attach", str(photo), "--no-save")
    done = chat(tmp_path / "data", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        " doesn't read pictures. Choose a model that does, or remove the pictures from the question.\n"
    )


def test_damaged_picture_is_one_sentence(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture_file(size=(300, 300))[:100])
    done = chat(tmp_path / "data", "--endpoint", "http://127.0.0.1:9", "--message", "x", "--attach", str(photo))
    assert (done.returncode, done.stdout) == (1, "")
    assert "photo.png is damaged and can't be shown." in done.stderr
