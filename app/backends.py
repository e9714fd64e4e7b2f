"""Chat backends by model id: a local file, which is loaded by a plan, or a model of a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.backend import AnswerOrigin, ChatBackend, ChatEvent, ChatRequest
from app.chat.prompt import without_pictures
from app.engine.protocol import TokenCounts, Tokens
from app.parameter import parameters
from app.planning.planned_load import LoadRequest
from app.planning.service import PlanningService
from app.sampling import Sampling
from app.servers.registry import is_server_model
from app.services import Services
from app.structured.schema import schema_grammar
from app.thoughts import thinking_choices
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError
from model_manager.library.library import LocalModel
from model_manager.plan.load_spec import PlanOptions

HASH_AT_ONCE_BYTES = 256 << 20
"""A file up to this size is hashed after its first answer, in a fraction of a second; larger ones in the background."""


class LocalBackend:
    """A model of the library as a chat backend; it is resolved and checked on its first request."""

    is_remote = False

    def __init__(self, services: Services, model_id: str, options: PlanOptions | None = None) -> None:
        """``model_id`` may be a path; ``options`` take precedence over the model's overrides and the settings."""
        self._library, self._engine, self._planning = services.library, services.engine, services.planning
        self._model_id = model_id
        self._settings = services.settings.current
        self._options = options
        self._resolved: tuple[LocalModel, LoadRequest] | None = None
        self._lacks_tools = False
        """Whether the model could not be offered the tools of the last request."""

    def resolve(self) -> LocalModel:
        """Resolve and check the file.

        Raises:
            UserError: as ``ModelLibrary.resolve``, ``read_model`` and ``check_loadable`` do.
        """
        return self._resolve()[0]

    def stream(self, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load where needed, then answer.  Raises as ``resolve``, ``schema_grammar``, ``without_pictures`` and
        ``PlannedLoader.answer``.
        """
        token.raise_if_cancelled()
        if request.sampling.json_schema:
            schema_grammar(request.sampling.json_schema)  # before minutes of loading
        file, load = self._resolve()
        self._lacks_tools = bool(request.tools) and not _has_tools(self._planning, self._model_id)
        if not file.reads_pictures:
            request = without_pictures(request, file.name or file.id)
        return self._planning.loader.answer(load, request, token)

    def load(self, token: CancelToken) -> Iterator[ChatEvent]:
        """Load where needed.  Raises as ``resolve`` and ``PlannedLoader.load`` do."""
        return self._planning.loader.load(self._resolve()[1], token)

    def count(self, request: ChatRequest, token: CancelToken) -> Iterator[ChatEvent | TokenCounts]:
        """Load where needed, then count the tokens of the prompt.  Raises as ``load`` and ``LocalEngine.count``."""
        yield from self.load(token)
        count, _ = self._engine.count(
            request.messages, request.prefill, (), token, request.sampling.thinking, request.tools
        )
        yield TokenCounts(count, ())

    def tokenize(self, text: str, special: bool, with_ends: bool, token: CancelToken) -> Iterator[ChatEvent | Tokens]:
        """Load where needed, then tokenise a text.  Raises as ``load``."""
        yield from self.load(token)
        yield self._engine.tokenize(text, special=special, with_ends=with_ends, token=token)

    def origin(self) -> AnswerOrigin:
        """Describe the origin of an answer.  Hashes a small file that was not hashed yet."""
        if self._resolved is None:
            return AnswerOrigin(self._model_id)
        file, state = self._resolved[0], self._engine.state
        engine = state.result.engine if state else None
        plan = loaded_plan(self._planning)
        return AnswerOrigin(file.id, self._sha256(file), file.quantisation, engine, plan, lacks_tools=self._lacks_tools)

    def _resolve(self) -> tuple[LocalModel, LoadRequest]:
        if self._resolved is None:
            file = self._library.resolve(self._model_id)
            options = self._planning.options_for(self._settings, file.id, self._options)
            self._resolved = file, self._planning.load_request(file.path, options)
        return self._resolved

    def _sha256(self, file: LocalModel) -> str | None:
        try:
            if file.bytes <= HASH_AT_ONCE_BYTES:
                return self._library.hash_of(file.path)
            known = self._library.known_hash(file.path)
        except UserError:
            # The answer is kept even if its file is gone.
            return None
        return known.sha256 if known else None


def loaded_plan(planning: PlanningService) -> dict[str, Any]:
    """The plan of the loaded file, forecast and actual memory side by side; empty where none is loaded."""
    loaded = planning.loader.loaded
    return loaded.to_json() if loaded else {}


def backend_for(services: Services, model_id: str, options: PlanOptions | None = None) -> ChatBackend:
    """Return the backend for ``model_id``.  ``options`` take precedence over its own; they do not apply to servers.

    A missing file or server is reported by the backend's first request.
    """
    if is_server_model(model_id):
        return services.servers.backend(model_id)
    return LocalBackend(services, model_id, options)


def thinking_choices_of(services: Services, model_id: str) -> tuple[str, ...]:
    """Return the values of ``Sampling.thinking`` besides the default that a model may have; all for a server's."""
    if not model_id:
        return ()
    if is_server_model(model_id):
        return tuple(filter(None, parameters(Sampling)["thinking"].choices))
    try:
        return thinking_choices(services.planning.headers_of(model_id)[0].chat_template or "")
    except UserError:
        # The next request reports what is wrong with the file.
        return ()


def knows_tools(services: Services, model_id: str) -> bool:
    """Return whether a model may know tools: its chat template has them, or it is on a server."""
    if not model_id or is_server_model(model_id):
        return True
    try:
        return _has_tools(services.planning, model_id)
    except UserError:
        # The next request reports what is wrong with the file.
        return True


def _has_tools(planning: PlanningService, model_id: str) -> bool:
    return "tools" in (planning.headers_of(model_id)[0].chat_template or "")


def reads_pictures(services: Services, model_id: str) -> bool | None:
    """Return whether a model reads pictures; None where that is not known, as for many servers."""
    if not model_id:
        return None
    if is_server_model(model_id):
        return services.servers.reads_pictures(model_id)
    try:
        return services.library.resolve(model_id).reads_pictures
    except UserError:
        # The next request reports what is wrong with the file.
        return None


def context_size(services: Services, model_id: str) -> int:
    """Return the context in tokens of the next request to a model; 0 where it is not known before loading."""
    loaded, settings = services.planning.loader.loaded, services.settings.current
    if is_server_model(model_id):
        return services.servers.context_of(model_id)
    if not model_id:
        return 0
    context = services.planning.options_for(settings, model_id).context
    try:
        if loaded is not None and loaded.request.path == services.library.resolve(model_id).path:
            # With another context in the settings it is loaded again.
            return loaded.result.context if context == loaded.request.options.context else context or 0
    except UserError:
        # The next request reports what is wrong with the file.
        return 0
    return context or 0


def trained_context(services: Services, model_id: str) -> int:
    """Return the tokens that a local model was trained for, a limit of its context; 0 where that is not known."""
    try:
        return 0 if not model_id or is_server_model(model_id) else services.library.resolve(model_id).context or 0
    except UserError:
        return 0
