"""Conversations of the whole program in the conversation cache: after a restart, temporary, deleted, and turned off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.backends import backend_for
from app.chat.session import ChatSession
from app.config.paths import DataFolder
from app.services import Services
from model_manager.cancellation import CancelToken


def run_at_once(job: Callable[[], None], _token: CancelToken, **_where: bool) -> None:
    job()


def new_session(services: Services) -> ChatSession:
    return ChatSession(services.store, services.settings, lambda model_id: backend_for(services, model_id), run_at_once)


def reused(session: ChatSession, question: str, model: Path) -> int:
    _, answer = session.ask(question, str(model))
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


def test_the_cache_can_be_turned_off(tmp_path: Path, tiny_model: Path) -> None:
    services = Services(DataFolder(tmp_path / "data"))
    services.settings.change(max_tokens=8, conversation_cache=0)
    reused(new_session(services), "words of a long question " * 8, tiny_model)
    services.close()
    assert not services.states.path.exists()
