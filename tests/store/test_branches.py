"""Messages one by one: attachments, pins, siblings, deleting and its undo, forks."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.conversation import Attachment, Message, Status
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.export.conftest import PROVENANCE
from tests.store.processes import start

Turn = tuple[Message, Message]


def turn(store: ConversationStore, conversation_id: str, question: str) -> Turn:
    asked, answer = store.begin_turn(conversation_id, question)
    return asked, store.finish_answer(answer.id, f"to {question}", Status.COMPLETE)


def answer(store: ConversationStore, question: Message, text: str) -> Message:
    begun = store.begin_answer(question.conversation_id, question.id)
    return store.finish_answer(begun.id, text, Status.COMPLETE)


def shown(store: ConversationStore, conversation_id: str) -> list[str]:
    return [message.content for message in store.branch(conversation_id)]


@pytest.fixture
def talk(store: ConversationStore) -> str:
    return store.create(title="天", system_prompt="Be brief.", model_id="starter").id


def test_attachments_keep_their_order(store: ConversationStore, talk: str) -> None:
    attachments = (Attachment("光.txt", "瑞利" * 1000, 2000), Attachment("b.csv", "a\0\ud83d,"), Attachment("", ""))
    question, _ = store.begin_turn(talk, "what is in it?", attachments=attachments)
    clean = (attachments[0], Attachment("b.csv", "a\0\ufffd,"), attachments[2])
    assert question.attachments == clean
    other, _ = store.begin_turn(talk, "and without?", instead_of=question.id)
    assert store.message(question.id).attachments == clean
    assert {message.id: message.attachments for message in store.messages(talk)}[question.id] == clean
    assert [message.attachments for message in store.branch(talk)] == [(), ()]
    store.select_leaf(talk, question.id)
    assert [message.attachments for message in store.branch(talk)] == [clean, ()]
    assert store.trees([talk])[0].messages[0].attachments == clean
    assert other.attachments == ()


def test_a_message_is_pinned_and_unpinned(store: ConversationStore, talk: str) -> None:
    question, _ = turn(store, talk, "?")
    store.pin_message(question.id, True)
    assert [message.is_pinned for message in store.branch(talk)] == [True, False]
    store.pin_message(question.id, False)
    assert not store.message(question.id).is_pinned
    with pytest.raises(UserError, match="message_missing"):
        store.pin_message("no", True)


def test_siblings_of_the_selected_branch(store: ConversationStore, talk: str) -> None:
    assert store.siblings(talk) == {}
    first, one = turn(store, talk, "1")
    assert store.siblings(talk) == {}
    two = answer(store, first, "two")
    three = answer(store, first, "three")
    assert store.siblings(talk) == {three.id: (one.id, two.id, three.id)}
    below, _ = turn(store, talk, "below three")
    assert store.siblings(talk) == {three.id: (one.id, two.id, three.id)}
    anew, _ = store.begin_turn(talk, "below anew", instead_of=below.id)
    assert store.siblings(talk)[anew.id] == (below.id, anew.id)
    other_first, _ = store.begin_turn(talk, "another beginning", instead_of=first.id)
    assert store.siblings(talk) == {other_first.id: (first.id, other_first.id)}
    store.select_leaf(talk, one.id)
    assert store.siblings(talk) == {
        first.id: (first.id, other_first.id),
        one.id: (one.id, two.id, three.id),
    }
    store.delete_message(two.id)
    assert store.siblings(talk)[one.id] == (one.id, three.id)


def test_messages_of_other_conversations_are_not_siblings(store: ConversationStore, talk: str) -> None:
    turn(store, talk, "here")
    turn(store, store.create().id, "there")
    assert store.siblings(talk) == {}


def test_deleting_a_message_deletes_its_descendants(store: ConversationStore, talk: str) -> None:
    turn(store, talk, "1")
    second, reply = turn(store, talk, "2")
    third, last = turn(store, talk, "3")
    assert store.delete_message(second.id) == (second.id, reply.id, third.id, last.id)
    assert shown(store, talk) == ["1", "to 1"]
    assert [message.content for message in store.messages(talk)] == ["1", "to 1"]
    assert store.get(talk).message_count == 2
    assert store.search("to 3") == []
    assert [message.content for message in store.trees([talk])[0].messages] == ["1", "to 1"]
    for act in (
        lambda: store.message(last.id),
        lambda: store.select_leaf(talk, last.id),
        lambda: store.begin_answer(talk, third.id),
        lambda: store.begin_turn(talk, "?", instead_of=third.id),
        lambda: store.resume_answer(last.id),
        lambda: store.delete_message(last.id),
        lambda: store.fork(talk, last.id),
    ):
        with pytest.raises(UserError, match="message_missing"):
            act()
    asked, _ = turn(store, talk, "2 again")
    assert shown(store, talk) == ["1", "to 1", "2 again", "to 2 again"]
    assert store.siblings(talk) == {}
    store.restore_messages((second.id, reply.id, third.id, last.id))
    assert shown(store, talk) == ["1", "to 1", "2", "to 2", "3", "to 3"]
    assert store.siblings(talk) == {second.id: (second.id, asked.id)}


def test_deleting_a_message_selects_a_sibling_branch(store: ConversationStore, talk: str) -> None:
    question, one = turn(store, talk, "?")
    two, three = answer(store, question, "two"), answer(store, question, "three")
    store.select_leaf(talk, two.id)
    turn(store, talk, "below two")
    store.select_leaf(talk, three.id)
    store.delete_message(three.id)
    assert shown(store, talk) == ["?", "two", "below two", "to below two"]
    store.select_leaf(talk, one.id)
    store.delete_message(one.id)
    assert shown(store, talk) == ["?", "two", "below two", "to below two"]
    store.delete_message(two.id)
    assert shown(store, talk) == ["?"]
    store.delete_message(question.id)
    assert shown(store, talk) == []
    assert store.get(talk).leaf_id is None
    turn(store, talk, "anew")
    assert shown(store, talk) == ["anew", "to anew"]


def test_deleting_on_another_branch_keeps_the_selected_branch(store: ConversationStore, talk: str) -> None:
    question, one = turn(store, talk, "?")
    answer(store, question, "two")
    store.delete_message(one.id)
    assert shown(store, talk) == ["?", "two"]


def test_restoring_a_message_restores_its_ancestors(store: ConversationStore, talk: str) -> None:
    turn(store, talk, "1")
    second, _ = turn(store, talk, "2")
    third, last = turn(store, talk, "3")
    store.delete_message(third.id)
    store.delete_message(second.id)
    store.restore_messages([last.id])
    assert shown(store, talk) == ["1", "to 1", "2", "to 2", "3", "to 3"]
    store.restore_messages([last.id])
    with pytest.raises(UserError, match="message_missing"):
        store.restore_messages(["no"])
    store.restore_messages([])


def test_a_streaming_answer_is_not_deleted(store: ConversationStore, talk: str, folder: Path) -> None:
    first, _ = turn(store, talk, "1")
    other = answer(store, first, "other")
    question, running = store.begin_turn(talk, "2")
    for id_ in (running.id, question.id, first.id):
        with pytest.raises(UserError) as raised:
            store.delete_message(id_)
        assert (raised.value.code, raised.value.data) == ("answer_in_progress", {"id": running.id})
    assert len(store.messages(talk)) == 5
    assert other.id in {message.id for message in store.messages(talk)}
    store.finish_answer(running.id, "", Status.STOPPED)
    assert store.delete_message(question.id) == (question.id, running.id)


def test_an_answer_of_a_dead_process_can_be_deleted(folder: Path) -> None:
    with start("answer", folder) as child, ConversationStore.open(folder) as store:
        with pytest.raises(UserError, match="answer_in_progress"):
            store.delete_message(child.report["question_id"])
        child.kill()
        assert len(store.delete_message(child.report["question_id"])) == 2


def test_deleted_messages_are_purged_with_the_trash(store: ConversationStore, talk: str) -> None:
    turn(store, talk, "1")
    second, _ = turn(store, talk, "2")
    third, _ = store.begin_turn(talk, "3", attachments=[Attachment("a", "b")])
    store.finish_answer(store.branch(talk)[-1].id, "", Status.COMPLETE)
    store.delete_message(third.id)
    store.delete_message(second.id)
    assert store.purge_deleted(timedelta(days=30)) == 0
    store.restore_messages([third.id])
    store.delete_message(second.id)
    assert store.purge_deleted(timedelta(0)) == 0, "no conversation was"
    with pytest.raises(UserError, match="message_missing"):
        store.restore_messages([third.id])
    assert shown(store, talk) == ["1", "to 1"]


def test_a_fork_is_an_independent_conversation(store: ConversationStore, talk: str) -> None:
    store.update(talk, sampling=Sampling(temperature=0))
    store.update(talk, is_pinned=True)
    question, begun = store.begin_turn(talk, "1", attachments=[Attachment("a.txt", "光", 1)])
    store.finish_answer(begun.id, "first", Status.COMPLETE, replace(PROVENANCE, left_out=(question.id,)))
    store.pin_message(question.id, True)
    answer(store, question, "beside")
    store.select_leaf(talk, begun.id)
    turn(store, talk, "after")
    before = store.trees([talk])
    copy = store.fork(talk, begun.id)
    assert store.trees([talk]) == before
    assert (copy.title, copy.system_prompt, copy.model_id) == ("天 (2)", "Be brief.", "starter")
    assert (copy.sampling, copy.is_pinned, copy.message_count) == (Sampling(temperature=0), False, 2)
    asked, answered = store.branch(copy.id)
    assert store.messages(copy.id) == [asked, answered]
    assert copy.leaf_id == answered.id
    assert {asked.id, answered.id}.isdisjoint(message.id for message in before[0].messages)
    assert (asked.content, asked.attachments, asked.is_pinned) == ("1", (Attachment("a.txt", "光", 1),), True)
    assert (asked.created_at, answered.created_at) == (question.created_at, begun.created_at)
    assert answered.provenance == replace(PROVENANCE, left_out=(asked.id,))
    turn(store, copy.id, "goes on elsewhere")
    assert store.trees([talk]) == before
    assert [store.fork(each, id_).title for each, id_ in ((copy.id, asked.id), (talk, question.id))] == [
        "天 (3)",
        "天 (4)",
    ]


def test_a_fork_of_a_streaming_answer_is_interrupted(store: ConversationStore, talk: str) -> None:
    _, running = store.begin_turn(talk, "?")
    store.save_text(running.id, "half")
    copy = store.fork(talk, running.id)
    assert (store.branch(copy.id)[-1].content, store.branch(copy.id)[-1].status) == ("half", Status.INTERRUPTED)
    assert store.message(running.id).status is Status.STREAMING
