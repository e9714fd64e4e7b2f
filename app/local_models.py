"""A file of the library as a chat source: checks it, derives how to load it, and says what an answer was made with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.chat.source import ChatEvent, ChatRequest
from app.chat.turn import AnswerOrigin
from app.engine.local_engine import LocalEngine
from app.engine.protocol import LoadOptions
from app.settings import AUTOMATIC_LAYERS, Settings
from model_manager.errors import UserError
from model_manager.gguf_header import check_loadable
from model_manager.hashing import sha256_of
from model_manager.library import LocalModel, ModelLibrary
from model_manager.shards import read_model

HASH_AT_ONCE_BYTES = 256 << 20
"""A file up to this size is hashed when its first answer is done, in a fraction of a second; larger ones at leisure."""


@dataclass(frozen=True)
class ChosenModel:
    """A file that can be loaded, and how."""

    file: LocalModel
    options: LoadOptions


class LibrarySource:
    """A model of the library as a chat source: it is looked up and checked when it is first asked to answer."""

    def __init__(
        self, library: ModelLibrary, engine: LocalEngine, text: str, settings: Settings, **wishes: Any
    ) -> None:
        """``text`` is an id or a path; ``wishes`` are load options, None where there is no wish."""
        self._library = library
        self._engine = engine
        self._text = text
        self._settings = settings
        self._wishes = {key: value for key, value in wishes.items() if value is not None}
        self._chosen: ChosenModel | None = None

    def choose(self) -> ChosenModel:
        """The file, checked, with load options from the settings and the wishes.

        Raises:
            UserError: as ``ModelLibrary.resolve``, ``read_model`` and ``check_loadable`` do.
        """
        if self._chosen is None:
            file = self._library.resolve(self._text)
            headers = read_model(file.path)
            check_loadable(*headers)
            options = LoadOptions(
                path=str(file.path),
                context=self._settings.context or None,
                gpu_layers=None if self._settings.gpu_layers == AUTOMATIC_LAYERS else self._settings.gpu_layers,
            )
            options = dataclasses.replace(options, **self._wishes)
            self._chosen = ChosenModel(file, options)
        return self._chosen

    def stream(self, request: ChatRequest) -> Iterator[ChatEvent]:
        """Load where needed, then answer.  Raises as ``choose`` and ``LocalEngine`` do."""
        yield from self._engine.ensure_loaded(self.choose().options)
        yield from self._engine.answer(request)

    def stop(self) -> None:
        """End the running stream soon."""
        self._engine.stop()

    def origin(self) -> AnswerOrigin:
        """What an answer of this model was made with.  Hashes a small file that was not hashed yet."""
        if self._chosen is None:
            return AnswerOrigin(self._text)
        file, state = self._chosen.file, self._engine.state
        engine = state.result.engine if state else None
        return AnswerOrigin(file.id, self._sha256(file), file.quantisation, engine, loaded_plan(self._engine))

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


def loaded_plan(engine: LocalEngine) -> dict[str, Any]:
    """How the loaded file lies on the devices, with what the engine allocated, all in bytes; empty where none is."""
    state = engine.state
    if state is None:
        return {}
    options, result = state.options, state.result
    return {
        "context": result.context,
        "kv_type": options.kv_type,
        "n_gpu_layers": result.gpu_layers,
        "tensor_split": list(options.tensor_split),
        "experts_in_ram": list(options.experts_in_ram),
        "devices": [
            {"name": name, "actual": dict(memory)}
            for name, memory in result.memory.items()
            if not name.startswith("CPU")
        ],
        "host": {"actual": _host_memory(result.memory)},
    }


def _host_memory(memory: Any) -> dict[str, int]:
    total = {"weights_bytes": 0, "kv_bytes": 0, "compute_bytes": 0, "repack_bytes": 0}
    for name, parts in memory.items():
        if name.startswith("CPU"):
            for kind, count in parts.items():
                total[kind] += count
    return total
