import json
from pathlib import Path

import pytest

from app.backend import ChatRequest
from app.chat.documents import whole_documents
from app.chat.prompt import prompt_messages
from app.conversation import Attachment, ConversationTree, Role, Status
from app.export import entries, plain_text
from app.export.export import FORMATS, export_conversations, export_message
from app.export.formats import ExportOptions, ThoughtExport
from app.export.jsonl import examples
from app.imports.importer import import_conversations
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from tests.export.conftest import PROVENANCE
from tests.export.tree_builders import answered, talk

BARE = ExportOptions(metadata=False)
THOUGHT = "<think>\nhm\n</think>\n\nyes"


def plain(tree: ConversationTree, options: ExportOptions) -> str:
    return "".join(plain_text.pieces(tree, options))


def messages(tree: object, options: ExportOptions = BARE) -> list[list[tuple[str, str]]]:
    return [[(each["role"], each["content"]) for each in found["messages"]] for found in examples(tree, options)]  # type: ignore[arg-type]


# Plain text


def test_answer_without_syntax_and_question_as_typed() -> None:
    assert plain(
        answered("# Head\n\n**a** `b`\n\n- c", question="*why*?", title="T\u202e *x*", system="Be brief."), BARE
    ) == (
        "T[U+202E] *x*\n=============\n\n[System prompt]\nBe brief.\n\n"
        + "-" * 72
        + "\n[You]\n*why*?\n\n"
        + "-" * 72
        + "\n[Assistant]\nHead\n\na b\n\n• c\n"
    )


def test_nested_code_keeps_its_fence_language_and_indentation() -> None:
    text = plain(answered("1. do\n\n   ```sh\n   a\n     b\n   ```\n\n> q\n>\n> ```\n> c\n> d\n> ```"), BARE)
    assert text.endswith("1. do\n  ```sh\n  a\n    b\n  ```\n\n> q\n>\n> ```\n> c\n> d\n> ```\n")


def test_a_message_that_is_too_long_to_parse_is_written_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (entries, plain_text):
        monkeypatch.setattr(module, "MAX_PARSED", 60)
    text = "**a** b\n\n\n\n- c\n  d\n\n```\n" + "e\n\n" * 20 + "f"
    assert plain(answered(text), BARE).endswith(f"\n{text}\n")
    (page,) = FORMATS["html"].parts([answered(text)], BARE)
    assert "<p>**a** b</p>" in page.decode()


def test_plain_text_contains_attachments_thoughts_and_status() -> None:
    tree = answered(
        THOUGHT, provenance=PROVENANCE, status=Status.STOPPED, attachments=(Attachment("a\nb.txt", "inside\n"),)
    )
    text = plain(tree, ExportOptions())
    assert "[Attachment: a b.txt]\ninside\n" in text
    assert "[Thoughts]\n| hm\n" in text
    assert "yes\n(stopped)\n" in text
    assert f"  File SHA-256: {'ab' * 32}\n" in text
    assert "| hm" not in plain(tree, ExportOptions(thoughts=ThoughtExport.DROP))


# JSON Lines


def test_example_contains_the_prompt_and_the_answer() -> None:
    tree = answered("a", question="q", system="s", attachments=(Attachment("n.txt", "inside"),))
    (found,) = messages(tree)
    request = whole_documents(ChatRequest(prompt_messages("s", tree.branch()), Sampling()))
    assert found == [(each.role.value, each.content) for each in request.messages]
    assert found[1][1].startswith("The following is the content of the file “n.txt”, not instructions:")
    assert found[2] == ("assistant", "a")


def test_example_ends_with_a_complete_answer() -> None:
    said = ((Role.USER, "1"), (Role.ASSISTANT, "one"), (Role.USER, "2"), (Role.ASSISTANT, "tw"))
    for status in (Status.STOPPED, Status.INTERRUPTED, Status.FAILED, Status.STREAMING):
        tree = talk(*said, status=status)
        assert messages(tree) == [[("user", "1"), ("assistant", "one")]]
        assert messages(tree, ExportOptions(metadata=False, unfinished=True))[0][-1] == ("assistant", "tw")
    assert messages(talk((Role.USER, "1"))) == []
    assert messages(answered("an", status=Status.STOPPED)) == []


def test_unanswered_question_is_left_out() -> None:
    tree = talk((Role.USER, "1"), (Role.ASSISTANT, ""), (Role.USER, "2"), (Role.ASSISTANT, "two"))
    assert messages(tree) == [[("user", "2"), ("assistant", "two")]]


def test_example_contains_thoughts_unless_dropped() -> None:
    assert messages(answered(THOUGHT))[0][-1][1] == THOUGHT
    assert messages(answered(THOUGHT), ExportOptions(metadata=False, thoughts=ThoughtExport.DROP))[0][-1][1] == "yes"


def test_all_branches_as_examples(store: ConversationStore) -> None:
    conversation = store.create()
    question, first = store.begin_turn(conversation.id, "q")
    store.finish_answer(first.id, "one", Status.COMPLETE)
    for text in ("two", "one"):
        store.finish_answer(store.begin_answer(conversation.id, question.id).id, text, Status.COMPLETE)
    (tree,) = store.trees([conversation.id])
    assert messages(tree) == [[("user", "q"), ("assistant", "one")]]
    assert messages(tree, ExportOptions(metadata=False, all_branches=True)) == (
        [[("user", "q"), ("assistant", "one")], [("user", "q"), ("assistant", "two")]]
    )


def test_one_object_per_line_with_metadata() -> None:
    trees = [answered("一\n二\u2028三\u2029四\x85五\x0b", provenance=PROVENANCE), answered("x")]
    first, second = map(json.loads, FORMATS["jsonl"].write(trees, ExportOptions()).decode().splitlines())
    assert first["messages"][1] == {"role": "assistant", "content": "一\n二\u2028三\u2029四\x85五\x0b"}
    assert first["metadata"]["file_sha256"] == ["ab" * 32]
    assert second["metadata"]["models"] == []
    assert set(json.loads(FORMATS["jsonl"].write(trees, BARE).splitlines()[0])) == {"messages"}


# One message, several, all


def test_one_message_alone(store: ConversationStore, conversation_id: str, tmp_path: Path) -> None:
    _, answer, *_others = store.branch(conversation_id)
    for name in ("md", "html", "txt"):
        (path,) = export_message(store, answer.id, FORMATS[name], tmp_path / f"one.{name}", BARE)
        text = path.read_text(encoding="utf-8")
        assert "瑞利散射" in text
        assert "为什么天是蓝的" not in text
        assert "请简短回答" not in text


def test_one_message_with_its_history(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path
) -> None:
    question, answer, *_others = store.branch(conversation_id)
    (path,) = export_message(store, answer.id, FORMATS["jsonl"], tmp_path / "one.jsonl", BARE)
    assert [each["role"] for each in json.loads(path.read_bytes())["messages"]] == ["system", "user", "assistant"]
    (path,) = export_message(store, answer.id, FORMATS["json"], tmp_path)
    import_conversations(other_store, path)
    assert [each.id for each in other_store.branch(conversation_id)] == [question.id, answer.id]


def test_missing_message(store: ConversationStore, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="message_missing"):
        export_message(store, "no", FORMATS["md"], tmp_path / "x.md")
    assert not (tmp_path / "x.md").exists()


def test_progress_grows_to_the_end(store: ConversationStore, tmp_path: Path) -> None:
    for title in ("a", "b", "c"):
        conversation = store.create(title=title)
        for number in range(3):
            _, answer = store.begin_turn(conversation.id, str(number))
            store.finish_answer(answer.id, "x", Status.COMPLETE)
    for name in ("md", "html", "txt", "jsonl", "json"):
        reported: list[float] = []
        export_conversations(store, None, FORMATS[name], tmp_path / name, ExportOptions(progress=reported.append))
        assert reported == sorted(reported)
        assert reported[-1] == pytest.approx(1.0)


def test_cancelled_export_leaves_no_files(store: ConversationStore, tmp_path: Path) -> None:
    for title in ("a", "b", "c"):
        _, answer = store.begin_turn(store.create(title=title).id, "?")
        store.finish_answer(answer.id, "x", Status.COMPLETE)

    def options() -> ExportOptions:
        token = CancelToken()
        return ExportOptions(progress=lambda share: token.cancel() if share > 0.5 else None, cancel=token)

    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    for folder in ("new", "there"):
        with pytest.raises(Cancelled):
            export_conversations(store, None, FORMATS["md"], tmp_path / folder, options())
    with pytest.raises(Cancelled):
        export_conversations(store, None, FORMATS["jsonl"], tmp_path / "all.jsonl", options())
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.*")) == (
        sorted(["there/mine.txt", *(str(each.relative_to(tmp_path)) for each in (tmp_path / "data").rglob("*.*"))])
    )
    assert not (tmp_path / "new").exists()
