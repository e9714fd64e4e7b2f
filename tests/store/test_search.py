import random
import re
import sqlite3
import uuid
from array import array
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from app.conversation import Attachment, Conversation, ConversationTree, ImportResult, Message, Role, SearchHit, Status
from app.store import search as search_module
from app.store import search_index
from app.store.folding import composed, fold, original_position
from app.store.search import search
from app.store.store import ConversationStore


def say(store: ConversationStore, *contents: str) -> str:
    conversation = store.create()
    for content in contents:
        _, answer = store.begin_turn(conversation.id, content)
        store.finish_answer(answer.id, "", Status.COMPLETE)
    return conversation.id


def found(store: ConversationStore, text: str) -> list[str]:
    """The snippets, whose marked parts must be what was searched."""
    hits = store.search(text)
    for hit in hits:
        marked = [fold(hit.snippet[first:last]) for first, last in hit.spans]
        assert all(each in fold(" ".join(text.split())) for each in marked), (text, marked)
    return [hit.snippet for hit in hits]


@pytest.mark.parametrize(
    "text", ["蓝", "天空", "空是", "SKY", "sky", "Blue sky", "éTé", "ПРИВЕТ", "привет", "ΣΟΦ", "Ｗ"]
)
def test_a_text_is_found_in_any_case(store: ConversationStore, text: str) -> None:
    content = "天空是蓝的 blue Sky, l'Été, Привет, σοφία, ｗide"
    say(store, content, "nothing here")
    assert found(store, text) == [content]


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("cafe", "au Café"),
        ("CAFÉ", "au cafe"),
        ("cafe\u0301", "au caf\u00e9"),
        ("caf\u00e9", "au cafe\u0301"),
        ("strasse", "die Straße"),
        ("STRAẞE", "die strasse"),
        ("istanbul", "in İstanbul"),
        ("İSTANBUL", "in istanbul"),
        ("ISPARTA", "in ısparta"),
        ("wide", "so ｗＩＤＥ"),
        ("ｗｉｄｅ", "so wide"),
        ("カタカナ", "半角 ｶﾀｶﾅ"),
        ("smorrebrod", "et Smørrebrød"),
        ("efficient", "an eﬃcient one"),
        ("ελληνικα", "στα Ελληνικά"),
        ("еще", "и ещё"),
        ("שלום", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"),
        ("سلام", "سَلَام"),
        ("한국어", "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165"),
        ("tiếng việt", "Tieng Viet"),
        ("zebra quantum", "a quantum theory of the zebra"),
        ("机器 学习", "学习的机器"),
        ("Ma 机 cafe", "机器 of a Café in MAINZ"),
        ('"one two" three', "three, one\n two"),
        ('half "a quote', 'a half "a" quote'),
    ],
)
def test_words_are_found_in_any_order_and_folded(
    store: ConversationStore, text: str, content: str, indexed: bool
) -> None:
    say(store, content, "nothing here")
    if indexed:
        index_all(store)
    (snippet,) = found(store, text)
    assert snippet == composed(" ".join(content.split()))


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("か", "が"),
        ("だ", "た"),
        ("하", "한"),
        ("zebra quantum", "zebra alone"),
        ('"two one"', "one two"),
        ("นา", "น้ำ"),
    ],
)
def test_other_letters_and_missing_words_are_not_found(store: ConversationStore, text: str, content: str) -> None:
    say(store, content)
    assert store.search(text) == []


def test_words_may_be_in_the_text_and_in_an_attachment(store: ConversationStore) -> None:
    talk = store.create()
    question, _ = store.begin_turn(talk.id, "the zebra", attachments=[Attachment("a.txt", "of quantum")])
    for _ in range(2):
        assert [(hit.message_id, hit.snippet) for hit in store.search("quantum zebra")] == [(question.id, "of quantum")]
        assert store.search("quantum zebra lion") == []
        index_all(store)


def test_each_word_is_marked_in_the_snippet(store: ConversationStore) -> None:
    say(store, "Café and cafe of the *ZEBRA*")
    (hit,) = store.search("zebra cafe")
    assert [hit.snippet[first:last] for first, last in hit.spans] == ["Café", "cafe", "ZEBRA"]


def test_positions_of_folded_texts() -> None:
    chance = random.Random(3)
    letters = "aßİéﬃ中ｗ\u0301ΐ한😀 \u200dÆ"
    for length in (0, 1, 30, 10_000):
        text = composed("".join(chance.choices(letters, k=length)))
        folded = fold(text)
        ends: list[int] = []
        for character in text:
            ends.append((ends[-1] if ends else 0) + len(fold(character)))
        assert len(folded) == (ends[-1] if ends else 0)
        for position in [*range(min(40, len(folded))), *chance.choices(range(len(folded)), k=9 * bool(folded))]:
            at = original_position(text, position)
            assert (ends[at - 1] if at else 0) <= position < ends[at]


@pytest.mark.parametrize("text", ["100%", "a_b", "c:\\d", "\\", "%", "_", "(x", "[y", "a.*b", "'", '"', "\0"])
def test_special_characters_are_literal(store: ConversationStore, text: str) -> None:
    say(store, f"<{text}>", "100 axb c:d xy ab")
    assert found(store, text) == [f"<{text}>"]


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_text_finds_nothing(store: ConversationStore, text: str) -> None:
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


def test_a_snippet_begins_and_ends_with_whole_words(store: ConversationStore) -> None:
    words = [f"well-{chr(97 + number % 26) * 7}" for number in range(60)]
    words[30] = "zebra"
    say(store, " ".join(words))
    (snippet,) = found(store, "zebra")
    assert set(snippet.strip("…").split()) <= set(words)


def test_a_snippet_has_no_marks_of_a_table(store: ConversationStore) -> None:
    say(store, "| **Planet** | Moons |\n|:---|---:|\n| Earth | 1 |\n\na || b")
    assert found(store, "planet") == ["Planet Moons Earth 1 a || b"]
    assert found(store, "earth") == ["Planet Moons Earth 1 a || b"]


def test_a_snippet_has_no_marks_of_thoughts_and_tools(store: ConversationStore) -> None:
    say(store, '<think>\n```tool-call\n{"name": "add"}\n```\n\n```tool-result\n5\n```\n</think>\n\nThe sum is five.')
    assert found(store, "name") == ['{"name": "add"} 5 The sum is five.']
    assert found(store, "sum") == ["…5 The sum is five."]


def test_the_hits_of_one_conversation_can_be_limited(store: ConversationStore) -> None:
    few = say(store, "word 1")
    many = say(store, *(f"word {number}" for number in range(10)))
    store.update(many, title="word")
    hits = store.search("word", 5, most_in_one=3)
    assert [(hit.conversation_id, hit.snippet) for hit in hits if hit.message_id is not None] == [
        *((many, f"word {number}") for number in (9, 8, 7)),
        (few, "word 1"),
    ]
    assert len(hits) == 5, "the title counts too"


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
    assert hits[1] == SearchHit(second.id, None, "My Sky", "My Sky", ((3, 6),))
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
    assert store.search(f'"{"x " * 3001}"') == []


def test_four_thousand_waiting_messages_are_searched(store: ConversationStore) -> None:
    assert store.merge(many_conversations(20)) == ImportResult(20, 4_000)
    for text, count in {"没有": 0, "没": 0, "zq xq": 0, "没é": 0, "ßß": 0, "e": 200, "中": 200}.items():
        assert len(store.search(text)) == count


def index_all(store: ConversationStore) -> None:
    while store.update_search_index(100):
        pass
    store.update_search_index(1)


def test_steps_of_the_index_become_smaller_where_they_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConversationStore.open(tmp_path) as store:
        store.merge(many_conversations(4))
        left = [waiting(tmp_path)]
        for seconds in (1e-9, 1e9, 1e9):
            monkeypatch.setattr(search_index, "STEP_S", seconds)
            store.update_search_index()
            left.append(waiting(tmp_path))
    first, second, third = (before - after for before, after in pairwise(left))
    assert 2 * second < first
    assert 2 * second < third


def waiting(folder: Path) -> int:
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    (count,) = connection.execute("SELECT count(*) FROM search_todo").fetchone()
    connection.close()
    return int(count)


def indexed(folder: Path, text: str) -> int:
    """How many messages that don't wait the index names for a text."""
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    found = search_index.candidates(connection, fold(text).split())
    assert found is not None
    while found.highest_unread:
        found.read()
    done = "SELECT number FROM messages EXCEPT SELECT number FROM search_todo"
    numbers = {row[0] for row in connection.execute(done)}
    connection.close()
    return len(found.found & numbers)


@pytest.mark.parametrize("all_indexed", [False, True])
@pytest.mark.parametrize(("most_sorted", "at_once"), [(3000, 500), (0, 500), (0, 3)])
def test_every_search_finds_the_same_as_a_scan(
    store: ConversationStore,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    all_indexed: bool,
    most_sorted: int,
    at_once: int,
) -> None:
    monkeypatch.setattr(search_module, "_MOST_SORTED", most_sorted)
    monkeypatch.setattr(search_module, "_READ_AT_ONCE", at_once)
    monkeypatch.setattr(search_index, "_BATCHES_AT_ONCE", at_once)
    chance = random.Random(20)
    alphabet = "天空的是蓝，。 aAbBzZ019_-\n\té́ÉßẞſsSKkıİiσςΣｗＷ한국어ไทย😀𠮷𫝀가\0%'\""
    texts = ["".join(chance.choices(alphabet, k=chance.randint(1, 60))) for _ in range(120)]
    for number in range(0, len(texts), 3):
        attached = [Attachment(texts[number + 1], texts[number + 2])] if number % 2 else []
        _, answer = store.begin_turn(store.create().id, texts[number], attachments=attached)
        store.finish_answer(answer.id, texts[number][::-1], Status.COMPLETE)
    if all_indexed:
        index_all(store)
    else:
        store.update_search_index(3000)
    # The newest messages aren't those with the highest numbers.
    with closing(sqlite3.connect(folder / "conversations.sqlite3")) as connection, connection:
        connection.execute("UPDATE messages SET created_at = substr(created_at, 1, 20) || (number * 7919 % 997)")
    found = 0
    for _ in range(200):
        text = chance.choice(texts)
        start = chance.randrange(len(text))
        piece = text[start : start + chance.randint(1, 6)]
        piece = chance.choice([piece, piece.upper(), piece.lower(), piece.swapcase()])
        with store._connections.reading() as connection:
            scanned = search(connection, piece, 1000, use_index=False)
            assert search(connection, piece, 1000) == scanned, repr(piece)
        found += len(scanned)
    assert found > 200


def test_cases_of_a_letter_are_folded_alike() -> None:
    for code in range(0x30000):
        letter = chr(code)
        for other in {letter.lower(), letter.upper(), letter.swapcase(), letter.casefold()} - {letter}:
            if len(other) == 1 and re.match(re.escape(letter), other, re.IGNORECASE):
                assert fold(letter) == fold(other), hex(code)
        assert fold(fold(letter)) == fold(letter), hex(code)


def test_a_message_is_found_before_and_after_indexing(store: ConversationStore, folder: Path) -> None:
    say(store, "天空是蓝的")
    assert waiting(folder) == 2
    assert (found(store, "空是"), indexed(folder, "空是")) == (["天空是蓝的"], 0)
    index_all(store)
    assert waiting(folder) == 0
    assert (found(store, "空是"), indexed(folder, "空是")) == (["天空是蓝的"], 1)
    assert store.update_search_index() is False


def test_an_answer_is_indexed_when_finished_and_again_when_resumed(store: ConversationStore, folder: Path) -> None:
    talk = store.create()
    _, answer = store.begin_turn(talk.id, "?")
    store.save_text(answer.id, "first words")
    index_all(store)
    assert waiting(folder) == 1
    assert found(store, "first wo") == ["first words"]
    store.finish_answer(answer.id, "first words, done", Status.STOPPED)
    index_all(store)
    assert indexed(folder, "first") == 1
    store.resume_answer(answer.id)
    assert indexed(folder, "first") == 0
    store.save_text(answer.id, "second thoughts")
    index_all(store)
    assert found(store, "second") == ["second thoughts"]
    store.finish_answer(answer.id, "second thoughts, done", Status.COMPLETE)
    index_all(store)
    assert found(store, "first") == []
    assert indexed(folder, "second") == 1
    store.finish_answer(answer.id, "third", Status.COMPLETE)
    index_all(store)
    assert indexed(folder, "third") == 1
    assert found(store, "second") == []


def left_in_index(folder: Path) -> set[int]:
    """Return the numbers of deleted messages that the index still describes."""
    with closing(sqlite3.connect(folder / "conversations.sqlite3")) as connection:
        rows = connection.execute("SELECT entries FROM search_entries WHERE id % 4096 = 0").fetchall()
        there = {row[0] for row in connection.execute("SELECT number FROM messages")}
    return {number for row in rows for number in array("q", row[0])} - there


def test_purged_messages_are_removed_from_the_index(store: ConversationStore, folder: Path) -> None:
    first, second, third = (say(store, f"{number} words") for number in ("one", "two", "three"))
    index_all(store)
    store.delete(first)
    assert (found(store, "one words"), indexed(folder, "one")) == ([], 1), "it may come back"
    store.purge(first)
    assert (indexed(folder, "one"), left_in_index(folder), found(store, "two")) == (0, set(), ["two words"])
    index_all(store)
    question = store.branch(second)[0]
    store.delete_message(question.id)
    store.delete(third)
    store.purge_deleted(timedelta(0))
    assert (indexed(folder, "two"), indexed(folder, "three"), left_in_index(folder)) == (0, 0, set())
    say(store, "four words")
    index_all(store)
    assert found(store, "words") == ["four words"]
    store.erase_everything()
    assert (indexed(folder, "words"), waiting(folder)) == (0, 0)


def test_attachments_are_searched_by_content_and_name(store: ConversationStore) -> None:
    talk = store.create()
    question, _ = store.begin_turn(
        talk.id, "see", attachments=[Attachment("光谱.csv", "波长,强度"), Attachment("b", "x")]
    )
    for _ in range(2):
        assert [(hit.message_id, hit.snippet) for hit in store.search("长,强")] == [(question.id, "波长,强度")]
        assert [hit.snippet for hit in store.search("光谱")] == ["光谱.csv"]
        index_all(store)


def test_an_imported_conversation_is_sorted_by_its_own_time(store: ConversationStore) -> None:
    new = say(store, "sky of today")
    store.merge(many_conversations(1))
    old = store.trees()[-1]
    index_all(store)
    word = old.messages[1].content.split()[0]
    say(store, word)
    hits = store.search(word)
    assert hits[0].snippet == word
    assert [hit.conversation_id for hit in store.search("sky of")] == [new]
    times = [store.message(hit.message_id or "").created_at for hit in hits]
    assert times == sorted(times, reverse=True)


def test_backups_have_no_index_and_it_is_rebuilt(store: ConversationStore, tmp_path: Path) -> None:
    say(store, "天空是蓝的")
    index_all(store)
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "conversations.sqlite3"
    store.backup(copy)
    connection = sqlite3.connect(copy)
    assert connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_entries'").fetchone() is None
    connection.close()
    with ConversationStore.open(tmp_path / "copy") as other:
        assert found(other, "空是") == ["天空是蓝的"]
        assert waiting(tmp_path / "copy") == 2
        index_all(other)
        assert (found(other, "空是"), indexed(tmp_path / "copy", "空是")) == (["天空是蓝的"], 1)


def test_an_index_of_an_earlier_version_is_replaced_in_steps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "_STEP_ROWS", 2)
    with ConversationStore.open(folder) as store:
        say(store, "Café")
        index_all(store)
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    for name in ("search_index", "search_grams"):
        connection.execute(f"CREATE VIRTUAL TABLE {name} USING fts5(grams, content='', detail='none')")
        for number in range(3):
            connection.execute(f"INSERT INTO {name} (rowid, grams) VALUES (?, 'caf afe')", (number,))
            connection.commit()
    connection.close()
    with ConversationStore.open(folder) as store:
        assert waiting(folder) == 2
        assert [store.update_search_index(1) for _ in range(3)] == [True] * 3
        assert waiting(folder) == 2, "the old index is removed first"
        index_all(store)
        assert (found(store, "cafe"), indexed(folder, "cafe")) == (["Café"], 1)
    with ConversationStore.open(folder):
        assert waiting(folder) == 0
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'search%'")}
    connection.close()
    assert tables == {"search_todo", "search_entries"}


def test_few_waiting_messages_are_scanned_instead_of_indexed(store: ConversationStore, folder: Path) -> None:
    store.merge(many_conversations(3))
    word = store.trees()[0].messages[1].content.split()[0]
    before = store.search(word)
    while store.update_search_index():
        pass
    assert 0 < waiting(folder) < 600
    assert indexed(folder, word) > 0
    assert store.search(word) == before


def test_words_are_found_in_a_text_longer_than_a_batch(store: ConversationStore) -> None:
    filling = "字 word " * 60_000
    say(store, f"zebra{filling}斑马{filling}quagga")
    index_all(store)
    assert len(store.search("zebra 斑马 quagga")) == 1
    assert len(store.search("quagga 马 ga")) == 1


def many_conversations(count: int = 50) -> Iterator[ConversationTree]:
    """Conversations of 200 messages of 400 characters, by turns in English and in Chinese."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(3000)]
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(count):
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
