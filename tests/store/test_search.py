import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.chat.conversation import Conversation, Message, Role, SearchHit, Status
from app.store.store import ConversationStore
from app.store.trees import ConversationTree, ImportResult


def say(store: ConversationStore, *contents: str) -> str:
    conversation = store.create()
    for content in contents:
        _, answer = store.begin_turn(conversation.id, content)
        store.finish_answer(answer.id, "", Status.COMPLETE)
    return conversation.id


def found(store: ConversationStore, text: str) -> list[str]:
    hits = store.search(text)
    for hit in hits:
        first, last = hit.span
        assert " ".join(text.split()).casefold() == hit.snippet[first:last].casefold()
    return [hit.snippet for hit in hits]


@pytest.mark.parametrize(
    "text", ["蓝", "天空", "空是", "SKY", "sky", "Blue sky", "éTé", "ПРИВЕТ", "привет", "ΣΟΦ", "Ｗ"]
)
def test_a_text_is_found_in_any_case(store: ConversationStore, text: str) -> None:
    content = "天空是蓝的 blue Sky, l'Été, Привет, σοφία, ｗide"
    say(store, content, "nothing here")
    assert found(store, text) == [content]


@pytest.mark.parametrize("text", ["100%", "a_b", "c:\\d", "\\", "%", "_", "(x", "[y", "a.*b", "'", '"', "\0"])
def test_signs_mean_themselves(store: ConversationStore, text: str) -> None:
    say(store, f"<{text}>", "100 axb c:d xy ab")
    assert found(store, text) == [f"<{text}>"]


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nothing_finds_nothing(store: ConversationStore, text: str) -> None:
    say(store, "something")
    assert store.search(text) == []


def test_any_white_space_is_the_same(store: ConversationStore) -> None:
    say(store, "one\n\n  two\tthree")
    assert found(store, " two three ") == ["one two three"]
    assert found(store, "one two") == ["one two three"]


def test_the_snippet_is_one_line_around_the_hit(store: ConversationStore) -> None:
    say(store, "前" * 100 + "\n\n天空\n" + "后" * 100)
    (snippet,) = found(store, "天空")
    assert snippet.startswith("…前")
    assert snippet.endswith("后…")
    assert "前 天空 后" in snippet
    assert len(snippet) < 140


def test_titles_are_searched_and_everything_comes_newest_first(store: ConversationStore) -> None:
    first = say(store, "the sky is old")
    second = store.create(title="My Sky")
    third = say(store, "two skies: sky")
    store.rename(third, "Plain")
    hits = store.search("sky")
    assert [(hit.conversation_id, hit.message_id is None, hit.title) for hit in hits] == [
        (third, False, "Plain"),
        (second.id, True, "My Sky"),
        (first, False, ""),
    ]
    assert hits[1] == SearchHit(second.id, None, "My Sky", "My Sky", (3, 6))
    assert store.search("sky", limit=2) == hits[:2]
    store.delete(second.id)
    assert store.search("my") == []


def test_all_branches_are_searched(store: ConversationStore) -> None:
    conversation = store.create()
    question, first = store.begin_turn(conversation.id, "?")
    store.finish_answer(first.id, "hidden", Status.COMPLETE)
    store.begin_answer(conversation.id, question.id)
    assert [hit.message_id for hit in store.search("hidden")] == [first.id]


def test_very_long_and_very_many_words_are_found(store: ConversationStore) -> None:
    text = "长" * 30_000 + " x" * 3000
    say(store, f"before {text} after", "长" * 30_000)
    assert len(store.search(text)) == 1
    assert store.search("x " * 3001) == []


def test_ten_thousand_messages_are_searched_in_a_tenth_of_a_second(store: ConversationStore) -> None:
    assert store.merge(many_conversations()) == ImportResult(50, 10_000)
    for text, count in {"没有": 0, "没": 0, "zq xq": 0, "没é": 0, "éà": 0, "e": 200, "中": 200}.items():
        assert len(store.search(text)) == count
        best = min(seconds(store, text) for _ in range(5))
        assert best < 0.1, f"{text}: {best:.3f} s"


def many_conversations() -> Iterator[ConversationTree]:
    """50 conversations of 200 messages of 400 characters, by turns in English and in Chinese."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(3000)]
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(50):
        conversation = Conversation(str(uuid.uuid4()), "Title", start, start)
        messages: list[Message] = []
        for number in range(200):
            content = " ".join(chance.choices(words, k=80)) if number % 2 else "".join(chance.choices(signs, k=400))
            message = Message(
                id=str(uuid.uuid4()),
                conversation_id=conversation.id,
                parent_id=messages[-1].id if messages else None,
                role=Role.ASSISTANT if number % 2 else Role.USER,
                status=Status.COMPLETE,
                content=content[:400],
                created_at=start + timedelta(seconds=number),
            )
            messages.append(message)
        yield ConversationTree(conversation, tuple(messages))


def seconds(store: ConversationStore, text: str) -> float:
    # Of this thread alone: other programs that run beside the tests do not count.
    before = time.thread_time()
    store.search(text)
    return time.thread_time() - before
