"""Exports of other programs, made by hand in the documented layouts."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any


def write(path: Path, *values: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in values), encoding="utf-8")
    return path


def claude(folder: Path) -> Path:
    def message(id_: str, parent: str, sender: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
        at = "2025-03-01T10:00:00.123456Z"
        return {
            "uuid": id_,
            "parent_message_uuid": parent,
            "sender": sender,
            "created_at": at,
            "text": "as shown on old devices",
            "content": list(blocks),
            **more,
        }

    def text(content: str) -> dict[str, Any]:
        return {"type": "text", "text": content, "citations": []}

    nobody = "00000000-0000-4000-8000-000000000000"
    attached = [{"file_name": "notes.txt", "file_size": 5, "extracted_content": "tides"}]
    tool = {"type": "tool_use", "name": "artifacts", "input": {"title": "Sea", "content": "# Sea", "language": "md"}}
    result = {"type": "tool_result", "name": "artifacts", "content": [{"type": "text", "text": "OK"}]}
    return write(
        folder / "conversations.json",
        [
            {
                "uuid": "c-1",
                "name": "Tides",
                "created_at": "2025-03-01T09:59:00Z",
                "updated_at": "2025-03-02T00:00:00Z",
                "account": {"uuid": "me"},
                "project": {"name": "Sailing"},
                "summary": "About tides",
                "chat_messages": [
                    message(
                        "1",
                        nobody,
                        "human",
                        text("Why tides?"),
                        attachments=attached,
                        files=[{"file_name": "moon.png"}],
                    ),
                    message(
                        "2",
                        "1",
                        "assistant",
                        {"type": "thinking", "thinking": "The moon."},
                        text("Gravity."),
                        tool,
                        result,
                    ),
                    message("3", "1", "assistant", text("The moon's gravity.")),
                    message("4", "3", "human", text("谢谢")),
                ],
            }
        ],
    )


def lm_studio(folder: Path) -> Path:
    def step(text: str, **more: Any) -> dict[str, Any]:
        part = {"type": "text", "text": text}
        hidden = {"type": "text", "text": "<think>", "isStructural": True}
        return {"type": "contentBlock", "content": [hidden, part], "genInfo": {"identifier": "qwen3-8b"}, **more}

    user = {"type": "singleStep", "role": "user"}
    write(
        folder / "conversations" / "Work" / "1755014461974.conversation.json",
        {
            "name": "Harbours",
            "pinned": True,
            "createdAt": 1755014461974,
            "tokenCount": 9,
            "systemPrompt": "",
            "perChatPredictionConfig": {"fields": [{"key": "llm.prediction.systemPrompt", "value": "Be brief."}]},
            "userLastMessagedAt": 1755014480000,
            "assistantLastMessagedAt": 1755014490000,
            "messages": [
                {"versions": [{**user, "content": [{"type": "text", "text": "Rotterdam?"}]}], "currentlySelected": 0},
                {
                    "versions": [
                        {
                            "type": "multiStep",
                            "role": "assistant",
                            "steps": [
                                step("It is large.", style={"type": "thinking", "title": "Thought for 2 s"}),
                                step("The largest in Europe."),
                                {"type": "debugInfoBlock", "debugInfo": "…"},
                            ],
                        },
                        {"type": "multiStep", "role": "assistant", "steps": [step("In the Netherlands.")]},
                    ],
                    "currentlySelected": 0,
                },
                {
                    "versions": [{**user, "content": [{"type": "file", "fileType": "image", "name": "a.png"}]}],
                    "currentlySelected": 0,
                },
            ],
        },
    )
    return folder / "conversations"


def open_webui(folder: Path) -> Path:
    def message(id_: str, parent: str | None, role: str, content: str, **more: Any) -> dict[str, Any]:
        return {
            "id": id_,
            "parentId": parent,
            "childrenIds": [],
            "role": role,
            "content": content,
            "timestamp": 1741000000,
            **more,
        }

    thought = (
        '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n'
        "&gt; Salt &amp; sun\n&gt; more\n</details>\nBecause of rivers."
    )
    messages = [
        message("1", None, "user", "Why is it salty?", files=[{"type": "image", "url": "data:…"}]),
        message("2", "1", "assistant", thought, model="llama3:8b"),
        message("3", "1", "assistant", "Rivers.", model="qwen3"),
        message("4", "2", "user", "And lakes?"),
        message("5", "4", "assistant", "", model="qwen3", error={"content": "No memory"}),
    ]
    return write(
        folder / "chat-export-1741000000000.json",
        [
            {
                "id": "chat-1",
                "user_id": "me",
                "title": "Salt",
                "pinned": True,
                "archived": False,
                "folder_id": "f-1",
                "created_at": 1741000000,
                "updated_at": 1741000500,
                "meta": {"tags": ["sea", "chemistry"]},
                "chat": {
                    "title": "Salt",
                    "models": ["llama3:8b"],
                    "params": {"system": "Be kind."},
                    "history": {"currentId": "5", "messages": {each["id"]: each for each in messages}},
                },
            }
        ],
    )


def jan(folder: Path) -> Path:
    def message(id_: str, role: str, *content: dict[str, Any], at: int) -> dict[str, Any]:
        return {
            "id": id_,
            "object": "thread.message",
            "thread_id": "jan_1",
            "role": role,
            "created_at": at,
            "content": list(content),
            "status": "ready",
            "metadata": {},
        }

    def text(value: str) -> dict[str, Any]:
        return {"type": "text", "text": {"value": value, "annotations": []}}

    thread = folder / "threads" / "jan_1"
    assistant = {"assistant_id": "jan", "model": {"id": "gemma-3"}, "instructions": "Answer as a pilot."}
    write(
        thread / "thread.json",
        {
            "id": "jan_1",
            "object": "thread",
            "messages": [],
            "title": "Fog",
            "created": 1698983500,
            "updated": 1698983900,
            "assistants": [assistant],
            "metadata": {"is_favorite": True},
        },
    )
    write(
        thread / "messages.jsonl",
        message("0", "assistant", {"type": "reasoning", "text": {"value": "Air."}}, text("Cold air."), at=1698983504),
        message("0", "user", text("Why fog?"), {"type": "image_url", "image_url": {"url": "x"}}, at=1698983503),
    )
    return folder / "threads"


def silly_tavern(folder: Path) -> Path:
    header = {
        "user_name": "Anna",
        "character_name": "Ahab",
        "create_date": "2024-5-6 @07h 08m 09s 10ms",
        "chat_metadata": {"integrity": "i-1"},
    }
    greeting = {"name": "Ahab", "is_user": False, "send_date": "May 6, 2024 7:08am", "mes": "Ahoy."}
    question = {"name": "Anna", "is_user": True, "send_date": "May 6, 2024 7:09am", "mes": "Where is it?"}
    answer = {
        "name": "Ahab",
        "is_user": False,
        "send_date": "May 6, 2024 7:10am",
        "mes": "There!",
        "swipe_id": 1,
        "swipes": ["Below.", "There!"],
        "extra": {"reasoning": "White.", "model": "mistral"},
        "swipe_info": [{"extra": {"model": "llama"}}, {"extra": {}}],
    }
    chats = folder / "chats" / "Ahab"
    write(chats / "Ahab - 2024-5-6.jsonl", header, greeting, question, answer)
    other = {**question, "mes": "Is it near?"}
    write(chats / "Branch #1.jsonl", {**header, "chat_metadata": {"main_chat": "Ahab"}}, greeting, other)
    return folder / "chats"


def cherry_studio(folder: Path) -> Path:
    def message(id_: str, role: str, **more: Any) -> dict[str, Any]:
        return {
            "id": id_,
            "role": role,
            "topicId": "t-1",
            "createdAt": "2025-06-01T08:00:00.000Z",
            "blocks": [f"{id_}-2", f"{id_}-1"],
            **more,
        }

    def block(id_: str, number: int, kind: str, content: str, **more: Any) -> dict[str, Any]:
        return {"id": f"{id_}-{number}", "messageId": id_, "type": kind, "content": content, **more}

    topic = {
        "id": "t-1",
        "name": "Winds",
        "pinned": True,
        "createdAt": "2025-06-01T08:00:00.000Z",
        "updatedAt": "2025-06-02T08:00:00.000Z",
        "assistantId": "stale",
    }
    assistants = {
        "defaultAssistant": {"topics": []},
        "assistants": [{"id": "a-1", "name": "气象", "prompt": "You know winds.", "topics": [topic]}],
    }
    qwen, glm = {"id": "qwen-max", "name": "Qwen Max"}, {"id": "glm-4"}
    values = {
        "time": 1748764800000,
        "version": 5,
        "localStorage": {"persist:cherry-studio": json.dumps({"assistants": json.dumps(assistants)})},
        "indexedDB": {
            "topics": [
                {
                    "id": "t-1",
                    "messages": [
                        message("q", "user"),
                        message("a", "assistant", askId="q", model=qwen),
                        message("b", "assistant", askId="q", model=glm, modelId="glm-4", foldSelected=True),
                        message("r", "user"),
                    ],
                },
                {"id": "empty", "messages": []},
            ],
            "message_blocks": [
                block("q", 1, "main_text", "什么是信风?"),
                block("a", 1, "main_text", "Trade winds."),
                block("a", 2, "thinking", "Tropics."),
                block("b", 1, "code", "wind()", language="python"),
                block("b", 2, "main_text", "See:"),
                block("r", 1, "file", "", file={"origin_name": "map.pdf"}),
                block("r", 2, "main_text", "And this?"),
            ],
        },
    }
    path = folder / "cherry-studio.bak"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(values).encode()))
    return path


def cherry_database(path: Path) -> Path:
    """Write the conversations of ``cherry_studio`` as version 2 stores them, with one more version and deleted ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        # The columns of migrations/sqlite-drizzle that matter here.
        database.executescript(
            "CREATE TABLE topic (id TEXT PRIMARY KEY, name TEXT, assistant_id TEXT, active_node_id TEXT, prompt TEXT, "
            "is_pinned INTEGER DEFAULT 0, created_at INTEGER, updated_at INTEGER, deleted_at INTEGER);"
            "CREATE TABLE assistant (id TEXT PRIMARY KEY, name TEXT, prompt TEXT);"
            "CREATE TABLE message (id TEXT PRIMARY KEY, parent_id TEXT, topic_id TEXT, role TEXT, data TEXT, "
            "status TEXT, model_id TEXT, model_snapshot TEXT, created_at INTEGER, deleted_at INTEGER);"
        )
        start = 1748764800000
        database.execute("INSERT INTO assistant VALUES ('a-1', '气象', 'You know winds.')")
        for id_, name, gone in (("t-1", "Winds", None), ("t-2", "Gone", start)):
            values = (id_, name, "a-1", "r", None, 1, start, start + 86_400_000, gone)
            database.execute(f"INSERT INTO topic VALUES ({', '.join('?' * len(values))})", values)

        def add(number: int, id_: str, parent: str | None, role: str, *parts: dict[str, Any], **more: Any) -> None:
            model = json.dumps({"id": "glm-4", "name": more["name"]}) if "name" in more else None
            values = (
                id_, parent, more.get("topic", "t-1"), role, json.dumps({"parts": parts}), "success",
                more.get("model"), model, start + number, more.get("gone"),
            )  # fmt: skip
            database.execute(f"INSERT INTO message VALUES ({', '.join('?' * len(values))})", values)

        def text(content: str) -> dict[str, Any]:
            return {"type": "text", "text": content}

        add(0, "root", None, "root")
        add(1, "q", "root", "user", text("什么是信风?"), {"type": "data-knowledge-scope", "data": {"baseIds": ["k"]}})
        add(2, "a", "q", "assistant", {"type": "reasoning", "text": "Tropics."}, text("Trade winds."), model="p::qwen")
        code = {"type": "data-code", "data": {"content": "wind()", "language": "python"}}
        add(3, "b", "q", "assistant", text("See:"), code, name="GLM 4")
        add(4, "r", "b", "user", text("And this?"), {"type": "file", "mediaType": "text/x", "filename": "map.pdf"})
        call = {"type": "tool-wind", "input": {"at": 1}, "output": "5 m/s", "state": "output-available"}
        error = {"type": "data-error", "data": {"message": "Request was aborted"}}
        add(5, "c", "r", "assistant", call, {"type": "file", "mediaType": "image/png"}, error)
        add(6, "d", "r", "assistant", text("deleted"), gone=start)
        add(7, "e", None, "user", text("deleted too"), topic="t-2")
        database.commit()
    return path


def cherry_archive(path: Path, version: int, database: str = "") -> Path:
    """Write a backup of a version, with a database of this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        if version < 8:
            archive.writestr("metadata.json", json.dumps({"version": version, "appName": "Cherry Studio"}))
            archive.writestr("IndexedDB/file__0.indexeddb.leveldb/000003.log", b"\1\2")
        else:
            archive.writestr("manifest.json", json.dumps({"preset": "full", "formatVersion": version}))
        if database:
            copy = cherry_database(path.with_suffix(".sqlite"))
            archive.write(copy, database)
            copy.unlink()
    return path


MAKERS = {
    "claude": claude,
    "lmstudio": lm_studio,
    "openwebui": open_webui,
    "jan": jan,
    "sillytavern": silly_tavern,
    "cherry": cherry_studio,
}
