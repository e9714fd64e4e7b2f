"""Conversations of the whole program in the conversation cache: after a restart, temporary, deleted, and turned off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.backends import backend_for
from app.chat.session import ChatSession
from app.config.paths import DataFolder
from app.conversation import Attachment
from app.services import Services
from model_manager.cancellation import CancelToken


def run_at_once(job: Callable[[], None], _token: CancelToken, **_where: bool) -> None:
    job()


def new_session(services: Services) -> ChatSession:
    return ChatSession(services.store, services.settings, lambda model_id: backend_for(services, model_id), run_at_once)


def reused(session: ChatSession, question: str, model: Path, *attachments: Attachment) -> int:
    _, answer = session.ask(question, str(model), attachments)
    assert answer.result is not None
    assert answer.result.error is None
    assert answer.prompt is not None
    return answer.prompt.reused


def test_conversations_continue_after_a_restart(tmp_path: Path, tiny_model: Path) -> None:
    folder, question = DataFolder(tmp_path / "data"), "words of a long question " * 8
    services = Services(folder)
    services.settings.change(max_tokens=8)
    session = new_session(services)
    reused(session, question, tiny_model)
    conversation = session.conversation_id
    session.open_temporary()
    reused(session, "Something that nobody may know. " * 8, tiny_model)
    session.close()
    services.close()
    assert conversation is not None
    assert services.states.files() == [services.states.file(conversation)]

    services = Services(folder)
    session = new_session(services)
    session.open(conversation)
    assert reused(session, "And then?", tiny_model) > len(question)
    # Its state of before the deletion is in the engine's memory too.
    services.store.delete(conversation)
    services.close()
    assert services.states.files() == []


def test_a_document_at_the_start_of_conversations_is_read_once(tmp_path: Path, tiny_model: Path) -> None:
    services = Services(DataFolder(tmp_path / "data"))
    services.settings.change(max_tokens=8, context=2048)
    document = Attachment("report.txt", "The lighthouse was painted red in 1891. " * 20)
    session = new_session(services)
    assert reused(session, "Who painted it?", tiny_model, document) < 100
    first = session.conversation_id
    session.open(None)
    assert reused(session, "When was it?", tiny_model, document) > len(document.content)
    second = session.conversation_id
    # After others, also those that have displaced it, and again at the start of a new one.
    session.open(None)
    assert reused(session, "Something else. " * 20, tiny_model) < 100
    for conversation in (first, second):
        session.open(conversation)
        assert reused(session, "And then?", tiny_model) > len(document.content)
    session.open(None)
    reused(session, "Something else again. " * 20, tiny_model)
    session.open(None)
    assert reused(session, "What colour is it?", tiny_model, document) > len(document.content)
    services.close()


def test_the_cache_can_be_turned_off(tmp_path: Path, tiny_model: Path) -> None:
    services = Services(DataFolder(tmp_path / "data"))
    services.settings.change(max_tokens=8, conversation_cache=0)
    reused(new_session(services), "words of a long question " * 8, tiny_model)
    services.close()
    assert not services.states.path.exists()
