"""The chat session over a real store, with a scripted backend whose jobs the test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.backend import AnswerFinished, AnswerOrigin, ChatEvent, ChatRequest, TextDelta
from app.chat.session import ChatSession
from app.config.presets import ConversationOverrides
from app.config.settings import SettingsFile
from app.context import ContextPolicy
from app.conversation import Role, Status
from app.sampling import Sampling
from app.store.connections import StoreClosed
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

DONE = AnswerFinished("stop", 10, 2, 100.0, 50.0, 0.1)


class Backend:
    """Answers every request with "Yes." and keeps the requests."""

    is_remote = False

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    def stream(self, request: ChatRequest, token: CancelToken) -> Iterator[ChatEvent]:
        self.requests.append(request)
        yield TextDelta("Yes.", 1, 11)
        yield DONE

    def origin(self) -> AnswerOrigin:
        return AnswerOrigin("model")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(tmp_path / "conversations") as opened:
        yield opened


@pytest.fixture
def jobs() -> list[Callable[[], None]]:
    return []


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def session(tmp_path: Path, store: ConversationStore, backend: Backend, jobs: list[Callable[[], None]]) -> ChatSession:
    settings = SettingsFile(tmp_path / "settings.json")
    settings.change(temperature=1.0, system_prompt="Be brief.")
    return ChatSession(store, settings, lambda _id: backend, lambda job, _token: jobs.append(job))


def run(jobs: list[Callable[[], None]]) -> None:
    while jobs:
        jobs.pop(0)()


def test_new_conversation_takes_prompt_and_sampling_of_the_settings(
    session: ChatSession, store: ConversationStore, backend: Backend, jobs: list[Callable[[], None]]
) -> None:
    _, answer = session.ask("Is the sea deep?", "model")
    assert session.running is answer
    run(jobs)
    assert session.running is None
    request = backend.requests[0]
    assert [(message.role, message.content) for message in request.messages] == [
        (Role.SYSTEM, "Be brief."),
        (Role.USER, "Is the sea deep?"),
    ]
    assert request.sampling.temperature == 1.0
    conversation = store.get(session.conversation_id or "")
    assert (conversation.title, conversation.model_id) == ("Is the sea deep?", "model")
    message = store.branch(conversation.id)[-1]
    assert (message.content, message.status) == ("Yes.", Status.COMPLETE)
    assert message.provenance is not None
    assert message.provenance.seed == request.sampling.seed, "the seed that was drawn"


def test_overrides_of_a_conversation_precede_the_settings(
    session: ChatSession, backend: Backend, jobs: list[Callable[[], None]]
) -> None:
    sampling = Sampling(temperature=0.1, seed=3)
    session.set_overrides(ConversationOverrides("Rhyme.", sampling, ContextPolicy.ROLL))
    session.ask("one", "model")
    run(jobs)
    assert session.overrides() == ConversationOverrides("Rhyme.", sampling, ContextPolicy.ROLL)
    session.set_overrides(replace(session.overrides(), sampling=None))
    session.ask("two", "model", adjust=lambda request: replace(request, context_policy=ContextPolicy.STOP))
    run(jobs)
    first, second = backend.requests
    assert first.messages[0].content == "Rhyme."
    assert (first.sampling, first.context_policy) == (sampling, ContextPolicy.ROLL)
    assert (second.sampling.temperature, second.context_policy) == (1.0, ContextPolicy.STOP)


def test_retry_resume_and_edit_keep_the_other_versions(
    session: ChatSession, store: ConversationStore, backend: Backend, jobs: list[Callable[[], None]]
) -> None:
    question, answer = session.ask("one", "model")
    run(jobs)
    session.resume(answer.message.id, "model")
    run(jobs)
    assert backend.requests[-1].prefill == "Yes."
    assert store.message(answer.message.id).content == "Yes.Yes."
    session.retry(answer.message.id, "model")
    run(jobs)
    session.ask("other", "model", replaces=question.id)
    run(jobs)
    branch = store.branch(session.conversation_id or "")
    assert [message.content for message in branch] == ["other", "Yes."]
    assert len(store.messages(session.conversation_id or "")) == 5


def test_temporary_conversation_is_stored_only_when_saved(
    session: ChatSession, store: ConversationStore, jobs: list[Callable[[], None]]
) -> None:
    session.open_temporary()
    session.ask("secret", "model")
    run(jobs)
    assert store.list() == []
    session.open_temporary()
    _, answer = session.ask("kept", "model")
    session.save_temporary()
    assert not session.is_temporary
    assert [each.title for each in store.list()] == ["kept"]
    run(jobs)
    assert store.message(answer.message.id).content == "Yes.", "an answer that ended later is stored too"


def test_leaving_a_temporary_conversation_cancels_its_answer(
    session: ChatSession, jobs: list[Callable[[], None]]
) -> None:
    session.open_temporary()
    _, answer = session.ask("secret", "model")
    session.open(None)
    assert answer.token.is_cancelled
    run(jobs)
    assert answer.result is not None
    assert answer.result.message.status is Status.STOPPED


def test_answers_of_servers_do_not_wait_for_the_engine(
    tmp_path: Path, store: ConversationStore, backend: Backend
) -> None:
    queues: dict[bool, list[Callable[[], None]]] = {True: [], False: []}

    def submit(job: Callable[[], None], _token: CancelToken, *, uses_engine: bool = True) -> None:
        queues[uses_engine].append(job)

    remote = Backend()
    remote.is_remote = True
    backends = {"local": backend, "remote": remote}
    session = ChatSession(store, SettingsFile(tmp_path / "settings.json"), backends.__getitem__, submit)
    session.ask("one", "local")
    session.open_temporary()
    _, answer = session.ask("two", "remote")
    temporary = session.store
    session.open(None)
    assert temporary.messages(answer.message.conversation_id), "it is kept until nothing writes to it"
    run(queues[False])
    assert answer.result is not None
    assert answer.result.save_error is None
    with pytest.raises(StoreClosed):
        temporary.list()
    assert len(session.answers) == 1
    run(queues[True])
    assert not session.answers


def test_opening_a_missing_conversation_keeps_the_open_one(
    session: ChatSession, jobs: list[Callable[[], None]]
) -> None:
    session.ask("one", "model")
    run(jobs)
    before = session.conversation_id
    with pytest.raises(UserError, match="conversation_missing"):
        session.open("missing")
    assert session.conversation_id == before


def test_unknown_model_stores_nothing(session: ChatSession, store: ConversationStore) -> None:
    def refuse(_model_id: str) -> Backend:
        raise UserError("model_missing", id="x")

    session._backend_for = refuse
    with pytest.raises(UserError):
        session.ask("one", "x")
    assert store.list() == []
