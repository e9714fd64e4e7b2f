"""``apus-chat chat``: one question, the answer as it comes, and the conversation kept."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import random
import sys
from typing import Any

from app.backend import ChatEvent, ChatRequest, Finished, Fitted, Loaded, Piece, PromptMessage, Replanned
from app.backends import AnswerBackend, backend_for
from app.chat.context import left_out_before
from app.chat.prompt import first_system_prompt, prompt_messages
from app.chat.titles import title_from
from app.chat.turn import run_turn
from app.cli.interrupts import INTERRUPTED, stopped_by_interrupt
from app.cli.output import print_json
from app.conversation import ContextPolicy, Message, Role
from app.local_backend import LocalBackend, loaded_plan
from app.messages.context import left_out_sentence
from app.messages.plans import replanned_sentence
from app.servers.backend import ServerBackend
from app.servers.registry import api_base, is_open_to_readers
from app.services import Services
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError


class _Listener:
    """Prints pieces as they come and keeps what the JSON needs."""

    def __init__(self, printing: bool) -> None:
        self._printing = printing
        self.text = ""
        self.load_s = 0.0
        self.finished: Finished | None = None

    def __call__(self, event: ChatEvent) -> None:
        match event:
            case Piece():
                self.text += event.text
                if self._printing:
                    sys.stdout.write(event.text)
                    sys.stdout.flush()
            case Loaded():
                self.load_s = event.seconds
            case Replanned():
                sys.stderr.write(f"apus-chat: {replanned_sentence(event.plan, str, event.because)}\n")
            case Fitted(left_out=(_, *_)):
                told = left_out_sentence(len(event.left_out), event.context, str)
                sys.stderr.write(f"apus-chat: {told}\n")
            case Finished():
                self.finished = event


def run(services: Services, arguments: argparse.Namespace) -> int:
    """Ask, print, keep.

    Raises:
        UserError: it could not be answered, or the answer not be kept.
    """
    settings = services.settings.now
    chat_source, model_id = _source(services, arguments)
    wishes = {"temperature": arguments.temperature, "seed": arguments.seed, "max_tokens": arguments.max_tokens}
    sampling = dataclasses.replace(
        settings.sampling(), **{key: value for key, value in wishes.items() if value is not None}
    )
    listener, token = _Listener(printing=not arguments.json), CancelToken()
    with stopped_by_interrupt(token.cancel) as interrupted:
        if arguments.no_save:
            question = PromptMessage(Role.USER, arguments.message)
            system = _system_prompt(services, arguments, model_id)
            opening = (PromptMessage(Role.SYSTEM, system),) if system else ()
            request = ChatRequest((*opening, question), dataclasses.replace(sampling, seed=_seed(sampling.seed)))
            conversation_id = None
            with contextlib.suppress(Cancelled):
                for event in chat_source.stream(request, token):
                    listener(event)
        else:
            conversation_id, request, answer = _begin(services, arguments, model_id)
            request = dataclasses.replace(request, sampling=sampling)
            result = run_turn(services.store, chat_source, request, answer, chat_source.origin, listener, token)
            if not arguments.endpoint:
                services.settings.change(model_id=model_id)
            if error := result.error or result.save_error:
                _end_line(listener, arguments)
                raise error
    if interrupted:
        _end_line(listener, arguments)
        return INTERRUPTED
    if arguments.json:
        plan = None if isinstance(chat_source, ServerBackend) else loaded_plan(services.planning)
        print_json(_report(listener, conversation_id, plan))
    _end_line(listener, arguments)
    return 0


def _source(services: Services, arguments: argparse.Namespace) -> tuple[AnswerBackend, str]:
    """What answers, and the id under which it is kept."""
    if arguments.endpoint:
        if is_open_to_readers(api_base(arguments.endpoint)):
            sys.stderr.write("apus-chat: plain HTTP: whoever carries it can read what you write, and the key\n")
        key = os.environ.get(arguments.api_key_env or "", "")
        if arguments.api_key_env and not key:
            raise UserError("key_variable_empty", name=arguments.api_key_env)
        name = arguments.model or ""
        return services.servers.source_at(arguments.endpoint, key, name), name or arguments.endpoint
    model_id = arguments.model or services.settings.now.model_id or "starter"
    chat_source = backend_for(
        services,
        model_id,
        context=arguments.context,
        kv_type=arguments.kv,
        devices=tuple(arguments.device) if arguments.device else None,
        rpc_servers=tuple(arguments.rpc or ()),
    )
    if isinstance(chat_source, LocalBackend):
        model_id = chat_source.choose().file.id
    return chat_source, model_id


def _begin(services: Services, arguments: argparse.Namespace, model_id: str) -> tuple[str, ChatRequest, Message]:
    store = services.store
    if arguments.conversation:
        conversation = store.get(arguments.conversation)
        if arguments.system is not None:
            store.update(conversation.id, system_prompt=arguments.system)
        store.update(conversation.id, model_id=model_id)
    else:
        system = _system_prompt(services, arguments, model_id)
        conversation = store.create(title=title_from(arguments.message), system_prompt=system, model_id=model_id)
    _, answer = store.begin_turn(conversation.id, arguments.message)
    branch = store.branch(conversation.id)
    system_prompt = store.get(conversation.id).system_prompt
    request = ChatRequest(
        prompt_messages(system_prompt, branch[:-1]),
        services.settings.now.sampling(),
        context_policy=_context_policy(services, arguments, conversation.context_policy),
        left_out=left_out_before(branch),
    )
    return conversation.id, request, answer


def _context_policy(services: Services, arguments: argparse.Namespace, own: ContextPolicy | None) -> ContextPolicy:
    return ContextPolicy(arguments.context_policy or own or services.settings.now.context_policy)


def _system_prompt(services: Services, arguments: argparse.Namespace, model_id: str) -> str:
    if arguments.system is not None:
        return str(arguments.system)
    return first_system_prompt(services.settings.now.system_prompt, model_id)


def _report(listener: _Listener, conversation_id: str | None, plan: dict[str, Any] | None) -> dict[str, Any]:
    finished = listener.finished
    if finished is None:
        raise UserError("engine_died", phase="generating", log="")
    return {
        "text": listener.text,
        "finish_reason": finished.finish_reason,
        "prompt_tokens": finished.prompt_tokens,
        "completion_tokens": finished.completion_tokens,
        "prompt_tokens_per_second": finished.prompt_tokens_per_second,
        "tokens_per_second": finished.tokens_per_second,
        "time_to_first_token_s": finished.time_to_first_token_s,
        "load_s": listener.load_s,
        "conversation_id": conversation_id,
        "plan": plan,
    }


def _end_line(listener: _Listener, arguments: argparse.Namespace) -> None:
    if not arguments.json and listener.text and not listener.text.endswith("\n"):
        sys.stdout.write("\n")
        sys.stdout.flush()


def _seed(wished: int | None) -> int:
    return random.getrandbits(32) if wished is None else wished
