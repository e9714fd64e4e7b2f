"""Report of a measurement for sending: the machine, the forecast beside the real memory, speeds, stop and restore."""

from __future__ import annotations

import html
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.backend import AnswerFinished, ChatRequest, PromptMessage, PromptProgress
from app.conversation import Role
from app.engine.local_engine import LocalEngine
from app.engine.protocol import CacheOptions
from app.planning.planned_load import LoadedPlan, LoadRequest, PlannedLoader
from app.planning.service import PlanningService
from app.sampling import Sampling
from model_manager.cancellation import CancelToken
from model_manager.devices.devices import read_memory, usable_cores
from model_manager.errors import Cancelled
from model_manager.plan.engine_arguments import engine_values
from model_manager.plan.load_spec import LoadSpec

PROMPTS, DEPTHS = (512, 2048, 8192), (0, 4096, 16384)
"""Tokens of the prompts that are read, and tokens before those that are generated."""
GENERATED = 64
REPETITIONS = 3
STOPS = 5
LONG_PROMPT_SHARE = 0.6
"""Part of the context that the prompts fill whose reading is stopped or whose state is restored."""
MOST_TOKENS = 6000
"""The longest of them."""
_WORD, _COUNTED = "lighthouse ", 16
_CACHE_BYTES = 4 << 30

OnStep = Callable[[str, float], None]
"""Receives the name of the step and the fraction of all work that is done."""


@dataclass
class Reporter:
    """Measures one model; ``on_step`` reports progress, ``token`` cancels."""

    planning: PlanningService
    engine: LocalEngine
    request: LoadRequest
    on_step: OnStep
    token: CancelToken

    def run(self) -> dict[str, Any]:
        """Load by the plan and by the engine's own defaults, and measure both.

        Raises:
            UserError: as ``PlannedLoader.load`` and ``LocalEngine.bench``.
            Cancelled: the token was cancelled.
        """
        loaded = self._load(self.planning.loader)
        report: dict[str, Any] = {
            "machine": _machine(self.planning),
            "model": {"file": self.request.path.name, "bytes": sum(each.file_bytes for each in self.request.headers)},
            "plan": loaded.to_json(),
            **self._speeds(loaded.result.context, PROMPTS, DEPTHS, 0.1, 0.6),
        }
        self.on_step("stop", 0.6)
        report["stop_s"] = [round(each, 4) for each in self._stops(loaded.result.context)]
        self.on_step("restore", 0.75)
        report["conversation_cache"] = self._restore(loaded.result.context)
        # llama.cpp decides on layers, attention and batches itself.
        spec = LoadSpec(context=loaded.result.context)
        self.on_step("defaults", 0.85)
        for _ in self.engine.load(self.request.path, spec, self.token):
            pass
        state = self.engine.state
        assert state is not None
        report["engine_defaults"] = {
            "engine": engine_values(spec),
            "gpu_layers": state.result.gpu_layers,
            "memory": state.result.memory,
            **self._speeds(state.result.context, PROMPTS[:1], DEPTHS[:1], 0.9, 1.0),
        }
        return report

    def _load(self, loader: PlannedLoader) -> LoadedPlan:
        self.on_step("load", 0.0)
        for _ in loader.load(self.request, self.token):
            pass
        loaded = loader.loaded
        assert loaded is not None
        return loaded

    def _speeds(
        self, context: int, prompts: tuple[int, ...], depths: tuple[int, ...], begin: float, end: float
    ) -> dict[str, Any]:
        """Measure the prompts and depths that the context holds; the progress goes from ``begin`` to ``end``."""
        found: dict[str, list[dict[str, float]]] = {"prompt": [], "generation": []}
        steps = [("prompt", n) for n in prompts if n <= context]
        steps += [("generation", n) for n in depths if n + GENERATED <= context]
        for number, (kind, tokens) in enumerate(steps):
            self.on_step(f"{kind} {tokens}", begin + (end - begin) * number / len(steps))
            repetitions = REPETITIONS if tokens <= PROMPTS[0] else 1
            prompt, generated, depth = (tokens, 0, 0) if kind == "prompt" else (0, GENERATED, tokens)
            result = self.engine.bench(prompt, generated, repetitions, token=self.token, depth=depth)
            speeds = result.prompt_tokens_per_second if kind == "prompt" else result.tokens_per_second
            found[kind].append({"tokens": tokens, "tokens_per_second": round(statistics.median(speeds), 2)})
        return found

    def _question(self, context: int, number: int) -> PromptMessage:
        _, (tokens,) = self.engine.count(texts=(_WORD * _COUNTED,))
        words = int(min(MOST_TOKENS, context * LONG_PROMPT_SHARE) * _COUNTED / tokens)
        return PromptMessage(Role.USER, f"{number} {_WORD * words}")

    def _stops(self, context: int) -> Iterator[float]:
        """Yield the seconds from a stop while a prompt is read to its end."""
        for number in range(STOPS):
            token, asked_at = CancelToken(), 0.0
            with self.token.on_cancel(token.cancel):
                try:
                    for event in self.engine.answer(ChatRequest((self._question(context, number),), _SHORT), token):
                        if isinstance(event, PromptProgress) and event.read > event.reused and not asked_at:
                            asked_at = time.monotonic()
                            token.cancel()
                except Cancelled:
                    self.token.raise_if_cancelled()
                    yield time.monotonic() - asked_at

    def _restore(self, context: int) -> dict[str, float | int | None]:
        """Return seconds to the first token of a conversation: read whole, and continued after another one."""
        first = self._question(context, STOPS)
        with _cache(self.engine):
            whole = self._answer("first", first)
            self._answer("second", PromptMessage(Role.USER, "Hello"))
            again = self._answer("first", first)
        return {
            "tokens": whole.prompt_tokens,
            "read_whole_s": whole.time_to_first_token_s,
            "restored_s": again.time_to_first_token_s,
        }

    def _answer(self, conversation: str, message: PromptMessage) -> AnswerFinished:
        request = ChatRequest((message,), _SHORT, conversation_id=conversation)
        return next(each for each in self.engine.answer(request, self.token) if isinstance(each, AnswerFinished))


_SHORT = Sampling(seed=1, max_tokens=2)


@contextmanager
def _cache(engine: LocalEngine) -> Iterator[None]:
    """Let the engine keep the states of conversations in a folder that is deleted afterwards."""
    before = engine.cache_options
    with tempfile.TemporaryDirectory() as folder:
        engine.cache_options = lambda: CacheOptions(folder, 0, _CACHE_BYTES)
        try:
            yield
        finally:
            engine.forget(None)
            engine.cache_options = before


def _machine(planning: PlanningService) -> dict[str, Any]:
    machine, memory = planning.machine(), read_memory()
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "ram_bytes": memory.total_bytes,
        "ram_bandwidth": planning.host().bandwidth,
        "engine": machine.engine.engine if machine.engine is not None else None,
        "driver": machine.nvidia.driver,
        "devices": [
            {"name": each.name, "description": each.description, "total_bytes": each.total_bytes}
            for each in machine.listed
        ],
    }


def report_page(report: dict[str, Any]) -> str:
    """Return the report as an HTML page: a table per part."""

    def rows(value: object) -> str:
        if isinstance(value, dict):
            cells = "".join(
                f"<tr><th>{html.escape(str(key))}</th><td>{rows(each)}</td></tr>" for key, each in value.items()
            )
            return f"<table>{cells}</table>"
        if isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value):
            return "".join(map(rows, value))
        return html.escape(value if isinstance(value, str) else json.dumps(value))

    parts = "".join(f"<h2>{html.escape(name)}</h2>{rows(value)}" for name, value in report.items())
    return (
        "<!doctype html><meta charset='utf-8'><title>APUS Chat</title><style>body{font:15px sans-serif;margin:2em}"
        "table{border-collapse:collapse;margin:2px 0}th{text-align:left;font-weight:normal;color:#555}"
        f"th,td{{padding:2px 10px;vertical-align:top;border-bottom:1px solid #ddd}}</style>{parts}"
    )
