"""Chat backend for a model file of the library: resolves it, loads it by a plan, describes the origin of answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from app.backend import AnswerOrigin, ChatEvent, ChatRequest
from app.config.settings import Settings
from app.engine.local_engine import LocalEngine
from app.planning.overrides import wishes_for
from app.planning.planned_load import Wanted
from app.planning.service import PlanningService
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.hashing import sha256_of
from model_manager.errors import UserError
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.plan import Wishes

HASH_AT_ONCE_BYTES = 256 << 20
"""A file up to this size is hashed when its first answer is done, in a fraction of a second; larger ones at leisure."""


@dataclass(frozen=True)
class ChosenModel:
    """A file that can be loaded, and what is fixed about how."""

    file: LocalModel
    wanted: Wanted


class LocalBackend:
    """A model of the library as a chat backend; it is resolved and checked on its first request."""

    is_remote = False

    def __init__(
        self,
        library: ModelLibrary,
        engine: LocalEngine,
        planning: PlanningService,
        text: str,
        settings: Settings,
        *,
        rpc_servers: tuple[str, ...] = (),
        **wishes: Any,
    ) -> None:
        """``text`` is an id or a path; ``wishes`` are those of ``Wishes``, None where there is none: they stand before
        what was kept for the model, and that before what the settings say."""
        self._library = library
        self._engine = engine
        self._planning = planning
        self._text = text
        self._settings = settings
        self._said = replace(Wishes(), **{key: value for key, value in wishes.items() if value is not None})
        self._rpc_servers = rpc_servers
        self._chosen: ChosenModel | None = None

    def choose(self) -> ChosenModel:
        """The file, checked, with what the settings and the wishes fix.

        Raises:
            UserError: as ``ModelLibrary.resolve``, ``read_model`` and ``check_loadable`` do.
        """
        if self._chosen is None:
            file = self._library.resolve(self._text)
            wishes = wishes_for(self._settings, self._planning.wished.of(file.id), self._said)
            wanted = self._planning.wanted(file.path, wishes, self._rpc_servers)
            self._chosen = ChosenModel(file, wanted)
        return self._chosen

    def stream(self, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load where needed, then answer.  Raises as ``choose`` and ``PlannedLoads.answer`` do."""
        token.raise_if_cancelled()
        yield from self._planning.loads.answer(self.choose().wanted, request, token)

    def origin(self) -> AnswerOrigin:
        """What an answer of this model was made with.  Hashes a small file that was not hashed yet."""
        if self._chosen is None:
            return AnswerOrigin(self._text)
        file, state = self._chosen.file, self._engine.state
        engine = state.result.engine if state else None
        return AnswerOrigin(file.id, self._sha256(file), file.quantisation, engine, loaded_plan(self._planning))

    def _sha256(self, file: LocalModel) -> str | None:
        try:
            known = self._library.known_hash(file.path)
            if known is not None or file.bytes > HASH_AT_ONCE_BYTES:
                return known.sha256 if known else None
            sha256 = sha256_of(file.path)
            self._library.record_file_hash(file.path, sha256)
        except UserError:
            # The answer is there; that its file went away meanwhile must not lose it.
            return None
        return sha256


def loaded_plan(planning: PlanningService) -> dict[str, Any]:
    """How the loaded file lies on the devices, forecast and actual side by side; empty where none is loaded."""
    loaded = planning.loads.loaded
    return loaded.to_json() if loaded else {}
