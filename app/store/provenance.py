"""What made an answer, to and from plain JSON."""

from __future__ import annotations

import json
from ast import literal_eval
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from app.conversation import MadeBy, Sampling
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


_NUMBER, _TEXT = (float, int, type(None)), (str, type(None))
_KINDS: dict[str, tuple[type, ...]] = {
    "model_id": (str,),
    "sampling": (dict,),
    "seed": (int,),
    "prompt_tokens": (int,),
    "completion_tokens": (int,),
    "finish_reason": (str,),
    "tokens_per_second": _NUMBER,
    "prompt_tokens_per_second": _NUMBER,
    "time_to_first_token_s": _NUMBER,
    "file_sha256": _TEXT,
    "quantisation": _TEXT,
    "engine": _TEXT,
    "program": _TEXT,
    "plan": (dict,),
    "endpoint": _TEXT,
    "thought_s": _NUMBER,
    "left_out": (list,),
}


def made_by_of_row(text: str) -> MadeBy:
    """What this program wrote itself, in a fifth of the time: a conversation may have thousands of answers.

    Raises:
        Unfit, ValueError: it holds what this program never writes.
    """
    values = json.loads(text)
    is_usual = isinstance(values, dict) and values.keys() == _KINDS.keys()
    if is_usual and all(type(values[key]) in kinds for key, kinds in _KINDS.items()):
        sampling, left_out = _sampling_of(repr(values["sampling"])), tuple(values["left_out"])
        return MadeBy(**{**values, "sampling": sampling, "left_out": left_out})
    return made_by_from_json(Fields(values, "made_by"))


@lru_cache(maxsize=64)
def _sampling_of(literal: str) -> Sampling:
    # Few samplings make all the answers of a conversation.
    return sampling_from_json(Fields(literal_eval(literal), "made_by.sampling"))


def sampling_to_json(sampling: Sampling) -> dict[str, Any]:
    """Everything in it."""
    values: dict[str, Any] = plain(asdict(sampling))
    return values


def sampling_from_json(fields: Fields) -> Sampling:
    """The other way.

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
