"""What made an answer, in words: groups of names with values, in the order in which a person asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject

from app.conversation import MadeBy, Sampling
from ui.widgets.numbers import grouped

GIB = 1 << 30
BYTES = ("weights_bytes", "kv_bytes", "compute_bytes", "repack_bytes")

Group = tuple[str, list[tuple[str, str]]]
"""A title, and names with values."""


class MadeByWords(QObject):
    """Words for ``MadeBy``.  A QObject for the sake of ``tr``."""

    def groups(self, made_by: MadeBy, model_name: str, written_at: str) -> list[Group]:
        """Everything that is known; what is not is left out, and groups that hold nothing are too."""
        groups = (
            (self.tr("Model"), self._model(made_by, model_name)),
            (self.tr("Memory plan"), self._plan(made_by.plan)),
            (self.tr("Sampling"), self._sampling(made_by.sampling, made_by.seed)),
            (self.tr("Answer"), self._answer(made_by, written_at)),
        )
        known = ((title, [(name, value) for name, value in facts if value]) for title, facts in groups)
        return [(title, facts) for title, facts in known if facts]

    def _model(self, made_by: MadeBy, model_name: str) -> list[tuple[str, str]]:
        return [
            (self.tr("Name"), model_name or made_by.model_id),
            (self.tr("Quantisation"), made_by.quantisation or ""),
            (self.tr("File"), "" if made_by.endpoint else made_by.model_id),
            ("SHA-256", made_by.file_sha256 or ""),
            (self.tr("Server"), made_by.endpoint or ""),
            (self.tr("Engine"), made_by.engine or ""),
            (self.tr("Program"), made_by.program or ""),
        ]

    def _plan(self, plan: Mapping[str, Any]) -> list[tuple[str, str]]:
        if not plan:
            return []
        facts = [
            (self.tr("Summary"), self._verdict(plan)),
            (self.tr("Context"), self.tr("{count} tokens").format(count=grouped(int(plan.get("context") or 0)))),
            (self.tr("KV cache"), str(plan.get("kv_type") or "")),
            (self.tr("Layers on GPUs"), str(plan.get("n_gpu_layers", ""))),
            (self.tr("Tensor split"), ", ".join(f"{share:g}" for share in plan.get("tensor_split") or ())),
            (self.tr("Experts in RAM"), _ranges(plan.get("experts_in_ram") or ())),
        ]
        facts += [(str(device.get("name")), self._memory(device)) for device in plan.get("devices") or ()]
        return [*facts, (self.tr("RAM"), self._memory(plan.get("host") or {}))]

    def _verdict(self, plan: Mapping[str, Any]) -> str:
        experts, layers = len(plan.get("experts_in_ram") or ()), plan.get("n_gpu_layers") or 0
        match plan.get("verdict"):
            case "gpu":
                return self.tr("The whole model was on the GPUs.")
            case "experts_in_ram":
                return self.tr("On the GPUs, except for the experts of {count} layers, which were in RAM.").format(
                    count=experts
                )
            case "layers_in_ram":
                if not layers:
                    return self.tr("The model ran entirely on the CPU.")
                return self.tr("{count} layers were on the GPUs, the rest in RAM.").format(count=layers)
        return ""

    def _memory(self, device: Mapping[str, Any]) -> str:
        actual = device.get("actual") or {}
        # The engine's own figures where it gave any, else what was planned.
        figures = actual if any(actual.get(key) for key in BYTES) else device
        weights, kv, compute, repack = (int(figures.get(key) or 0) for key in BYTES)
        if not weights + kv + compute + repack:
            return ""
        return self.tr("weights {weights}, KV cache {kv}, compute buffers {compute} GiB").format(
            weights=_gib(weights + repack), kv=_gib(kv), compute=_gib(compute)
        )

    def _sampling(self, sampling: Sampling, seed: int) -> list[tuple[str, str]]:
        return [
            (self.tr("Temperature"), f"{sampling.temperature:g}"),
            (self.tr("Top-k"), str(sampling.top_k)),
            (self.tr("Top-p"), f"{sampling.top_p:g}"),
            (self.tr("Min-p"), f"{sampling.min_p:g}"),
            (self.tr("Repeat penalty"), f"{sampling.repeat_penalty:g}"),
            (self.tr("Maximum tokens"), str(sampling.max_tokens) if sampling.max_tokens else self.tr("no limit")),
            (self.tr("Stop sequences"), "  ".join(repr(text) for text in sampling.stop)),
            (self.tr("Seed"), str(seed)),
        ]

    def _answer(self, made_by: MadeBy, written_at: str) -> list[tuple[str, str]]:
        return [
            (self.tr("Asked at"), written_at),
            (
                self.tr("Prompt processing"),
                self._count_and_rate(made_by.prompt_tokens, made_by.prompt_tokens_per_second),
            ),
            (self.tr("Generation"), self._count_and_rate(made_by.completion_tokens, made_by.tokens_per_second)),
            (self.tr("Time to first token"), self._seconds(made_by.time_to_first_token_s)),
            (self.tr("Thinking time"), self._seconds(made_by.thought_s)),
            (self.tr("Finish reason"), self._ending(made_by.finish_reason)),
            (self.tr("Messages left out"), str(len(made_by.left_out)) if made_by.left_out else ""),
        ]

    def _count_and_rate(self, tokens: int, rate: float | None) -> str:
        if not tokens:
            return ""
        if rate is None:
            return self.tr("{count} tokens").format(count=grouped(tokens))
        return self.tr("{count} tokens, {rate} tokens/s").format(count=grouped(tokens), rate=f"{rate:.1f}")

    def _seconds(self, seconds: float | None) -> str:
        return "" if seconds is None else self.tr("{seconds} s").format(seconds=f"{seconds:.1f}")

    def _ending(self, reason: str) -> str:
        words = {
            "stop": self.tr("complete"),
            "length": self.tr("token limit reached"),
            "cancelled": self.tr("stopped by you"),
            "died": self.tr("the engine exited unexpectedly"),
        }
        return words.get(reason, reason)


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / GIB:.2f}"


def _ranges(numbers: Any) -> str:
    """Layer numbers as ranges: 0–3, 7."""
    ranges: list[list[int]] = []
    for number in sorted(int(each) for each in numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges)
