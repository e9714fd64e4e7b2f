"""What made an answer, to and from plain JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.chat.conversation import MadeBy, Sampling
from app.store.fields import Fields, plain


def made_by_to_json(made_by: MadeBy) -> dict[str, Any]:
    """Everything in it.  Paths in the plan become text; a rate that is not finite becomes null."""
    values: dict[str, Any] = plain(asdict(made_by))
    return values


def made_by_from_json(fields: Fields) -> MadeBy:
    """The other way.  Unknown keys are left out.

    Raises:
        Unfit: a value is missing or of the wrong kind.
    """
    return MadeBy(
        model_id=fields.text("model_id"),
        sampling=sampling_from_json(fields.fields("sampling")),
        seed=fields.whole("seed"),
        prompt_tokens=fields.whole("prompt_tokens"),
        completion_tokens=fields.whole("completion_tokens"),
        finish_reason=fields.text("finish_reason"),
        tokens_per_second=fields.optional_number("tokens_per_second"),
        prompt_tokens_per_second=fields.optional_number("prompt_tokens_per_second"),
        time_to_first_token_s=fields.optional_number("time_to_first_token_s"),
        file_sha256=fields.optional_text("file_sha256"),
        quantisation=fields.optional_text("quantisation"),
        engine=fields.optional_text("engine"),
        program=fields.optional_text("program"),
        plan=fields.optional_mapping("plan") or {},
        endpoint=fields.optional_text("endpoint"),
        thought_s=fields.optional_number("thought_s"),
        left_out=fields.texts("left_out") if fields.has("left_out") else (),
    )


def sampling_from_json(fields: Fields) -> Sampling:
    """A sampling as ``asdict`` writes it.

    Raises:
        Unfit: a value is missing or of the wrong kind.
    """
    return Sampling(
        temperature=fields.number("temperature"),
        top_k=fields.whole("top_k"),
        top_p=fields.number("top_p"),
        min_p=fields.number("min_p"),
        repeat_penalty=fields.number("repeat_penalty"),
        seed=fields.optional_whole("seed"),
        max_tokens=fields.optional_whole("max_tokens"),
        stop=fields.texts("stop"),
    )
