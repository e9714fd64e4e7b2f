"""An export of ChatGPT by hand, in the layout of 2024 to 2026."""

from __future__ import annotations

from typing import Any

START = 1_700_000_000.5


def message(role: str, content: Any, at: float = START, **fields: Any) -> dict[str, Any]:
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    metadata = {"model_slug": "gpt-4o"} if role == "assistant" else {}
    metadata |= fields.pop("metadata", {})
    author = {"role": role, "name": fields.pop("name", None), "metadata": {}}
    return {"author": author, "create_time": at, "content": content, "recipient": "all", "metadata": metadata, **fields}


def mapping(*nodes: tuple[str, str | None, dict[str, Any] | None]) -> dict[str, Any]:
    """The tree: ids with their parents and messages."""
    children: dict[str | None, list[str]] = {}
    for id_, parent, _ in nodes:
        children.setdefault(parent, []).append(id_)
    return {
        id_: {"id": id_, "parent": parent, "children": children.get(id_, []), "message": each}
        for id_, parent, each in nodes
    }


def conversation(id_: str = "11111111-0000-4000-8000-000000000001", **fields: Any) -> dict[str, Any]:
    """A conversation with custom instructions, thoughts, a tool, a picture, and two versions of a question."""
    hidden = {"is_visually_hidden_from_conversation": True}
    about = {"content_type": "user_editable_context", "user_profile": "I sail.", "user_instructions": "Be brief."}
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Boats", "content": "Think of boats."}]}
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1", "size_bytes": 5}
    nodes = mapping(
        ("root", None, None),
        ("system", "root", message("system", "", metadata=hidden)),
        ("about", "system", message("user", about, metadata=hidden)),
        ("q1", "about", message("user", "How deep is the **Mariana** trench?", START + 1)),
        ("t1", "q1", message("assistant", thoughts, START + 2)),
        ("r1", "t1", message("assistant", {"content_type": "reasoning_recap", "content": "Thought for 3 s"})),
        (
            "c1",
            "r1",
            message(
                "assistant",
                {"content_type": "code", "language": "python", "text": "print(10984)"},
                START + 3,
                recipient="python",
            ),
        ),
        ("x1", "c1", message("tool", {"content_type": "execution_output", "text": "10984"}, START + 4, name="python")),
        ("a1", "x1", message("assistant", "10,984 m\ue200cite\ue202turn0search0\ue201.", START + 5)),
        ("q2", "a1", message("user", {"content_type": "multimodal_text", "parts": [picture, "And this?"]}, START + 6)),
        ("a2", "q2", message("assistant", "A boat.", START + 7)),
        ("q2b", "a1", message("user", "And the 最深 point?", START + 8)),
        ("a2b", "q2b", message("assistant", "Challenger Deep.", START + 9)),
        ("a2c", "q2b", message("assistant", "It is the Challenger Deep.", START + 10, metadata={"model_slug": "o3"})),
    )
    return {
        "id": id_,
        "conversation_id": id_,
        "title": "Mariana trench",
        "create_time": START,
        "update_time": START + 20,
        "mapping": nodes,
        "current_node": "a2c",
        "is_archived": False,
        "is_starred": True,
        "gizmo_id": "g-p-1",
        "default_model_slug": "gpt-4o",
        **fields,
    }
