"""The ``chat`` command: asks one question, prints the answer as it arrives, and stores the conversation."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from typing import Any

from app.backend import ChatBackend, ChatEvent, ChatRequest, Finished, Fitted, Loaded, Piece, Replanned
from app.backends import LocalBackend, backend_for, loaded_plan
from app.chat.answer import AnswerResult, RunningAnswer
from app.chat.session import Adjust, ChatSession
from app.cli.interrupts import INTERRUPTED, stopped_by_interrupt
from app.cli.output import print_json
from app.cli.parser import sampling_options
from app.conversation import ContextPolicy
from app.messages import left_out_sentence
from app.messages.plans import replanned_sentence
from app.servers.registry import api_base, is_unencrypted
from app.services import Services
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.plan import PlanOptions


class _Output:
    """Prints the text as it arrives, and collects what the JSON report needs."""

    def __init__(self, is_printing: bool) -> None:
        self._is_printing = is_printing
        self.text = ""
        self.load_s = 0.0

    def handle(self, event: ChatEvent | AnswerResult) -> None:
        match event:
            case Piece():
                self.text += event.text
                if self._is_printing:
                    sys.stdout.write(event.text)
                    sys.stdout.flush()
            case Loaded():
                self.load_s = event.seconds
            case Replanned():
                sys.stderr.write(f"apus-chat: {replanned_sentence(event.plan, str, event.because)}\n")
            case Fitted(left_out=(_, *_)):
                sentence = left_out_sentence(len(event.left_out), event.context, str)
                sys.stderr.write(f"apus-chat: {sentence}\n")

    def end_line(self) -> None:
        """End the last line of the printed text."""
        if self._is_printing and self.text and not self.text.endswith("\n"):
            sys.stdout.write("\n")
            sys.stdout.flush()


def run(services: Services, arguments: argparse.Namespace) -> int:
    """Ask, print and store; return the exit code.

    Raises:
        UserError: it could not be answered, or the answer could not be stored.
    """
    backend, model_id = _backend(services, arguments)
    output, token = _Output(not arguments.json), CancelToken()
    # The job runs here instead of in the inference worker: nothing else is to be done meanwhile.
    session = ChatSession(services.store, services.settings, lambda _id: backend, lambda job, _token: job())

    def post(answer: RunningAnswer, event: ChatEvent | AnswerResult) -> None:
        output.handle(event)
        session.handle(answer, event)

    session.post = post
    if arguments.no_save:
        session.open_temporary()
    elif arguments.conversation:
        session.open(arguments.conversation)
    if arguments.system is not None:
        session.set_choices(dataclasses.replace(session.choices(), system_prompt=arguments.system))

    with stopped_by_interrupt(token.cancel) as interrupted:
        adjust = _adjustment(arguments)
        _, answer = session.ask(arguments.message, model_id, adjust=adjust, token=token)
    result, conversation_id = answer.result, session.conversation_id
    session.close()
    assert result is not None
    if arguments.no_save:
        conversation_id = None
    elif not arguments.endpoint:
        services.settings.change(model_id=model_id)
    output.end_line()
    if interrupted:
        return INTERRUPTED
    if error := result.error or result.save_error:
        raise error
    if arguments.json:
        plan = None if backend.is_remote else loaded_plan(services.planning)
        print_json(_report(result.finished, output, conversation_id, plan))
    return 0


def _backend(services: Services, arguments: argparse.Namespace) -> tuple[ChatBackend, str]:
    """Return the backend, and the model id that is stored with the conversation."""
    if arguments.endpoint:
        if is_unencrypted(api_base(arguments.endpoint)):
            sys.stderr.write("apus-chat: plain HTTP: your messages and the key can be read on the network\n")
        key = os.environ.get(arguments.api_key_env or "", "")
        if arguments.api_key_env and not key:
            raise UserError("key_variable_empty", name=arguments.api_key_env)
        name = arguments.model or ""
        return services.servers.backend_at(arguments.endpoint, key, name), name or arguments.endpoint
    model_id = arguments.model or services.settings.now.model_id or "starter"
    options = PlanOptions(
        context=arguments.context,
        kv_type=arguments.kv or "auto",
        devices=tuple(arguments.device or ()),
        rpc_servers=tuple(arguments.rpc or ()),
    )
    backend = backend_for(services, model_id, options)
    if isinstance(backend, LocalBackend):
        model_id = backend.resolve().id
    return backend, model_id


def _adjustment(arguments: argparse.Namespace) -> Adjust:
    """Return the change that the options make to a request."""
    given = sampling_options(arguments)

    def adjust(request: ChatRequest) -> ChatRequest:
        return dataclasses.replace(
            request,
            sampling=dataclasses.replace(request.sampling, **given),
            context_policy=ContextPolicy(arguments.context_policy or request.context_policy),
        )

    return adjust


def _report(
    finished: Finished | None, output: _Output, conversation_id: str | None, plan: dict[str, Any] | None
) -> dict[str, Any]:
    if finished is None:
        raise UserError("engine_died", phase="generating", log="")
    return {
        "text": output.text,
        "finish_reason": finished.finish_reason,
        "prompt_tokens": finished.prompt_tokens,
        "completion_tokens": finished.completion_tokens,
        "prompt_tokens_per_second": finished.prompt_tokens_per_second,
        "tokens_per_second": finished.tokens_per_second,
        "time_to_first_token_s": finished.time_to_first_token_s,
        "load_s": output.load_s,
        "conversation_id": conversation_id,
        "plan": plan,
    }
