"""Chat session: sends the questions of the open conversation to chat backends and records the answers.

Qt-free: the window and the ``chat`` command are two front ends of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from app.backend import ChatBackend, ChatEvent, ChatRequest, Similarities
from app.chat.answer import AnswerResult, RunningAnswer
from app.chat.context import left_out_before
from app.chat.effective import EffectiveSettings, FolderDefaults, effective_settings, folder_documents, own_overrides
from app.chat.memory import with_facts, without_memory
from app.chat.prompt import first_system_prompt, prompt_messages
from app.chat.titles import Submit, TitleUpdater, first_title
from app.chat.tool_rounds import Decision, ToolProvider
from app.config.presets import ConversationOverrides
from app.config.settings import SettingsFile
from app.context import ContextPolicy
from app.conversation import Attachment, Conversation, Message, Role
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

Adjust = Callable[[ChatRequest], ChatRequest]


class ChatSession:
    """The open conversation and all running answers, also those of other conversations.

    Every method belongs to one thread, the owner's.  ``submit`` runs a job in another thread; the events of the job
    are given to ``post`` there, which must call ``handle`` in the owner's thread.

    An open temporary conversation is in a separate store in memory, which is dropped with it.
    """

    def __init__(
        self,
        store: ConversationStore,
        settings: SettingsFile,
        backend_for: Callable[[str], ChatBackend],
        submit: Submit,
        *,
        post: Callable[[RunningAnswer, ChatEvent | AnswerResult], None] | None = None,
        default_overrides: Callable[[], ConversationOverrides] = ConversationOverrides,
        folder_defaults: Callable[[str | None], FolderDefaults] = lambda _id: FolderDefaults(),
        on_title: Callable[[], object] | None = None,
        similarities: Similarities | None = None,
        tools: Callable[[], ToolProvider] | None = None,
    ) -> None:
        """``default_overrides`` are those of a new conversation, ``folder_defaults`` those of a folder by its id.

        Without ``post`` events are handled immediately, as suits a ``submit`` that runs the job at once.  With
        ``on_title`` titles are improved after an answer, and it is called in any thread when one has changed.
        """
        self._permanent, self._settings, self._backend_for, self._submit = store, settings, backend_for, submit
        self._post, self._default_overrides = post or self.handle, default_overrides
        self._folder_defaults = folder_defaults
        self._titles = TitleUpdater(store, settings, submit, on_title) if on_title is not None else None
        self._similarities, self._tools = similarities, tools
        self._temporary: ConversationStore | None = None
        self._new_overrides: ConversationOverrides | None = None
        self._new_folder_id: str | None = None
        """Folder of a new conversation."""
        self.conversation_id: str | None = None
        """The open conversation; None before its first question."""
        self.answers: dict[str, RunningAnswer] = {}
        """The running answers by the ids of their messages."""

    @property
    def is_empty(self) -> bool:
        """Whether the open conversation has no messages yet."""
        return self.conversation_id is None

    @property
    def store(self) -> ConversationStore:
        """The store of the open conversation."""
        return self._temporary or self._permanent

    @property
    def is_temporary(self) -> bool:
        """Whether the open conversation is not stored."""
        return self._temporary is not None

    @property
    def running(self) -> RunningAnswer | None:
        """The running answer of the open conversation."""
        answers = (each for each in self.answers.values() if each.message.conversation_id == self.conversation_id)
        return next(answers, None)

    # The open conversation

    def open(self, conversation_id: str | None, message_id: str = "", *, folder_id: str | None = None) -> list[Message]:
        """Open a conversation, on the branch of ``message_id`` where that is given; None opens a new one in a folder.

        Returns the messages of the branch.

        Raises:
            UserError: ``conversation_missing``, or as the store does; the conversation before stays open.
        """
        branch = [] if conversation_id is None else self._permanent.branch(conversation_id)
        if conversation_id is not None and message_id and message_id not in {message.id for message in branch}:
            self._permanent.select_leaf(conversation_id, message_id)
            branch = self._permanent.branch(conversation_id)
        self._leave_temporary()
        self.conversation_id, self._new_overrides = conversation_id, None
        self._new_folder_id = folder_id
        return branch

    def open_temporary(self) -> None:
        """Open a new conversation that is not stored."""
        self._leave_temporary()
        self._new_folder_id = None
        self._temporary = ConversationStore.in_memory()
        self.conversation_id, self._new_overrides = None, None

    def save_temporary(self) -> None:
        """Store the open temporary conversation; a running answer goes on.

        Raises:
            UserError: it could not be stored and stays temporary.
        """
        if self._temporary is None:
            return
        self._permanent.merge(self._temporary.trees())
        for answer in self.answers.values():
            answer.is_stored = answer.is_stored or answer.store is self._temporary
        self._leave_temporary()

    def close(self) -> None:
        """Drop an open temporary conversation."""
        self._leave_temporary()

    def folder_id(self) -> str | None:
        """Return the folder of the open conversation, while it exists.  Raises UserError as ``store`` does."""
        if self.conversation_id is not None:
            return self.store.get(self.conversation_id).folder_id
        path = self.store.folder_path(self._new_folder_id)
        return path[-1].id if path else None

    def folder(self) -> FolderDefaults:
        """Return what the folder of the open conversation gives it.  Raises UserError as ``store`` does."""
        return self._folder_defaults(self.folder_id())

    def folder_documents(self) -> dict[int, Attachment]:
        """Return the documents of the folder of the open conversation.  Raises UserError as ``store`` does."""
        return folder_documents(self._permanent, self.folder())

    def effective(self, model_id: str) -> EffectiveSettings:
        """Return the settings of the next answer in the open conversation.  Raises UserError as ``store`` does."""
        overrides = self.overrides()
        if overrides.system_prompt is None:
            overrides = replace(overrides, system_prompt=self._first_prompt(model_id))
        settings = effective_settings(overrides, self.folder(), self._settings.current, model_id)
        return self._with_memory(settings, self.store)

    def overrides(self) -> ConversationOverrides:
        """Return the overrides of the open conversation.  Raises UserError as ``store`` does."""
        if self.conversation_id is None:
            # A preset of the folder takes the place of that in the settings.
            has_preset = self._new_folder_id is not None and self.folder().overrides != ConversationOverrides()
            return self._new_overrides or (ConversationOverrides() if has_preset else self._default_overrides())
        return own_overrides(self.store.get(self.conversation_id))

    def default_sampling(self) -> Sampling:
        """Return the sampling of conversations without their own: that of the folder's preset, or of the settings.

        Raises UserError as ``store`` does.
        """
        return self.folder().overrides.sampling or self._settings.current.sampling()

    def sampling(self) -> Sampling:
        """Return the sampling that is set for the open conversation.  Raises UserError as ``store`` does."""
        return self.overrides().sampling or self.default_sampling()

    def change_sampling(self, **values: Any) -> None:
        """Change fields of the sampling of the open conversation.  Raises UserError as ``store`` does."""
        overrides, default = self.overrides(), self.default_sampling()
        sampling = replace(self.sampling(), **values)
        self.set_overrides(replace(overrides, sampling=None if sampling == default else sampling))

    def set_overrides(self, overrides: ConversationOverrides) -> None:
        """Change the overrides of the open conversation for later answers.  Raises UserError as ``store`` does."""
        if self.conversation_id is None:
            self._new_overrides = overrides
            return
        before = self.overrides()
        if overrides.system_prompt is None:
            overrides = replace(overrides, system_prompt=before.system_prompt)
        if overrides != before:
            self.store.update(self.conversation_id, **vars(overrides))

    # Answers

    def ask(
        self,
        question: str,
        model_id: str,
        attachments: Sequence[Attachment] = (),
        *,
        replaces: str | None = None,
        adjust: Adjust | None = None,
        token: CancelToken | None = None,
    ) -> tuple[Message, RunningAnswer]:
        """Store a question and start its answer; return both.

        ``replaces`` is the id of an earlier question of which this is another version.  ``adjust`` changes the request
        that the overrides and the settings make.

        Raises:
            UserError: it could not be stored; nothing was started.
        """
        backend = self._backend_for(model_id)
        new = None
        if (conversation_id := self.conversation_id) is None:
            new = self._new(first_title(question, attachments), model_id)
            conversation_id = new.id
        asked, answer = self.store.begin_turn(
            conversation_id, question, instead_of=replaces, attachments=tuple(attachments), new=new
        )
        if new is not None:
            self.conversation_id, self._new_overrides = new.id, None
        return asked, self._start(answer, backend, model_id, adjust, token)

    def retry(self, message_id: str, model_id: str) -> RunningAnswer:
        """Start another answer to a question; ``message_id`` is the question's or that of one of its answers.

        Raises:
            UserError: as the store does.
        """
        backend = self._backend_for(model_id)
        message = self.store.message(message_id)
        question_id = message.id if message.role is Role.USER else message.parent_id or ""
        answer = self.store.begin_answer(message.conversation_id, question_id)
        return self._start(answer, backend, model_id)

    def resume(
        self,
        message_id: str,
        model_id: str,
        decision: Decision | None = None,
        *,
        adjust: Adjust | None = None,
        token: CancelToken | None = None,
    ) -> RunningAnswer:
        """Continue an answer from where it ended, with a decision about the calls of tools that it ended with.

        ``adjust`` as in ``ask``.

        Raises:
            UserError: as the store does.
        """
        backend = self._backend_for(model_id)
        return self._start(self.store.resume_answer(message_id), backend, model_id, adjust, token, decision)

    def stop(self) -> None:
        """Stop the running answer of the open conversation."""
        if self.running is not None:
            self.running.token.cancel()

    def handle(self, answer: RunningAnswer, event: ChatEvent | AnswerResult) -> None:
        """Update the session with an event of an answer; an ``AnswerResult`` is the last one."""
        if not isinstance(event, AnswerResult):
            answer.apply(event)
            return
        del self.answers[answer.message.id]
        answer.result = event
        if answer.is_stored and answer.store is not self._permanent:
            # Its conversation was saved while it was running.
            message = event.message
            try:
                self._permanent.finish_answer(
                    message.id, message.content, message.status, message.provenance, message.error
                )
            except UserError as error:
                answer.result = replace(event, save_error=error)
        if answer.is_stored and self._titles is not None:
            self._titles.update(answer, event.message, may_generate=not self.answers)

    def _new(self, title: str, model_id: str) -> Conversation:
        overrides = self.overrides()
        prompt = overrides.system_prompt
        if prompt is None:
            prompt = self._first_prompt(model_id)
        return self.store.new(
            title=title,
            system_prompt=prompt,
            model_id=model_id,
            sampling=overrides.sampling,
            context_policy=overrides.context_policy,
            folder_id=self.folder_id(),
        )

    def _first_prompt(self, model_id: str) -> str:
        """Return the system prompt of a new conversation that has no other; empty for that of the folder's preset."""
        if self.folder().overrides.system_prompt is not None:
            return ""
        return first_system_prompt(self._settings.current.system_prompt, model_id)

    def _start(
        self,
        message: Message,
        backend: ChatBackend,
        model_id: str,
        adjust: Adjust | None = None,
        token: CancelToken | None = None,
        decision: Decision | None = None,
    ) -> RunningAnswer:
        if self._titles is not None:
            self._titles.cancel()
        store = self.store
        request = self._request(store, message, model_id)
        if adjust is not None:
            request = adjust(request)
        if request.sampling.seed is None:
            request = replace(request, sampling=replace(request.sampling, seed=random.getrandbits(32)))
        store.update(message.conversation_id, model_id=model_id)
        answer = RunningAnswer(message, store, backend, request, model_id, token or CancelToken())
        answer.tools, answer.decision = self._tools() if self._tools is not None else None, decision
        answer.is_stored, answer.text = not self.is_temporary, message.content
        self.answers[message.id] = answer

        def job() -> None:
            result = answer.generate(partial(self._post, answer))
            answer.ended.set_result(None)
            self._post(answer, result)
            if result.bug is not None:
                raise result.bug

        if backend.is_remote:
            self._submit(job, answer.token, uses_engine=False)
        else:
            self._submit(job, answer.token)
        return answer

    def _request(self, store: ConversationStore, message: Message, model_id: str) -> ChatRequest:
        """The request for an answer: its branch above it, with the effective settings of its conversation."""
        conversation = store.get(message.conversation_id)
        folder = self._folder_defaults(conversation.folder_id)
        settings = effective_settings(own_overrides(conversation), folder, self._settings.current, model_id)
        settings = self._with_memory(settings, store)
        branch = store.branch(message.conversation_id)
        index = next(index for index, each in enumerate(branch) if each.id == message.id)
        policy = settings.context_policy
        return ChatRequest(
            prompt_messages(settings.system_prompt, branch[:index], folder_documents(self._permanent, folder)),
            settings.sampling,
            message.content,
            policy,
            # What was left out before is summarised with the rest.
            () if policy is ContextPolicy.SUMMARISE else left_out_before(branch[: index + 1]),
            similarities=self._similarities,
            conversation_id="" if store is self._temporary else conversation.id,
        )

    def _with_memory(self, settings: EffectiveSettings, store: ConversationStore) -> EffectiveSettings:
        """Return the settings with the facts of the memory, where a conversation in ``store`` uses it."""
        if store is self._permanent and settings.sampling.memory and self._settings.current.memory:
            return with_facts(settings, self._permanent.facts())
        return without_memory(settings)

    def _leave_temporary(self) -> None:
        store, self._temporary = self._temporary, None
        if store is None:
            return
        answer = next((each for each in self.answers.values() if each.store is store), None)
        if answer is None:
            store.close()
            return
        if not answer.is_stored:
            answer.token.cancel()
        answer.ended.add_done_callback(lambda _ended: store.close())
