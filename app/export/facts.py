"""What made an answer, as a short list to read."""

from __future__ import annotations

from app.chat.conversation import Message, Sampling
from app.export.formats import Labels


def facts(message: Message, labels: Labels) -> list[tuple[str, str]]:
    """Pairs of label and value; what is not known is left out.  Times are in UTC."""
    found: list[tuple[str, object]] = [(labels.time, f"{message.created_at:%Y-%m-%d %H:%M:%S} UTC")]
    made_by = message.made_by
    if made_by is not None:
        speed = made_by.tokens_per_second
        found += [
            (labels.model, made_by.model_id),
            (labels.quantisation, made_by.quantisation),
            (labels.file_sha256, made_by.file_sha256),
            (labels.seed, made_by.seed),
            (labels.sampling, _sampling(made_by.sampling)),
            (labels.prompt_tokens, made_by.prompt_tokens),
            (labels.completion_tokens, made_by.completion_tokens),
            (labels.tokens_per_second, None if speed is None else f"{speed:.2f}"),
            (labels.engine, made_by.engine),
            (labels.program, made_by.program),
        ]
    return [(label, str(value)) for label, value in found if value not in (None, "")]


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
