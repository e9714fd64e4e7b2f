"""What made an answer, as a short list to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.conversation import MadeBy, Message, Sampling
from app.export.formats import Labels


def facts(message: Message, labels: Labels) -> list[tuple[str, str]]:
    """Pairs of label and value; what is not known is left out.  Times are in UTC."""
    found: list[tuple[str, object]] = [(labels.time, f"{message.created_at:%Y-%m-%d %H:%M:%S} UTC")]
    if message.made_by is not None:
        found += _made_by(message.made_by, labels)
    return [(label, str(value)) for label, value in found if value not in (None, "")]


def _made_by(made_by: MadeBy, labels: Labels) -> list[tuple[str, object]]:
    return [
        (labels.model, made_by.model_id),
        (labels.endpoint, made_by.endpoint),
        (labels.quantisation, made_by.quantisation),
        (labels.file_sha256, made_by.file_sha256),
        (labels.plan, plan_line(made_by.plan)),
        (labels.seed, made_by.seed),
        (labels.sampling, _sampling(made_by.sampling)),
        (labels.prompt_tokens, made_by.prompt_tokens),
        (labels.left_out, len(made_by.left_out) or None),
        (labels.completion_tokens, made_by.completion_tokens),
        (labels.finish_reason, made_by.finish_reason),
        (labels.thought_time, _seconds(made_by.thought_s)),
        (labels.tokens_per_second, None if made_by.tokens_per_second is None else f"{made_by.tokens_per_second:.2f}"),
        (labels.engine, made_by.engine),
        (labels.program, made_by.program),
    ]


def plan_line(plan: Mapping[str, Any]) -> str:
    """How the model lay on the machine, from a plan as JSON: engine's terms, read by whoever loads it again so."""
    parts: list[str] = []
    for key, name in (("context", "context"), ("kv_type", "KV"), ("n_gpu_layers", "GPU layers")):
        if _is_plain(plan.get(key)):
            parts.append(f"{name} {plan[key]}")
    split = plan.get("tensor_split")
    if isinstance(split, list | tuple) and split:
        parts.append("tensor split " + ", ".join(f"{each:g}" for each in split if isinstance(each, int | float)))
    experts = plan.get("experts_in_ram")
    if isinstance(experts, list | tuple) and experts:
        parts.append(f"experts of {len(experts)} layers in RAM")
    devices = plan.get("devices")
    if isinstance(devices, list | tuple):
        names = [str(each["name"]) for each in devices if isinstance(each, Mapping) and each.get("name")]
        parts += ["on " + ", ".join(names)] if names else []
    return "; ".join(parts)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.1f} s"


def _sampling(sampling: Sampling) -> str:
    parts = [
        f"temperature {sampling.temperature:g}",
        f"top_k {sampling.top_k}",
        f"top_p {sampling.top_p:g}",
        f"min_p {sampling.min_p:g}",
        f"repeat_penalty {sampling.repeat_penalty:g}",
    ]
    if sampling.max_tokens is not None:
        parts.append(f"max_tokens {sampling.max_tokens}")
    if sampling.stop:
        parts.append(f"stop {' '.join(map(repr, sampling.stop))}")
    return ", ".join(parts)
