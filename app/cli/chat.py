"""The ``chat`` command: asks one question, prints the answer as it arrives, and stores the conversation."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.backend import (
    ChatBackend,
    ChatEvent,
    ChatRequest,
    ContextFitted,
    ModelLoaded,
    PlanChanged,
    Summarised,
    TextDelta,
)
from app.backends import LocalBackend, backend_for, loaded_plan, thinking_choices_of
from app.chat.answer import AnswerResult, RunningAnswer
from app.chat.effective import folder_defaults
from app.chat.session import ChatSession
from app.chat.tool_rounds import MAX_ROUNDS, Decision
from app.cli.output import attributes, print_json, print_note
from app.cli.parser import sampling_options
from app.cli.plan import plan_options
from app.cli.progress import cancel_on_interrupt
from app.context import ContextPolicy
from app.conversation import TOOLS_CALLED
from app.documents.attachments import read_attachment
from app.messages import left_out_sentence, passages_sentence, summarised_sentence
from app.messages.plans import replanned_sentence
from app.servers.client import api_base, is_unencrypted
from app.services import Services
from app.tool_calls import ToolCall, pending, split_steps
from app.tools.offered import OfferedTools
from app.tools.server import WEB
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

MAX_RUNS = 100
"""Rounds of tool calls of one answer that are run without asking."""


def run(services: Services, arguments: argparse.Namespace) -> None:
    """Ask, print and store.

    Raises:
        UserError: it could not be answered, or the answer could not be stored.
    """
    folder_id = services.store.find_folder(arguments.folder).id if arguments.folder else None
    if folder_id and arguments.no_save:
        print_note("a conversation that isn't saved is in no folder; its documents and instructions are not used")
    folder = folder_defaults(services.store, services.presets, _untranslated, folder_id)
    backend, model_id = _backend(services, arguments, folder.model_id)
    attachments = [read_attachment(Path(path)) for path in arguments.attach or ()]
    if arguments.thinking and not arguments.endpoint:
        choices = thinking_choices_of(services, model_id)
        if arguments.thinking not in choices:
            known = ", ".join(choices) or "none"
            print_note(f"--thinking {arguments.thinking} has no effect on this model; its choices are: {known}")
    if arguments.grammar and arguments.endpoint:
        raise UserError("grammar_on_server")
    for name in arguments.tools or ():
        if name == WEB and not services.web.is_ready:
            raise UserError("search_service_missing")
        services.tools.get(name)
    for name in ("json_schema", "grammar"):
        if path := getattr(arguments, name):
            setattr(arguments, name, read_attachment(Path(path)).content)
    token, load_s = CancelToken(), 0.0

    def post(answer: RunningAnswer, event: ChatEvent | AnswerResult) -> None:
        nonlocal load_s
        match event:
            case TextDelta() if not arguments.json:
                _print(event.text)
            case ModelLoaded():
                load_s = event.seconds
            case PlanChanged():
                print_note(replanned_sentence(event.plan, str, event.because))
            case Summarised():
                print_note(summarised_sentence(event.messages, str))
            case ContextFitted() if event.left_out:
                print_note(left_out_sentence(len(event.left_out), event.context, str))
        if isinstance(event, ContextFitted) and event.documents is not None:
            use = event.documents
            print_note(passages_sentence(use.given, use.total, str, is_spread=use.is_spread))
        session.handle(answer, event)

    # The job runs here instead of in the inference worker: the command has nothing else to do.
    def submit(job: Callable[[], None], _token: CancelToken, **_where: bool) -> None:
        job()

    session = ChatSession(
        services.store,
        services.settings,
        lambda _id: backend,
        submit,
        post=post,
        folder_defaults=partial(folder_defaults, services.store, services.presets, _untranslated),
        similarities=services.vectors.similarities,
        tools=partial(OfferedTools, services.tools),
    )
    if arguments.no_save:
        session.open_temporary()
    elif arguments.conversation:
        session.open(arguments.conversation)
    elif folder_id:
        session.open(None, folder_id=folder_id)
    if arguments.system is not None:
        session.set_overrides(dataclasses.replace(session.overrides(), system_prompt=arguments.system))

    def adjust(request: ChatRequest) -> ChatRequest:
        return dataclasses.replace(
            request,
            sampling=dataclasses.replace(request.sampling, **sampling_options(arguments)),
            context_policy=ContextPolicy(arguments.context_policy or request.context_policy),
        )

    with cancel_on_interrupt(token.cancel) as interrupted:
        _, answer = session.ask(arguments.message, model_id, attachments, adjust=adjust, token=token)
        what, decision, most = ("not allowed without --run-tools", Decision.DECLINE, MAX_ROUNDS)
        if arguments.run_tools:
            what, decision, most = ("running", Decision.RUN, MAX_RUNS)
        if not answer.request.sampling.tools:
            # None was offered; the model has heard so many times.
            most = 0
        while (calls := _calls_to_decide(answer)) and not token.is_cancelled and most > 0:
            most -= 1
            for call in calls:
                print_note(f"{what}: {call.name} {json.dumps(call.arguments, ensure_ascii=False)}")
            answer = session.resume(answer.message.id, model_id, decision, adjust=adjust, token=token)
    result, conversation_id = answer.result, session.conversation_id
    session.close()
    assert result is not None
    if arguments.no_save:
        conversation_id = None
    elif not arguments.endpoint:
        services.settings.change(model_id=model_id)
    if not arguments.json and answer.text and not answer.text.endswith("\n"):
        _print("\n")
    if interrupted:
        raise KeyboardInterrupt
    if error := result.error or result.save_error:
        raise error
    if calls:
        raise UserError("tool_calls_endless")
    if arguments.json:
        if result.finished is None:
            raise UserError("engine_died", phase="generating", log="")
        report = {"text": answer.text, **attributes(result.finished), "load_s": load_s}
        plan = None if backend.is_remote else loaded_plan(services.planning)
        use = answer.fitted.documents if answer.fitted is not None else None
        documents = dataclasses.asdict(use) if use is not None else None
        print_json({**report, "conversation_id": conversation_id, "plan": plan, "documents": documents})


def _calls_to_decide(answer: RunningAnswer) -> tuple[ToolCall, ...]:
    finished = answer.result.finished if answer.result is not None else None
    waits = finished is not None and finished.finish_reason == TOOLS_CALLED
    return pending(split_steps(answer.text)[0]) if waits else ()


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _untranslated(_context: str, text: str) -> str:
    return text


def _backend(services: Services, arguments: argparse.Namespace, folder_model: str | None) -> tuple[ChatBackend, str]:
    """Return the backend, and the model id that is stored with the conversation."""
    if arguments.endpoint:
        key = os.environ.get(arguments.api_key_env or "", "")
        if is_unencrypted(api_base(arguments.endpoint, key)):
            print_note("plain HTTP: your messages and the key can be read on the network")
        if arguments.api_key_env and not key:
            raise UserError("key_variable_empty", name=arguments.api_key_env)
        name = arguments.model or ""
        return services.servers.backend_at(arguments.endpoint, key, name), name or arguments.endpoint
    model_id = arguments.model or folder_model or services.settings.current.model_id or "starter"
    backend = backend_for(services, model_id, plan_options(arguments))
    if isinstance(backend, LocalBackend):
        model_id = backend.resolve().id
    return backend, model_id
